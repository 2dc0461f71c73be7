"""Execution of a network on test inputs, in float32 or in another float type."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from ganport_export.errors import ContractError
from ganport_export.interface import Interface
from ganport_export.test_inputs import InputBatch
from ganport_export.transforms.parametrizations import attribute_tensors

Outputs = list[NDArray[Any]]
"""One array per batch: float images `(N, 3, H, W)`, or z `(N, *z)`."""


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
    with _record_random_operators(module) as random_operators:
        outputs = run(module, interface, batches)
    if random_operators:
        raise _random_error(*random_operators[0])
    repeated = run(module, interface, batches[:1])
    if not np.array_equal(repeated[0], outputs[0]):
        name = type(module).__name__
        raise _random_error("another result for the same inputs, from outside torch", name)
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
        raise ContractError(
            place,
            f"the output {interface.output_name!r}",
            f"{type(error).__name__}: {' '.join(str(error).split())[:300]}",
            "Change forward or the interface, so that they agree.",
        ) from error
    _check_output(place, output, (len(batch), *interface.output_shape("float")), dtype)
    array: NDArray[Any] = output.numpy()
    return array


def _check_output(place: str, output: object, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    if not isinstance(output, Tensor):
        found = type(output).__name__
    elif tuple(output.shape) != shape or output.dtype != dtype:
        found = f"{_dtype_name(output.dtype)} of shape {tuple(output.shape)}"
    elif not bool(torch.isfinite(output).all()):
        found = "NaN or infinite numbers"
    else:
        return
    expected = f"one {_dtype_name(dtype)} tensor of shape {shape}"
    fix = "Return only that tensor, and give its size in the interface."
    raise ContractError(place, expected, found, fix)


def _dtype_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _random_error(operator: str, path: str) -> ContractError:
    return ContractError(
        f"module {path!r}",
        "an output that depends only on the inputs",
        f"{operator}, which is random",
        "Take noise as an input (make z larger and split it), and use dropout only in training.",
    )


def _tensor_versions(module: nn.Module) -> dict[str, tuple[int, int]]:
    # The version of a tensor counts its in-place changes.
    tensors = module.state_dict(keep_vars=True)
    return {name: (tensor.data_ptr(), tensor._version) for name, tensor in tensors.items()}


@contextmanager
def _record_random_operators(module: nn.Module) -> Iterator[list[tuple[str, str]]]:
    """Record (operator, module path) of every operator that reads a random generator."""
    paths = [type(module).__name__]
    handles = []

    def leave(*_: Any) -> None:
        paths.pop()

    for path, part in module.named_modules():
        name = path or type(module).__name__
        handles.append(part.register_forward_pre_hook(lambda *_, name=name: paths.append(name)))
        handles.append(part.register_forward_hook(leave, always_call=True))
    recorder = _RandomOperatorMode(paths)
    try:
        with recorder:
            yield recorder.found
    finally:
        for handle in handles:
            handle.remove()


class _RandomOperatorMode(TorchDispatchMode):  # type: ignore[no-untyped-call]  # untyped in torch
    """Records every random operator with the path of the running module."""

    def __init__(self, paths: list[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.paths = paths
        self.found: list[tuple[str, str]] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        # Fused attention has the tag because of its dropout, which is off in eval mode.
        if torch.Tag.nondeterministic_seeded in func.tags and "attention" not in str(func):
            self.found.append((str(func).removesuffix(".default"), self.paths[-1]))
        return func(*args, **(kwargs or {}))


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
