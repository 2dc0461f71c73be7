"""The class users hold: a bundle whose graphs turn requests, seeds and pictures into pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from math import prod
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from ganport_runtime._arguments import (
    check_array,
    check_images,
    check_list,
    check_noise,
    check_temperature,
    count_of,
    refuse,
    seeds_of,
)
from ganport_runtime._contract import ENCODE, GENERATE, TRANSLATE, VERBS
from ganport_runtime._engine import Engine
from ganport_runtime.bundle import Bundle
from ganport_runtime.conditions import Conditions, Request
from ganport_runtime.directions import read_directions
from ganport_runtime.errors import BundleError, RequestError
from ganport_runtime.manifest import Manifest
from ganport_runtime.noise import check_integer, normals
from ganport_runtime.pictures import to_float, to_uint8

# Past this a CPU draws fewer pictures a second, not more: the activations leave its caches.
_BEST_ON_CPU = 64
Asked = Request | Sequence[Request] | None
"""One request for every picture, or a list that holds one for each."""


class Generator:
    """A loaded generator: `generate` draws pictures, `translate` changes pictures, `encode` finds
    their noise, each where the bundle has a graph for it.

    `abilities` are those of the three that it has, `conditions` the groups it takes, `manifest`
    all that is known about it, `device` what it runs on, `z_shape` the shape of one picture's
    noise (empty where there is none), `last_seeds` the seeds of the last pictures drawn, one for
    each (none when they were drawn from `z`).
    """

    def __init__(self, bundle: Bundle, device: str = "auto") -> None:
        self.bundle = bundle
        self.last_seeds: list[int] = []
        self._lock = Lock()
        main = next((i for i in VERBS if bundle.manifest.graph(i)), None)
        if main is None:
            raise BundleError(
                str(bundle.path),
                expected=f"a graph of interface {', '.join(VERBS)}",
                found=", ".join(graph.interface for graph in bundle.manifest.graphs),
                fix="Install a newer ganport: pip install --upgrade ganport",
            )
        # The first graph shows whether bundle and device are good; others wait until asked for.
        self._engines = {main: Engine(bundle, main, device)}
        self.device = self._engines[main].device

    @classmethod
    def load(cls, path: Path | str, device: str = "auto") -> Self:
        """The generator of a bundle folder, a zipped bundle or a lone `.onnx`.

        `device` is "auto", "cpu", "cuda" or "cuda:N". Raises `BundleError`, `DeviceError` or
        `MissingExtraError`; a graph is checked against the manifest before it is run.
        """
        return cls(Bundle.open(path), device)

    @property
    def manifest(self) -> Manifest:
        return self.bundle.manifest

    @property
    def conditions(self) -> Conditions:
        return self.manifest.conditions

    @property
    def abilities(self) -> tuple[str, ...]:
        """Which of `generate`, `translate` and `encode` the bundle has graphs for."""
        return tuple(verb for interface, verb in VERBS.items() if self.manifest.graph(interface))

    @property
    def z_shape(self) -> tuple[int, ...]:
        return self.manifest.z_shape

    @cached_property
    def directions(self) -> Mapping[str, NDArray[np.float32]]:
        """The latent direction of each label, float32 of `z_shape`, by its name `group/label`.

        `generate(conditions, z=z + 0.5 * direction)` is the picture of `z` with half of a label
        added. Empty where a bundle has none. Raises `BundleError` for a damaged file.
        """
        return MappingProxyType(read_directions(self.bundle, self.z_shape))

    def generate(
        self,
        conditions: Asked = None,
        seed: int | None = None,
        seeds: Sequence[int] | None = None,
        count: int | None = None,
        batch_size: int | None = None,
        z: NDArray[np.float32] | None = None,
        temperature: float | None = None,
    ) -> NDArray[np.uint8]:
        """Draw uint8 (N, H, W, 3) sRGB pictures.

        One request (a mapping or a text) is for every picture, a list holds one for each. Picture
        i has the seed `seeds[i]` or `seed + i mod 2^64`; with neither, the system draws one, and
        `last_seeds` has the seeds afterwards. N is `count`, or the length of the lists, or 1.
        `z`, float32 (N, *z_shape), stands in place of seeds and goes into the graph as it is.
        `temperature` (above 0, to 10; None is the bundle's) scales the noise of seeds: below 1
        pictures become more usual and more alike. On one device a picture depends on its seed,
        request and temperature, not on N or `batch_size`.
        Raises `ConditionError` or `RequestError` before anything is drawn.
        """
        self._need(GENERATE)
        if seeds is not None:
            check_list(seeds)
        if z is not None:
            check_array(z)
        number = count_of(count, conditions=conditions, seeds=seeds, z=z)
        vectors = self._vectors(conditions, number)
        if z is None:
            chosen = seeds_of(seed, seeds, number)
            scale = None if temperature is None else check_temperature(temperature)
            images = self._images(
                GENERATE, lambda part: self.noise(chosen[part], scale), vectors, batch_size
            )
        else:
            chosen, noise = [], self._given(z, seed, seeds, temperature)
            images = self._images(GENERATE, lambda part: noise[part], vectors, batch_size)
        self.last_seeds = chosen
        return images

    def translate(
        self, images: NDArray[np.uint8], conditions: Asked = None, batch_size: int | None = None
    ) -> NDArray[np.uint8]:
        """Bring pictures, uint8 (N, H, W, 3) of the bundle's size, to what `conditions` ask.

        The result is of the same type and shape. Conditions are those of `generate`. Raises
        `RequestError` for a bundle that cannot and for other pictures, and `ConditionError`.
        """
        vectors = self._vectors_of(TRANSLATE, images, conditions)
        return self._images(TRANSLATE, lambda part: to_float(images[part]), vectors, batch_size)

    def encode(
        self, images: NDArray[np.uint8], conditions: Asked = None, batch_size: int | None = None
    ) -> NDArray[np.float32]:
        """The noise, float32 (N, *z_shape), that `generate` makes these pictures of.

        Pictures are uint8 (N, H, W, 3) of the bundle's size. Under the same conditions
        `generate(conditions, z=encode(images, conditions))` gives them back. Raises as
        `translate` does.
        """
        vectors = self._vectors_of(ENCODE, images, conditions)
        noise = _empty((len(images), *self.z_shape), np.float32)
        self._run(ENCODE, lambda part: to_float(images[part]), vectors, batch_size, noise)
        if not np.isfinite(noise).all():
            raise BundleError(
                str(self.bundle.path),
                expected="finite noise for these pictures",
                found="NaN or infinity",
                fix="The network is broken: train or export it again.",
            )
        return noise

    def noise(self, seeds: Sequence[int], temperature: float | None = None) -> NDArray[np.float32]:
        """The `z` of each seed, float32 (len(seeds), *z_shape), at that temperature or, with
        None, the bundle's."""
        if not self.z_shape:
            raise self._unable(GENERATE)
        rule = self.manifest.noise
        if temperature is None:
            temperature = rule.temperature if rule else 1.0
        else:
            check_temperature(temperature)
        return normals(seeds, self.z_shape) * np.float32(temperature)

    def _given(
        self,
        z: NDArray[np.float32],
        seed: int | None,
        seeds: Sequence[int] | None,
        temperature: float | None,
    ) -> NDArray[np.float32]:
        if seed is not None or seeds is not None:
            raise refuse("z", "z or seeds", "both", "Leave one of them out.")
        if temperature is not None:
            raise refuse("temperature", "z or a temperature", "both", "Multiply z by it.")
        check_noise(z, self.z_shape)
        return z

    def _vectors_of(
        self, interface: str, images: NDArray[np.uint8], conditions: Asked
    ) -> NDArray[np.float32]:
        self._need(interface)
        check_images(images, self.manifest.image.size)
        return self._vectors(conditions, count_of(None, images=images, conditions=conditions))

    def _vectors(self, conditions: Asked, number: int) -> NDArray[np.float32]:
        if isinstance(conditions, list | tuple):
            return self.conditions.encode_many(conditions)
        vector = self.conditions.encode(cast(Request | None, conditions))
        # A view, not a copy: one vector stands for every picture.
        return np.broadcast_to(vector, (number, self.conditions.size))

    def _images(
        self,
        interface: str,
        fed: Callable[[slice], NDArray[np.float32]],
        vectors: NDArray[np.float32],
        batch_size: int | None,
    ) -> NDArray[np.uint8]:
        images = _empty((len(vectors), *self.manifest.image.size, 3), np.uint8)
        self._run(interface, fed, vectors, batch_size, images)
        return images

    def _run(
        self,
        interface: str,
        fed: Callable[[slice], NDArray[np.float32]],
        vectors: NDArray[np.float32],
        batch_size: int | None,
        results: NDArray[Any],
    ) -> None:
        engine, step = self._engine(interface), self._batch_size(batch_size)
        for start in range(0, len(vectors), step):
            part = slice(start, min(start + step, len(vectors)))
            output = engine.run(fed(part), vectors[part])
            float_picture = results.dtype == np.uint8 and output.dtype != np.uint8
            results[part] = to_uint8(output) if float_picture else output

    def _engine(self, interface: str) -> Engine:
        with self._lock:
            if interface not in self._engines:
                self._engines[interface] = Engine(self.bundle, interface, self.device)
            return self._engines[interface]

    def _need(self, interface: str) -> None:
        if not self.manifest.graph(interface):
            raise self._unable(interface)

    def _unable(self, interface: str) -> RequestError:
        able = " and ".join(self.abilities)
        return RequestError(
            str(self.bundle.path),
            expected=f"a bundle that can {VERBS[interface]}",
            found=f"one that can {able}",
            fix=f"Ask it to {able}, or take another bundle.",
        )

    def _batch_size(self, asked: int | None) -> int:
        batch = self.manifest.batch
        if asked is not None:
            return check_integer("batch_size", asked, batch.min, batch.max)
        return min(batch.opt, _BEST_ON_CPU) if self.device == "cpu" else batch.opt


def _empty(shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
    try:
        return np.empty(shape, dtype)
    except (MemoryError, ValueError):
        raise RequestError(
            "count",
            expected="results that fit in memory",
            found=f"{shape[0]} of {prod(shape[1:]):,} numbers each",
            fix="Ask for fewer at a time.",
        ) from None
