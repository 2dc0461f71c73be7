"""A copy of a network with every weight a plain tensor: nothing recomputed at each call."""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize, remove_spectral_norm, remove_weight_norm
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from ganport_export.errors import ContractError
from ganport_export.preflight import FLAGS

_REBUILT = re.compile(r".*_(orig|bar)|weight_[uvg]")
_HOME_MADE = re.compile(r"spectral|^SN", re.IGNORECASE)
_POWER_VECTOR = re.compile(r"(sn_)?[uv]\d*")


def detached_copy(module: nn.Module) -> nn.Module:
    """A deep copy on the CPU in float32 and eval mode, sharing no tensor with `module`."""
    # The legacy norms keep a computed weight with a gradient history, which deepcopy refuses.
    memo: dict[int, object] = {
        id(value): value.detach().clone()
        for part in module.modules()
        for value in vars(part).values()
        if isinstance(value, Tensor) and not value.is_leaf
    }
    twin = copy.deepcopy(module, memo).to("cpu", torch.float32).eval().requires_grad_(False)
    for part in twin.modules():  # tensors that are neither parameter nor buffer
        for name, value in plain_tensors(part):
            setattr(part, name, value.detach().cpu())
    return twin


def plain_tensors(part: nn.Module) -> list[tuple[str, Tensor]]:
    """Tensors a module keeps as ordinary attributes, which `Module.to` leaves alone."""
    return [(name, value) for name, value in vars(part).items() if isinstance(value, Tensor)]


def fold(module: nn.Module) -> list[str]:
    """Fold spectral norm, weight norm and other parametrizations of `module` in place.

    Returns the paths of the folded tensors. Flags of data-dependent layers, which `inspect` has
    found set, become Python constants: a branch on a tensor cannot be exported. Raises
    ContractError for a norm that is left.
    """
    folded = []
    for path, part in list(module.named_modules()):
        for name in _fold_part(part):
            folded.append(f"{path}.{name}" if path else name)
    for path, part in module.named_modules():
        _check_plain(path, part)
        _settle_flags(part)
    return folded


def _fold_part(part: nn.Module) -> Iterator[str]:
    parametrizations = getattr(part, "parametrizations", None)
    if isinstance(parametrizations, nn.ModuleDict):
        _own_class(part)
        for name in list(parametrizations):
            parametrize.remove_parametrizations(part, name, leave_parametrized=True)
            yield name
    for hook in list(part._forward_pre_hooks.values()):
        if isinstance(hook, SpectralNorm):
            remove_spectral_norm(part, hook.name)
            yield hook.name
        elif isinstance(hook, WeightNorm):
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", ".*weight_norm.* is deprecated", FutureWarning)
                remove_weight_norm(part, hook.name)
            yield hook.name


def _own_class(part: nn.Module) -> None:
    # torch makes a class for each parametrized module and takes the parametrization off that
    # class; a deep copy has the same one, and the original must keep it.
    shared = type(part)
    part.__class__ = type(shared.__name__, shared.__bases__, dict(vars(shared)))


def _check_plain(path: str, part: nn.Module) -> None:
    name = type(part).__name__
    tensors = [*part._parameters, *part._buffers]
    rebuilt = any(_REBUILT.fullmatch(tensor) for tensor in tensors)
    home_made = _HOME_MADE.search(name) and any(_POWER_VECTOR.fullmatch(t) for t in tensors)
    if rebuilt or home_made:
        raise ContractError(
            f"module {path or name!r}",
            expected="plain weights",
            found=f"an unfused norm: {name} keeps {', '.join(sorted(tensors))}",
            fix="Use torch.nn.utils.parametrizations.spectral_norm, or put the normalised weight "
            "in place before the export.",
        )


def _settle_flags(part: nn.Module) -> None:
    for name in FLAGS:
        if name in part._buffers:
            delattr(part, name)
            setattr(part, name, True)
