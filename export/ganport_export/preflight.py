"""What is refused before anything is run: modules whose output is not yet, or not only, theirs."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.lazy import LazyModuleMixin

from ganport_export.errors import ContractError

FLAGS = ("initialized", "is_initialized", "_initialized", "inited")
"""Names under which data-dependent layers (ActNorm) keep whether they have seen data."""


def inspect(module: nn.Module) -> None:
    """Refuse a network that is not ready to be exported, naming the module's path.

    Raises ContractError for training mode, layers that never saw data, batch norm without running
    statistics, and weights that hold no numbers.
    """
    for path, part in module.named_modules():
        place = f"module {path or type(module).__name__!r}"
        for check in (_check_lazy, _check_weights, _check_mode, _check_flag, _check_batch_norm):
            check(place, part)


def _check_mode(place: str, part: nn.Module) -> None:
    if part.training:
        raise ContractError(
            place,
            expected="a network in eval mode",
            found=f"{type(part).__name__} in training mode",
            fix="Call .eval() on the whole network before the export.",
        )


def _check_lazy(place: str, part: nn.Module) -> None:
    if isinstance(part, LazyModuleMixin) and part.has_uninitialized_params():
        _refuse_unseen(place, part, "parameters without a shape")


def _check_flag(place: str, part: nn.Module) -> None:
    for name in FLAGS:
        flag = getattr(part, name, None)
        if isinstance(flag, bool | int) or (isinstance(flag, Tensor) and flag.numel() == 1):
            if not bool(flag):
                _refuse_unseen(place, part, f"{name} = {bool(flag)}")
            return


def _refuse_unseen(place: str, part: nn.Module, found: str) -> None:
    raise ContractError(
        place,
        expected=f"an initialised {type(part).__name__}",
        found=found,
        fix="Run one batch of training data through the network, or load trained weights.",
    )


def _check_batch_norm(place: str, part: nn.Module) -> None:
    if isinstance(part, _BatchNorm) and part.running_mean is None:
        raise ContractError(
            place,
            expected="batch norm with running statistics",
            found=f"{type(part).__name__} that measures each batch, so a picture depends on its "
            "neighbours",
            fix="Train with track_running_stats=True, or use instance norm.",
        )


def _check_weights(place: str, part: nn.Module) -> None:
    tensors: list[tuple[str, Tensor]] = [
        *part.named_parameters(recurse=False),
        *part.named_buffers(recurse=False),
    ]
    for name, tensor in tensors:
        if tensor.is_meta:
            _refuse_weight(place, name, "no storage (meta device)")
        elif tensor.is_floating_point() and not _finite(tensor):
            _refuse_weight(place, name, "NaN or infinite numbers")


def _refuse_weight(place: str, name: str, found: str) -> None:
    raise ContractError(
        f"{place}, tensor {name!r}",
        expected="finite weights",
        found=found,
        fix="Take an earlier checkpoint, from before the training diverged.",
    )


def _finite(tensor: Tensor) -> bool:
    return bool(torch.isfinite(tensor).all())
