"""A network behind the inputs and the output of its interface, without a wrapper by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganport_export.interface import Interface


class Wrapped(nn.Module):
    """Base of modules that put something around a network; paths in messages omit them."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network


class Adapter(Wrapped):
    """Calls a network as its interface says, and returns the image alone in [-1, 1], or z."""

    def __init__(self, network: nn.Module, interface: Interface) -> None:
        super().__init__(network)
        self.inputs = tuple(interface.inputs)
        self.arguments = interface.arguments or self.inputs
        is_index = interface.condition_dtype == "int64"
        self.slices = tuple(interface.conditions.slices.values()) if is_index else ()
        self.output = interface.output
        is_unit = interface.image_range == "unit"
        self.unit_input = is_unit and interface.input_name == "image_in"
        self.unit_output = is_unit and interface.output_name == "image"

    def forward(self, first: Tensor, condition: Tensor | None = None) -> Any:
        """Return the image, or z, of z or an image and a condition."""
        if self.unit_input:
            first = first * 0.5 + 0.5
        if condition is not None and self.slices:
            condition = class_indices(condition, self.slices)
        values = dict(zip(self.inputs, (first, condition), strict=False))
        output = select(self._call(values), self.output)
        return output * 2.0 - 1.0 if self.unit_output and isinstance(output, Tensor) else output

    def _call(self, values: Mapping[str, Any]) -> Any:
        if not isinstance(self.arguments, Mapping):
            return self.network(*(values[name] for name in self.arguments))
        given = self.arguments.items()
        return self.network(
            **{name: values[value] if isinstance(value, str) else value for name, value in given}
        )


def adapt(network: nn.Module, interface: Interface) -> nn.Module:
    """Return the network itself if it has the inputs and output of the graph, else an Adapter."""
    return network if interface.is_direct else Adapter(network, interface).eval()


def unwrap(network: nn.Module) -> nn.Module:
    """Return the user's network without the modules that we put around it."""
    while isinstance(network, Wrapped):
        network = network.network
    return network


def uncompiled(module: nn.Module) -> nn.Module:
    """Return the module that torch.compile wrapped, or the module itself."""
    while isinstance(inner := getattr(module, "_orig_mod", None), nn.Module):
        module = inner
    return module


def path_in_network(network: nn.Module, path: str) -> str:
    """Return the path of a module without the modules that we put around the user's network.

    The network itself is named by its class.
    """
    while isinstance(network, Wrapped):
        network, path = network.network, path.removeprefix("network").removeprefix(".")
    return path or type(network).__name__


def class_indices(condition: Tensor, slices: Sequence[slice]) -> Tensor:
    """Return int64 indices of conditions (N, C): (N,) for one group, (N, groups) for several.

    A blend has the index of its largest weight, the first of several.
    """
    indices = [condition[:, group].argmax(dim=1) for group in slices]
    return indices[0] if len(indices) == 1 else torch.stack(indices, dim=1)


def select(output: Any, key: int | str | None) -> Any:
    """Return the value `key` of what `forward` returned; raises TypeError, which lists the keys."""
    if key is None:
        return output
    if isinstance(key, str) and not isinstance(output, Mapping) and hasattr(output, key):
        return getattr(output, key)
    try:
        return output[key]
    except (KeyError, IndexError, TypeError) as error:
        found = describe_output(output)
        raise TypeError(f"forward returns no value {key!r}, but {found}") from error


def describe_output(output: object) -> str:
    """Return the type of a value, with the keys and shapes inside it."""
    name = type(output).__name__
    if isinstance(output, Tensor):
        return f"{str(output.dtype).removeprefix('torch.')} of shape {tuple(output.shape)}"
    if isinstance(output, Mapping):
        items = [f"{key!r}: {describe_output(value)}" for key, value in output.items()]
    elif isinstance(output, tuple | list):
        items = [f"{index}: {describe_output(value)}" for index, value in enumerate(output)]
    else:
        return name
    return f"{name} ({', '.join(items)})"
