"""Why a `forward` failed: the module that raised or returned NaN, a fixed batch, another type."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

from ganport_export.adapter import unwrap
from ganport_export.errors import ContractError
from ganport_export.interface import Interface
from ganport_export.test_inputs import make_batch

FIXED_BATCH_FIX = (
    "Use -1, expand or z.shape[0] wherever the batch size is a number. Compute all rows at once, "
    "not in a loop over the batch."
)

_SIZES = (1, 2, 4, 8, 16, 32, 64)
"""Batch sizes that are tried when another one failed."""
_INDEX_ERROR = re.compile(
    r"indices|scalar type.*Long|Long.*scalar type|index tensor", re.IGNORECASE
)


def forward_error(
    network: nn.Module, interface: Interface, batch_size: int, place: str, error: Exception
) -> ContractError:
    """Return the error of a `forward` that raised `error` for a batch in float32."""
    path = failing_module(network, error)
    found = summarize(error)
    sizes = " or ".join(map(str, _working_sizes(network, interface, batch_size)))
    if sizes:
        expected = "a forward for any batch size"
        found = f"one for a batch of {sizes} only: {found}"
        return ContractError(path or place, expected, found, FIXED_BATCH_FIX)
    fix = "Change forward or the interface, so that they agree."
    if _INDEX_ERROR.search(found) and interface.conditions.size:
        fix = "If forward takes class indices, give the Interface condition_dtype='int64'."
    elif "unexpected keyword argument" in found or "positional argument" in found:
        fix = "Name the parameters of forward in the Interface: arguments={'labels': 'condition'}."
    where = f" in {path}" if path else ""
    return ContractError(place, f"the output {interface.output_name!r}", f"{found}{where}", fix)


def failing_module(network: nn.Module, error: BaseException) -> str:
    """Return `module 'path'` of the innermost module of the network that raised; "" if none."""
    root = unwrap(network)
    paths = {id(part): path or type(part).__name__ for path, part in root.named_modules()}
    found, trace = "", error.__traceback__
    while isinstance(trace, TracebackType):
        owner: Any = trace.tb_frame.f_locals.get("self")
        if id(owner) in paths:
            found = f"module {paths[id(owner)]!r}"
        trace = trace.tb_next
    return found


def not_finite_error(network: nn.Module, inputs: Sequence[Tensor], place: str) -> ContractError:
    """Return the error of a `forward` that returned NaN or infinite numbers for finite inputs."""
    path = _first_not_finite(network, inputs)
    found = "NaN or infinite numbers" + (f", first from module {path!r}" if path else "")
    fix = (
        "If the training diverged, use an earlier checkpoint. Otherwise look there for a division "
        "by zero, a logarithm, or numbers that are too large."
    )
    return ContractError(place, "finite numbers", found, fix)


def _first_not_finite(network: nn.Module, inputs: Sequence[Tensor]) -> str:
    """Return the path of the first module that ends with such a number; "" if there is none."""
    root = unwrap(network)
    paths = {part: path or type(root).__name__ for path, part in root.named_modules()}
    found: list[str] = []

    def record(module: nn.Module, args: Any, output: Any) -> None:
        is_finite = not isinstance(output, Tensor) or bool(torch.isfinite(output).all())
        if module in paths and not is_finite:
            found.append(paths[module])

    with torch.no_grad(), register_module_forward_hook(record):
        network(*inputs)
    return next(iter(found), "")


def summarize(error: BaseException) -> str:
    """Return the type and the first 300 characters of an error, in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _working_sizes(network: nn.Module, interface: Interface, failed: int) -> list[int]:
    """Return the other batch sizes for which `forward` runs."""
    sizes = []
    for size in _SIZES:
        if size != failed:
            try:
                with torch.no_grad():
                    network(*make_batch(interface, size).tensors())
                sizes.append(size)
            except Exception:  # a user's forward may raise anything
                continue
    return sizes
