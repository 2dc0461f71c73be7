"""The class users hold: a bundle and a session that turn requests and seeds into pictures."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Self, cast

import numpy as np
from numpy.typing import NDArray

from ganport_runtime._contract import GENERATE
from ganport_runtime.bundle import Bundle
from ganport_runtime.conditions import Conditions, Request
from ganport_runtime.errors import BundleError, RequestError
from ganport_runtime.manifest import Manifest
from ganport_runtime.noise import check_integer, check_seed, consecutive, normals
from ganport_runtime.pictures import to_uint8
from ganport_runtime.session import Session
from ganport_runtime.values import shown

MAX_COUNT = 2**20
# Past this a CPU draws fewer pictures a second, not more: the activations leave its caches.
_BEST_ON_CPU = 64


class Generator:
    """A loaded generator: `generate` draws pictures.

    `conditions` are the groups it takes, `manifest` all that is known about it, `device` what it
    runs on, `z_shape` the shape of one picture's noise, `last_seeds` the seeds of the last
    pictures drawn, one for each (none when they were drawn from `z`).
    """

    def __init__(self, bundle: Bundle, device: str = "auto") -> None:
        graph, file = bundle.onnx(GENERATE)
        place = str(bundle.path if bundle.lone else bundle.path / file.path)
        self.bundle = bundle
        self._session = Session(bundle.read(file.path), device, place=place)
        self._session.check(graph)
        self.z_shape = tuple(int(length) for length in graph.inputs[0].shape[1:])
        self._place = place
        self.last_seeds: list[int] = []

    @classmethod
    def load(cls, path: Path | str, device: str = "auto") -> Self:
        """The generator of a bundle folder, a zipped bundle or a lone `.onnx`.

        `device` is "auto", "cpu", "cuda" or "cuda:N". Raises `BundleError`, `DeviceError` or
        `MissingExtraError`; the graph is checked against the manifest before anything is drawn.
        """
        return cls(Bundle.open(path), device)

    @property
    def manifest(self) -> Manifest:
        return self.bundle.manifest

    @property
    def conditions(self) -> Conditions:
        return self.manifest.conditions

    @property
    def device(self) -> str:
        return self._session.device

    def generate(
        self,
        conditions: Request | Sequence[Request] | None = None,
        seed: int | None = None,
        seeds: Sequence[int] | None = None,
        count: int | None = None,
        batch_size: int | None = None,
        z: NDArray[np.float32] | None = None,
    ) -> NDArray[np.uint8]:
        """Draw uint8 (N, H, W, 3) sRGB pictures.

        One request (a mapping or a text) is for every picture, a list holds one for each. Picture
        i has the seed `seeds[i]` or `seed + i mod 2^64`; with neither, the system draws one, and
        `last_seeds` has the seeds afterwards. N is `count`, or the length of the lists, or 1.
        `z`, float32 (N, *z_shape), stands in place of seeds and goes into the graph as it is.
        On one device a picture depends on its seed and request, not on N or `batch_size`.
        Raises `ConditionError` or `RequestError` before anything is drawn.
        """
        number = _count(count, conditions=conditions, seeds=seeds, z=z)
        vectors = self._encode(conditions, number)
        if z is not None and (seed is not None or seeds is not None):
            raise _refuse("z", "z or seeds", "both", "Leave one of them out.")
        chosen = [] if z is not None else _seeds(seed, seeds, number)
        noise = None if z is None else self._checked(z)
        step = self._batch_size(batch_size)
        images = self._empty(number)
        for start in range(0, number, step):
            part = slice(start, min(start + step, number))
            fed = self.noise(chosen[part]) if noise is None else noise[part]
            images[part] = self._draw(fed, vectors[part])
        self.last_seeds = chosen
        return images

    def noise(self, seeds: Sequence[int]) -> NDArray[np.float32]:
        """The `z` of each seed, float32 (len(seeds), *z_shape), at the bundle's temperature."""
        noise = self.manifest.noise
        temperature = np.float32(noise.temperature if noise else 1.0)
        return normals(seeds, self.z_shape) * temperature

    def _checked(self, z: NDArray[np.float32]) -> NDArray[np.float32]:
        if z.dtype != np.float32 or z.shape[1:] != self.z_shape:
            expected = f"float32 (N, {', '.join(map(str, self.z_shape))})"
            fix = "Start from Generator.noise, or use astype(np.float32)."
            raise _refuse("z", expected, f"{z.dtype} {z.shape}", fix)
        if not np.isfinite(z).all():
            raise _refuse("z", "finite numbers", "NaN or infinity", "Start from Generator.noise.")
        return np.ascontiguousarray(z)

    def _encode(
        self, conditions: Request | Sequence[Request] | None, number: int
    ) -> NDArray[np.float32]:
        if isinstance(conditions, list | tuple):
            return self.conditions.encode_many(conditions)
        vector = self.conditions.encode(cast(Request | None, conditions))
        # A view, not a copy: one vector stands for every picture.
        return np.broadcast_to(vector, (number, self.conditions.size))

    def _draw(self, z: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[np.uint8]:
        feeds = {"z": z}
        if self.conditions.size:
            feeds["condition"] = np.ascontiguousarray(vectors)
        images = self._session.run(feeds)
        if images.shape[:1] != (len(z),):
            raise BundleError(
                self._place,
                expected=f"{len(z)} pictures",
                found=f"an array of shape {images.shape}",
                fix="The graph's batch is not dynamic: export the bundle again.",
            )
        return images if images.dtype == np.uint8 else to_uint8(images)

    def _batch_size(self, asked: int | None) -> int:
        batch = self.manifest.batch
        if asked is not None:
            return check_integer("batch_size", asked, batch.min, batch.max)
        return min(batch.opt, _BEST_ON_CPU) if self.device == "cpu" else batch.opt

    def _empty(self, number: int) -> NDArray[np.uint8]:
        height, width = self.manifest.image.size
        try:
            return np.empty((number, height, width, 3), np.uint8)
        except MemoryError:
            raise RequestError(
                "count",
                expected="pictures that fit in memory",
                found=f"{number} of {height} x {width}",
                fix="Draw fewer at a time.",
            ) from None


def _count(
    count: int | None,
    *,
    conditions: Request | Sequence[Request] | None,
    seeds: Sequence[int] | None,
    z: NDArray[np.float32] | None,
) -> int:
    lengths = {"conditions": len(conditions)} if isinstance(conditions, list | tuple) else {}
    if seeds is not None:
        if not isinstance(seeds, Sequence | np.ndarray) or isinstance(seeds, str | bytes):
            fix = "Give one seed for each picture, or seed= for consecutive ones."
            raise _refuse("seeds", "a list of integers", shown(seeds), fix)
        lengths["seeds"] = len(seeds)
    if z is not None:
        if not isinstance(z, np.ndarray) or not z.ndim:
            raise _refuse("z", "an array of noise", shown(z), "Start from Generator.noise.")
        lengths["z"] = len(z)
    number = next(iter(lengths.values()), 1) if count is None else count
    number = check_integer("count", number, 1, MAX_COUNT)
    for name, length in lengths.items():
        if length != number:
            fix = "Leave count out, or make the lists as long as it says."
            raise _refuse(name, f"a list of {number}, one for each picture", f"{length}", fix)
    return number


def _seeds(seed: int | None, seeds: Sequence[int] | None, number: int) -> list[int]:
    if seeds is None:
        return consecutive(secrets.randbits(64) if seed is None else seed, number)
    if seed is not None:
        raise _refuse("seed", "seed or seeds", "both", "Leave one of them out.")
    return [check_seed(value) for value in seeds]


def _refuse(place: str, expected: str, found: str, fix: str) -> RequestError:
    return RequestError(place, expected=expected, found=found, fix=fix)
