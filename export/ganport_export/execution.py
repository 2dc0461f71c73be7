"""Running a network on the samples: as it is and watched, or wholly in another float type."""

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
from ganport_export.test_inputs import Sample
from ganport_export.transforms.parametrizations import plain_tensors

Outputs = list[NDArray[Any]]
"""One array for each sample: float pictures (N, 3, H, W), or z (N, *z)."""


def run(
    module: nn.Module,
    interface: Interface,
    samples: Sequence[Sample],
    dtype: torch.dtype = torch.float32,
) -> Outputs:
    """Float outputs of every sample.

    Raises ContractError when `forward` fails, or returns anything but finite numbers in the
    interface's shape.
    """
    return [_output(module, interface, sample, dtype) for sample in samples]


def run_watched(module: nn.Module, interface: Interface, samples: Sequence[Sample]) -> Outputs:
    """`run`, refusing a network that draws random numbers or changes its own tensors.

    Raises ContractError naming the operator, module or tensor.
    """
    before = _versions(module)
    with _watch_random(module) as found:
        outputs = run(module, interface, samples)
    if found:
        raise _random(*found[0])
    again = run(module, interface, samples[:1])
    if not np.array_equal(again[0], outputs[0]):
        raise _random("a source of random numbers outside torch", type(module).__name__)
    changed = [name for name, version in _versions(module).items() if before.get(name) != version]
    if changed:
        raise ContractError(
            f"tensor {changed[0]!r}",
            expected="a forward that leaves the network as it is in eval mode",
            found="a tensor that every call changes",
            fix="Update it only `if self.training`.",
        )
    return outputs


def in_type(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """A copy of `module` with every floating-point tensor in `dtype`."""
    twin = copy.deepcopy(module).to(dtype)
    for part in twin.modules():
        for name, tensor in plain_tensors(part):
            setattr(part, name, _read(tensor, dtype))
    return twin


def run_in_type(
    twin: nn.Module, interface: Interface, samples: Sequence[Sample], dtype: torch.dtype
) -> Outputs:
    """`run` a copy made by `in_type`, wholly in its type.

    What `forward` itself casts to, or creates in, float32 is in `dtype` too.
    """
    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with _ReadFloat32As(dtype):
            return run(twin, interface, samples, dtype)
    finally:
        torch.set_default_dtype(default)


def run_reference(module: nn.Module, interface: Interface, samples: Sequence[Sample]) -> Outputs:
    """`run` in float64: what every graph is measured against."""
    return run_in_type(in_type(module, torch.float64), interface, samples, torch.float64)


def _output(
    module: nn.Module, interface: Interface, sample: Sample, dtype: torch.dtype
) -> NDArray[Any]:
    inputs = sample.tensors(dtype)
    described = ", ".join(
        f"{name} {tuple(tensor.shape)}" for name, tensor in zip(sample.inputs, inputs, strict=True)
    )
    place = f"forward({described}) in {str(dtype).removeprefix('torch.')}"
    try:
        with torch.no_grad():
            output = module(*inputs)
    except Exception as error:  # whatever a stranger's forward raises
        raise ContractError(
            place,
            expected=f"the output {interface.output!r}",
            found=f"{type(error).__name__}: {' '.join(str(error).split())[:300]}",
            fix="Make forward and interface agree.",
        ) from error
    _check_output(place, output, (len(sample), *interface.output_shape("float")), dtype)
    array: NDArray[Any] = output.numpy()
    return array


def _check_output(place: str, output: object, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    expected = f"one {str(dtype).removeprefix('torch.')} tensor of shape {shape}"
    if not isinstance(output, Tensor):
        found = type(output).__name__
    elif tuple(output.shape) != shape or output.dtype != dtype:
        found = f"{str(output.dtype).removeprefix('torch.')} of shape {tuple(output.shape)}"
    elif not bool(torch.isfinite(output).all()):
        found = "NaN or infinite numbers"
    else:
        return
    fix = "Let forward return that alone, and describe its size in the interface."
    raise ContractError(place, expected=expected, found=found, fix=fix)


def _random(operator: str, path: str) -> ContractError:
    return ContractError(
        f"module {path!r}",
        expected="an output that its inputs alone decide",
        found=f"{operator}, which draws random numbers",
        fix="Take noise as an input (make z larger and split it), and leave dropout to training.",
    )


def _versions(module: nn.Module) -> dict[str, tuple[int, int]]:
    # A tensor's version counts the in-place changes made to it.
    tensors = module.state_dict(keep_vars=True)
    return {name: (tensor.data_ptr(), tensor._version) for name, tensor in tensors.items()}


@contextmanager
def _watch_random(module: nn.Module) -> Iterator[list[tuple[str, str]]]:
    """Gather (operator, module path) of everything that draws from a random generator."""
    paths = [type(module).__name__]
    handles = []
    for path, part in module.named_modules():
        name = path or type(module).__name__
        handles.append(part.register_forward_pre_hook(lambda *_, name=name: paths.append(name)))
        handles.append(part.register_forward_hook(lambda *_: _drop_last(paths), always_call=True))
    watch = _RandomWatch(paths)
    try:
        with watch:
            yield watch.found
    finally:
        for handle in handles:
            handle.remove()


def _drop_last(paths: list[str]) -> None:
    paths.pop()


class _RandomWatch(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch types neither
    """Sees every operator that runs, with the module it runs for."""

    def __init__(self, paths: list[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.paths = paths
        self.found: list[tuple[str, str]] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        # Fused attention carries the tag for its dropout, which eval mode turns off.
        if torch.Tag.nondeterministic_seeded in func.tags and "attention" not in str(func):
            self.found.append((str(func).removesuffix(".default"), self.paths[-1]))
        return func(*args, **(kwargs or {}))


class _ReadFloat32As(TorchFunctionMode):
    """Reads every mention of float32 as another type."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is Tensor.float:
            func, args = Tensor.to, (*args, self.dtype)
        read = {name: _read(value, self.dtype) for name, value in (kwargs or {}).items()}
        return func(*(_read(value, self.dtype) for value in args), **read)


def _read(value: Any, dtype: torch.dtype) -> Any:
    if value is torch.float32:
        return dtype
    if isinstance(value, Tensor) and value.dtype == torch.float32:
        return value.to(dtype)
    return value
