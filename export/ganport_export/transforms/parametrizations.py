"""Folding of norms and parametrizations: every weight becomes a plain tensor."""

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

from ganport_export.adapter import uncompiled
from ganport_export.errors import ContractError

INIT_FLAGS = ("initialized", "is_initialized", "_initialized", "inited")
"""Names under which data-dependent layers such as ActNorm store whether they have seen data."""

_RECOMPUTED_WEIGHT = re.compile(r".*_(orig|bar)|weight_[uvg]")
_CUSTOM_NORM = re.compile(r"spectral|^SN", re.IGNORECASE)
_POWER_VECTOR = re.compile(r"(sn_)?[uv]\d*")


def detached_copy(module: nn.Module) -> nn.Module:
    """Return a deep copy on the CPU, in float32 and eval mode, that shares no tensor.

    Parts that torch.compile wrapped are unwrapped: a graph is captured from Python code.
    """
    # The legacy norms store a computed weight with a gradient history, which deepcopy refuses.
    memo: dict[int, object] = {
        id(value): value.detach().clone()
        for part in module.modules()
        for value in vars(part).values()
        if isinstance(value, Tensor) and not value.is_leaf
    }
    copied = copy.deepcopy(module, memo).to("cpu", torch.float32).eval().requires_grad_(False)
    for part in list(copied.modules()):
        for name, value in attribute_tensors(part):
            setattr(part, name, value.detach().cpu())
        for name, child in part._modules.items():  # named_children omits second names
            if child is not None:
                part._modules[name] = uncompiled(child)
    return copied


def attribute_tensors(part: nn.Module) -> list[tuple[str, Tensor]]:
    """Return the tensors that are ordinary attributes of a module, which `Module.to` ignores."""
    return [(name, value) for name, value in vars(part).items() if isinstance(value, Tensor)]


def fold(module: nn.Module) -> list[str]:
    """Fold spectral norm, weight norm and other parametrizations of `module` in place.

    Returns the paths of the folded tensors. Flags of data-dependent layers become Python constants,
    because torch.export cannot capture a branch on a tensor. Raises ContractError for a norm that
    cannot be folded.
    """
    folded = []
    for path, part in list(module.named_modules()):
        for name in _fold_part(part):
            folded.append(f"{path}.{name}" if path else name)
    for path, part in module.named_modules():
        _check_folded(path, part)
        for name in INIT_FLAGS:
            if name in part._buffers:
                delattr(part, name)
                setattr(part, name, True)
    return folded


def _fold_part(part: nn.Module) -> Iterator[str]:
    parametrizations = getattr(part, "parametrizations", None)
    if isinstance(parametrizations, nn.ModuleDict):
        _copy_class(part)
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


def _copy_class(part: nn.Module) -> None:
    # torch creates a class for each parametrized module and removes the parametrization from that
    # class. A deep copy shares the class, and the original module must keep its parametrization.
    shared = type(part)
    part.__class__ = type(shared.__name__, shared.__bases__, dict(vars(shared)))


def _check_folded(path: str, part: nn.Module) -> None:
    name = type(part).__name__
    tensors = [*part._parameters, *part._buffers]
    is_recomputed = any(_RECOMPUTED_WEIGHT.fullmatch(tensor) for tensor in tensors)
    is_custom = _CUSTOM_NORM.search(name) and any(_POWER_VECTOR.fullmatch(t) for t in tensors)
    if is_recomputed or is_custom:
        raise ContractError(
            f"module {path or name!r}",
            "plain weights",
            f"an unfused norm: {name} has {', '.join(sorted(tensors))}",
            "Use torch.nn.utils.parametrizations.spectral_norm, or replace the weight by its "
            "normalized value before the export.",
        )
