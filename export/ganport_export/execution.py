"""Execution of a network on test inputs, in float32 or in another float type."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ganport_export.adapter import describe_output, unwrap
from ganport_export.diagnosis import FIXED_BATCH_FIX, forward_error, not_finite_error
from ganport_export.errors import ContractError
from ganport_export.interface import Interface
from ganport_export.randomness import random_error, record_random_operators
from ganport_export.test_inputs import InputBatch
from ganport_export.transforms.parametrizations import attribute_tensors

Outputs = list[NDArray[Any]]
"""One array per batch: float images `(N, C, H, W)`, or z `(N, *z)`."""


def run(
    module: nn.Module,
    interface: Interface,
    batches: Sequence[InputBatch],
    dtype: torch.dtype = torch.float32,
) -> Outputs:
    """Return the float outputs of every batch.

    Raises ContractError if `forward` fails, or if it returns anything but finite numbers in the
    shape of the interface.
    """
    return [_run_batch(module, interface, batch, dtype) for batch in batches]


def run_checked(module: nn.Module, interface: Interface, batches: Sequence[InputBatch]) -> Outputs:
    """Call `run`, and refuse a network that uses random numbers or changes its own tensors.

    Raises ContractError with the operator, module or tensor.
    """
    before = _tensor_versions(module)
    with record_random_operators(module) as random_operators:
        outputs = run(module, interface, batches)
    if random_operators:
        raise random_error(*random_operators[0])
    repeated = run(module, interface, batches[:1])
    if not np.array_equal(repeated[0], outputs[0]):
        name = type(unwrap(module)).__name__
        raise random_error("another result for the same inputs, from outside torch", name)
    after = _tensor_versions(module)
    changed = [name for name, version in after.items() if before.get(name) != version]
    if changed:
        raise ContractError(
            f"tensor {changed[0]!r}",
            "a forward that does not change the network in eval mode",
            "a tensor that every call changes",
            "Update it only `if self.training`.",
        )
    return outputs


def cast_copy(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Return a copy of `module` with every float32 tensor in `dtype`."""
    copied = copy.deepcopy(module).to(dtype)
    for part in copied.modules():
        for name, tensor in attribute_tensors(part):
            setattr(part, name, _cast(tensor, dtype))
    return copied


def run_cast(
    copied: nn.Module, interface: Interface, batches: Sequence[InputBatch], dtype: torch.dtype
) -> Outputs:
    """Call `run` on a copy made by `cast_copy`, entirely in `dtype`.

    Tensors that `forward` casts to float32 or creates in float32 are in `dtype` too.
    """
    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with _CastFloat32Mode(dtype):
            return run(copied, interface, batches, dtype)
    finally:
        torch.set_default_dtype(default)


def run_reference(
    module: nn.Module, interface: Interface, batches: Sequence[InputBatch]
) -> Outputs:
    """Call `run` in float64: the reference of every parity check."""
    return run_cast(cast_copy(module, torch.float64), interface, batches, torch.float64)


def _run_batch(
    module: nn.Module, interface: Interface, batch: InputBatch, dtype: torch.dtype
) -> NDArray[Any]:
    tensors = batch.tensors(dtype)
    arguments = ", ".join(
        f"{name} {tuple(tensor.shape)}" for name, tensor in zip(batch.inputs, tensors, strict=True)
    )
    place = f"forward({arguments}) in {_dtype_name(dtype)}"
    try:
        with torch.no_grad():
            output = module(*tensors)
    except Exception as error:  # a user's forward may raise anything
        raise forward_error(module, interface, len(batch), place, error) from error
    _check_output(place, output, interface, len(batch), dtype)
    if not bool(torch.isfinite(output).all()):
        raise not_finite_error(module, tensors, place)
    array: NDArray[Any] = output.numpy()
    return array


def _check_output(
    place: str, output: object, interface: Interface, batch_size: int, dtype: torch.dtype
) -> None:
    shape = (batch_size, *interface.output_shape("float"))
    fix = "Return only that tensor, and give its size in the interface."
    if not isinstance(output, Tensor):
        fix = _selection_fix(output, interface)
    elif tuple(output.shape) == shape and output.dtype == dtype:
        return
    elif tuple(output.shape[1:]) == shape[1:] and output.dtype == dtype:
        fix = FIXED_BATCH_FIX
    expected = f"one {_dtype_name(dtype)} tensor of shape {shape}"
    raise ContractError(place, expected, describe_output(output), fix)


def _selection_fix(output: object, interface: Interface) -> str:
    """Return how to get a tensor from an output of another type."""
    if output is None or isinstance(output, str | bytes | int | float | np.ndarray | np.generic):
        return "Return a torch tensor from forward."
    has_tensor = True
    if isinstance(output, Mapping | tuple | list):
        values = output.values() if isinstance(output, Mapping) else output
        has_tensor = any(isinstance(value, Tensor) for value in values)
    if interface.output is None and has_tensor:
        return "Name the image among them: Interface(output=0), or output='image'."
    return (
        "The output is nested, and Interface(output=...) reaches the first level only: wrap the "
        "network in a module whose forward returns the image alone."
    )


def _dtype_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _tensor_versions(module: nn.Module) -> dict[str, tuple[int, int]]:
    # The version of a tensor counts its in-place changes.
    tensors = unwrap(module).state_dict(keep_vars=True)
    return {name: (tensor.data_ptr(), tensor._version) for name, tensor in tensors.items()}


class _CastFloat32Mode(TorchFunctionMode):
    """Replaces every float32 argument of a torch function by another type."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is Tensor.float:
            func, args = Tensor.to, (*args, self.dtype)
        cast = {name: _cast(value, self.dtype) for name, value in (kwargs or {}).items()}
        return func(*(_cast(value, self.dtype) for value in args), **cast)


def _cast(value: Any, dtype: torch.dtype) -> Any:
    if value is torch.float32:
        return dtype
    if isinstance(value, Tensor) and value.dtype == torch.float32:
        return value.to(dtype)
    return value
