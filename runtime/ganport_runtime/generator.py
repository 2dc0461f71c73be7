"""The class users hold: a bundle whose graphs turn requests, seeds and pictures into pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.bundle import Bundle
from ganport_runtime.bundle.constants import (
    ENCODE,
    GENERATE,
    TRANSLATE,
    VERBS,
)
from ganport_runtime.bundle.latent_directions import read_directions
from ganport_runtime.bundle.manifest import Manifest
from ganport_runtime.conditions import Conditions
from ganport_runtime.conditions.encoder import CachedConditionEncoder, ConditionInput
from ganport_runtime.errors import BundleError, RequestError
from ganport_runtime.generation.engine import GraphSet
from ganport_runtime.generation.request import EncodedRequest, RowRange
from ganport_runtime.generation.validation import (
    check_images,
    check_noise,
    check_noise_type,
    check_seeds_type,
    check_temperature,
    request_error,
    resolve_count,
    resolve_seeds,
)
from ganport_runtime.noise import check_integer, normals

# What a CPU draws at once of 64 x 64 pictures: past 64 it draws no more a second, and as the
# numbers in flight go with the pixels, so does the memory.
_PIXELS_ON_CPU = 64 * 64 * 64


def preferred_batch_size(manifest: Manifest, device: str) -> int:
    """Pictures of a bundle in one run that a device draws fastest; `batch.opt` has no say, since
    whoever exports a bundle does not know where it will run."""
    most = manifest.batch.max
    if device not in ("cpu", "openvino"):
        return most
    height, width = manifest.image.size
    return max(1, min(most, _PIXELS_ON_CPU // (height * width)))


class Generator:
    """A loaded generator: `generate` draws pictures, `translate` changes pictures, `encode` finds
    their noise, each where the bundle has a graph for it.

    `capabilities` are those of the three that it has, `conditions` the groups it takes, `manifest`
    all that is known about it, `device` what it runs on, `z_shape` the shape of one picture's
    noise (empty where there is none), `last_seeds` the seeds of the last pictures drawn, one for
    each (none when they were drawn from `z`).
    """

    def __init__(
        self,
        bundle: Bundle,
        device: str = "auto",
        *,
        allow_spinning: bool = False,
        precision: str = "fp32",
    ) -> None:
        self.bundle = bundle
        self.last_seeds: list[int] = []
        main = next((i for i in VERBS if bundle.manifest.graph(i)), None)
        if main is None:
            raise BundleError(
                str(bundle.path),
                expected=f"a graph of interface {', '.join(VERBS)}",
                found=", ".join(graph.interface for graph in bundle.manifest.graphs),
                fix="Install a newer ganport: pip install --upgrade ganport",
            )
        self._engines = GraphSet(bundle, main, device, allow_spinning, precision)
        self.device = self._engines.device
        self._encoder = CachedConditionEncoder(bundle.manifest.conditions)
        noise = bundle.manifest.noise
        self._usual = noise.temperature if noise else 1.0

    @classmethod
    def load(
        cls,
        path: Path | str,
        device: str = "auto",
        *,
        allow_spinning: bool = False,
        precision: str = "fp32",
    ) -> Self:
        """The generator of a bundle folder, a zipped bundle or a lone `.onnx`.

        `device` is "auto", "cpu", "cuda[:N]", "tensorrt[:N]" or "openvino". `allow_spinning` keeps
        the CPU's threads awake between pictures. `precision` is "fp32", "fp16" (the bundle's
        half-precision graph) or "bf16" (OpenVINO). Raises `BundleError`, `DeviceError` or
        `MissingExtraError`; a graph is checked against the manifest before it is run.
        """
        return cls(Bundle.open(path), device, allow_spinning=allow_spinning, precision=precision)

    @property
    def manifest(self) -> Manifest:
        return self.bundle.manifest

    @property
    def conditions(self) -> Conditions:
        return self.manifest.conditions

    @cached_property
    def capabilities(self) -> tuple[str, ...]:
        """Which of `generate`, `translate` and `encode` the bundle has graphs for."""
        return tuple(verb for interface, verb in VERBS.items() if self.manifest.graph(interface))

    @cached_property
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
        conditions: ConditionInput = None,
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
        job = self.prepare(
            conditions, seed=seed, seeds=seeds, count=count, z=z, temperature=temperature
        )
        images = self._engines.draw_all(job, self._batch_size(batch_size))
        self.last_seeds = job.seed_list
        return images

    def translate(
        self,
        images: NDArray[np.uint8],
        conditions: ConditionInput = None,
        batch_size: int | None = None,
    ) -> NDArray[np.uint8]:
        """Bring pictures, uint8 (N, H, W, 3) of the bundle's size, to what `conditions` ask.

        The result is of the same type and shape. Conditions are those of `generate`. Raises
        `RequestError` for a bundle that cannot and for other pictures, and `ConditionError`.
        """
        job = self.prepare_translation(images, conditions)
        return self._engines.draw_all(job, self._batch_size(batch_size))

    def encode(
        self,
        images: NDArray[np.uint8],
        conditions: ConditionInput = None,
        batch_size: int | None = None,
    ) -> NDArray[np.float32]:
        """The noise, float32 (N, *z_shape), that `generate` makes these pictures of.

        Pictures are uint8 (N, H, W, 3) of the bundle's size. Under the same conditions
        `generate(conditions, z=encode(images, conditions))` gives them back. Raises as
        `translate` does.
        """
        job = self._picture_job(ENCODE, images, conditions)
        noise = self._engines.draw_all(job, self._batch_size(batch_size))
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
        return normals(seeds, self.z_shape) * np.float32(self._temperature(temperature))

    def prepare(
        self,
        conditions: ConditionInput = None,
        *,
        seed: int | None = None,
        seeds: Sequence[int] | None = None,
        count: int | None = None,
        z: NDArray[np.float32] | None = None,
        temperature: float | None = None,
    ) -> EncodedRequest:
        """What `generate` would draw, checked and encoded for `draw`.

        Arguments and errors are those of `generate`.
        """
        self._need(GENERATE)
        if seeds is not None:
            check_seeds_type(seeds)
        if z is not None:
            check_noise_type(z)
        number = resolve_count(count, conditions, seeds=seeds, z=z)
        vectors = self._encoder.encode(conditions, number)
        if z is not None:
            check_noise(z, self.z_shape, seed, seeds, temperature)
            return EncodedRequest(GENERATE, vectors, inputs=z)
        keys = resolve_seeds(seed, seeds, number)
        return EncodedRequest(GENERATE, vectors, keys, self._temperature(temperature))

    def prepare_translation(
        self, images: NDArray[np.uint8], conditions: ConditionInput = None
    ) -> EncodedRequest:
        """What `translate` would draw, checked and encoded for `draw`.

        Arguments and errors are those of `translate`.
        """
        return self._picture_job(TRANSLATE, images, conditions)

    def run_rows(self, parts: Sequence[RowRange]) -> NDArray[np.uint8]:
        """Draw rows of several jobs in one run of the graph: uint8 (N, H, W, 3), in that order.

        All jobs are of one interface and of this generator. Nothing is split:
        `preferred_batch_size` rows are the fastest run. Raises
        `RequestError` for jobs that do not go together.
        """
        interfaces = {job.interface for job, _ in parts}
        if len(interfaces) != 1:
            fix = "Draw the jobs of each interface by themselves."
            found = " and ".join(sorted(interfaces)) or "none"
            raise request_error("parts", "rows of jobs of one interface", found, fix)
        return self._engines.draw(parts)

    def warm_up(self) -> None:
        """Run the first graph in each size of batch that its device prepares apart, so that no
        request waits for that; on the CPU that is one picture."""
        self._engines.warm_up(self.preferred_batch_size)

    @cached_property
    def preferred_batch_size(self) -> int:
        """Pictures in one run that this device draws fastest, as many as the bundle allows."""
        return preferred_batch_size(self.manifest, self.device)

    def _picture_job(
        self, interface: str, images: NDArray[np.uint8], conditions: ConditionInput
    ) -> EncodedRequest:
        self._need(interface)
        check_images(images, self.manifest.image.size)
        number = resolve_count(None, conditions, images=images)
        return EncodedRequest(interface, self._encoder.encode(conditions, number), inputs=images)

    def _temperature(self, asked: float | None) -> float:
        return self._usual if asked is None else check_temperature(asked)

    def _need(self, interface: str) -> None:
        if VERBS[interface] not in self.capabilities:
            raise self._unable(interface)

    def _unable(self, interface: str) -> RequestError:
        able = " and ".join(self.capabilities)
        return RequestError(
            str(self.bundle.path),
            expected=f"a bundle that can {VERBS[interface]}",
            found=f"one that can {able}",
            fix=f"Ask it to {able}, or take another bundle.",
        )

    def _batch_size(self, asked: int | None) -> int:
        if asked is None:
            return self.preferred_batch_size
        batch = self.manifest.batch
        return check_integer("batch_size", asked, batch.min, batch.max)
