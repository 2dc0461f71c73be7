"""Lifting of noise: normal numbers that `forward` draws become a part of its input z.

StyleGAN draws a noise map in every layer (Karras et al. 2019, section 2). A graph may not draw
random numbers, so z becomes the latent followed by the noise maps, flattened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ganport_export.adapter import Wrapped
from ganport_export.errors import ContractError
from ganport_export.interface import Interface
from ganport_export.randomness import running_module
from ganport_export.test_inputs import make_batch

_BATCHES = 2, 3
"""Two batch sizes show which dimension of a noise map is the batch."""


@dataclass(frozen=True)
class NoiseMap:
    """Normal numbers that a module draws: shape of one image's part."""

    path: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.path} {'x'.join(map(str, self.shape))}"


class LiftedNoise(Wrapped):
    """A network whose noise maps are parts of z (N, latent + maps)."""

    def __init__(self, network: nn.Module, latent: tuple[int, ...], maps: Sequence[NoiseMap]):
        super().__init__(network)
        self.shapes = [latent, *(noise.shape for noise in maps)]

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Any:
        """Return the output of the network for a latent and noise maps, flattened in z."""
        sizes = [prod(shape) for shape in self.shapes]
        ends = [sum(sizes[:index]) for index in range(len(sizes) + 1)]
        flat = [z[:, start:stop] for start, stop in pairwise(ends)]
        latent, *maps = [
            part.reshape(-1, *shape) for part, shape in zip(flat, self.shapes, strict=True)
        ]
        with _Replay(iter(maps)):
            return self.network(latent) if condition is None else self.network(latent, condition)


def lift(network: nn.Module, interface: Interface) -> tuple[nn.Module, Interface, list[NoiseMap]]:
    """Return a network that takes its noise as a part of z, its interface, and the noise maps.

    A network that draws no normal numbers is returned unchanged. Raises ContractError for noise
    without a batch dimension, and for a network whose output is not made from z.
    """
    maps = find_noise(network, interface)
    if not maps:
        return network, interface, []
    if interface.input_name != "z":
        fix = "Take the noise as an input, or remove it."
        raise ContractError(f"module {maps[0].path!r}", "noise in a generator", interface.kind, fix)
    size = prod(interface.z) + sum(prod(noise.shape) for noise in maps)
    lifted = LiftedNoise(network, interface.z, maps).eval()
    return lifted, replace(interface, z=(size,)), maps


def find_noise(network: nn.Module, interface: Interface) -> list[NoiseMap]:
    """Return the normal numbers that `forward` draws, in order; raises ContractError."""
    small, large = (_record(network, interface, size) for size in _BATCHES)
    if [path for path, _ in small] != [path for path, _ in large]:
        fix = "Draw the same noise maps for every batch size."
        raise ContractError("noise", "as many noise maps for every batch", "other ones", fix)
    pairs = zip(small, large, strict=True)
    return [NoiseMap(path, _row_shape(path, one, two)) for (path, one), (_, two) in pairs]


def _row_shape(path: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    first = tuple(shape[0] if len(shape) > 1 else 0 for shape in shapes)
    rests = {shape[1:] for shape in shapes}
    if first not in (_BATCHES, (1, 1)) or len(rests) > 1:
        expected = "noise whose first dimension is the batch"
        found = f"shape {shapes[0]} for a batch of {_BATCHES[0]}"
        fix = "Draw it with the shape (z.shape[0], ...)."
        raise ContractError(f"module {path!r}", expected, found, fix)
    return rests.pop()


def _record(
    network: nn.Module, interface: Interface, size: int
) -> list[tuple[str, tuple[int, ...]]]:
    with torch.no_grad(), running_module(network) as paths:
        recorder = _Recorder(paths)
        with recorder:
            network(*make_batch(interface, size).tensors())
    return recorder.found


_DRAWS: frozenset[Callable[..., Any]] = frozenset(
    (torch.randn, torch.randn_like, torch.normal, Tensor.normal_)
)


class _Recorder(TorchFunctionMode):
    """Records the module and the shape of every draw of normal numbers."""

    def __init__(self, paths: list[str]) -> None:
        super().__init__()
        self.paths = paths
        self.found: list[tuple[str, tuple[int, ...]]] = []

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func in _DRAWS:
            self.found.append((self.paths[-1], tuple(result.shape)))
        return result


class _Replay(TorchFunctionMode):
    """Replaces every draw of normal numbers by the next noise map."""

    def __init__(self, maps: Iterator[Tensor]) -> None:
        super().__init__()
        self.maps = maps

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        options = kwargs or {}
        if func not in _DRAWS:
            return func(*args, **options)
        noise = next(self.maps)
        if func in (torch.randn, torch.randn_like):
            return noise
        rest = args[1:] if func is Tensor.normal_ else args
        mean, std = (
            options.get(name, rest[index] if len(rest) > index else default)
            for index, (name, default) in enumerate((("mean", 0.0), ("std", 1.0)))
        )
        scaled = noise * std + mean
        # In place: forward may ignore the result and use the tensor.
        return args[0].copy_(scaled) if func is Tensor.normal_ else scaled
