"""The generator: a bundle whose graphs turn conditions, seeds and images into images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.bundle import Bundle
from ganport_runtime.bundle.manifest import Manifest
from ganport_runtime.bundle.schema import ENCODE, GENERATE, TRANSLATE, VERBS
from ganport_runtime.conditions import CachedConditionEncoder, ConditionInput, Conditions
from ganport_runtime.errors import BundleError, RequestError
from ganport_runtime.generation.engine import GraphSet
from ganport_runtime.generation.request import (
    EncodedRequest,
    RowRange,
    check_images,
    check_noise,
    check_temperature,
    resolve_count,
    resolve_seeds,
)
from ganport_runtime.noise import check_integer, normals
from ganport_runtime.values import format_choices, repr_short

# 64 images of 64 x 64: larger runs are not faster on a CPU, and memory grows with the pixels.
_PIXELS_PER_RUN_ON_CPU = 64 * 64 * 64


def preferred_batch_size(manifest: Manifest, device: str) -> int:
    """Return the number of images in the fastest run of a bundle on `device`.

    The manifest's `batch.opt` is not used: the exporter does not know the device.
    """
    if device not in ("cpu", "openvino"):
        return manifest.batch.max
    height, width = manifest.image.format.size
    return max(1, min(manifest.batch.max, _PIXELS_PER_RUN_ON_CPU // (height * width)))


class Generator:
    """A loaded generator, with `generate`, `translate` and `encode` as far as its bundle has them.

    `capabilities` lists which of the three it has. `conditions` are its condition groups, `image`
    is the format of its images (size, mode, palette), `manifest` describes the bundle, `device` is
    where it runs, `z_shape` the shape of the noise of one image (empty without noise).
    `last_seeds` holds the seeds of the last generated images, one each (empty if they were
    generated from `z`).
    """

    def __init__(
        self,
        bundle: Bundle,
        device: str = "auto",
        *,
        allow_spinning: bool = False,
        precision: str = "fp32",
    ) -> None:
        if not isinstance(bundle, Bundle):
            raise RequestError(
                "bundle", "a Bundle", repr_short(bundle), "Open it with Generator.load(path)."
            )
        self.bundle = bundle
        self.last_seeds: list[int] = []
        interfaces = [i for i in VERBS if bundle.manifest.graph(i)]
        if not interfaces:
            raise BundleError(
                str(bundle.path),
                f"a graph of interface {', '.join(VERBS)}",
                ", ".join(graph.interface for graph in bundle.manifest.graphs),
                "Install a newer ganport: pip install --upgrade ganport",
            )
        self._graphs = GraphSet(bundle, interfaces[0], device, allow_spinning, precision)
        self.device = self._graphs.device
        self.capabilities = tuple(VERBS[interface] for interface in interfaces)
        self.z_shape = bundle.manifest.z_shape
        self.image = bundle.manifest.image.format
        self._encoder = CachedConditionEncoder(bundle.manifest.conditions)
        noise = bundle.manifest.noise
        self._default_temperature = noise.temperature if noise else 1.0

    @classmethod
    def load(
        cls,
        path: Path | str,
        device: str = "auto",
        *,
        allow_spinning: bool = False,
        precision: str = "fp32",
    ) -> Self:
        """Load a bundle folder, a zipped bundle or a single `.onnx` file.

        `device` is "auto", "cpu", "cuda[:N]", "tensorrt[:N]" or "openvino". `allow_spinning` lets
        the CPU's threads spin between runs. `precision` is "fp32", "fp16" (the bundle's
        half-precision graph) or "bf16" (OpenVINO). Raises `BundleError`, `DeviceError` or
        `MissingExtraError`; a graph is checked against the manifest before it runs.
        """
        bundle = Bundle.open(path)
        return cls(bundle, device, allow_spinning=allow_spinning, precision=precision)

    def __repr__(self) -> str:
        height, width = self.manifest.image.size
        fields = self.conditions.fields.items()
        groups = (f"{name} ({format_choices(g.labels) or g.kind})" for name, g in fields)
        text = ", ".join(groups) or "no conditions"
        return f"<Generator {self.manifest.name!r}: {width} x {height} on {self.device}; {text}>"

    @property
    def manifest(self) -> Manifest:
        """The manifest of the bundle."""
        return self.bundle.manifest

    @property
    def conditions(self) -> Conditions:
        """The condition groups of the bundle."""
        return self.manifest.conditions

    @cached_property
    def directions(self) -> Mapping[str, NDArray[np.float32]]:
        """The latent direction of each label, float32 of `z_shape`, by its name `group/label`.

        `generate(conditions, z=z + 0.5 * direction)` moves the image of `z` halfway to the label.
        Empty if the bundle has none. Raises `BundleError` for a damaged file.
        """
        return MappingProxyType(self.bundle.read_directions())

    @cached_property
    def preferred_batch_size(self) -> int:
        """The number of images in the fastest run on this device, within the bundle's limit."""
        return preferred_batch_size(self.manifest, self.device)

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
        """Generate uint8 (N, H, W, C) sRGB images; C is 1 (gray), 3, or 4 (straight alpha).

        `conditions` is one request (a mapping or a text) for all images, or a list with one for
        each. Image i has the seed `seeds[i]` or `seed + i mod 2^64`; without either, a random
        first seed. `last_seeds` holds the seeds afterwards. N is `count`, or the length of the
        lists, or 1. `z`, float32 `(N, *z_shape)`, replaces seeds and is used unscaled.
        `temperature` (above 0, to 10; default: the bundle's) scales the noise of seeds: images
        below 1 are more typical and less diverse. On one device an image depends on its seed,
        request and temperature, not on N or `batch_size`.

        Raises `ConditionError` or `RequestError` before anything runs.
        """
        request = self.prepare(
            conditions, seed=seed, seeds=seeds, count=count, z=z, temperature=temperature
        )
        images = self._graphs.run_batched(request, self._batch_size(batch_size))
        self.last_seeds = request.seed_list
        return images

    def translate(
        self,
        images: NDArray[np.uint8],
        conditions: ConditionInput = None,
        batch_size: int | None = None,
    ) -> NDArray[np.uint8]:
        """Translate images, uint8 (N, H, W, C) of the bundle's size, to the given conditions.

        The result has the same type and shape. Conditions are those of `generate`. Raises
        `RequestError` if the bundle cannot translate or the images do not fit, and
        `ConditionError`.
        """
        request = self.prepare_translation(images, conditions)
        return self._graphs.run_batched(request, self._batch_size(batch_size))

    def encode(
        self,
        images: NDArray[np.uint8],
        conditions: ConditionInput = None,
        batch_size: int | None = None,
    ) -> NDArray[np.float32]:
        """Return the noise, float32 `(N, *z_shape)`, that `generate` turns into these images.

        Images are uint8 (N, H, W, C) of the bundle's size. With the same conditions,
        `generate(conditions, z=encode(images, conditions))` reproduces them. Raises the errors of
        `translate`, and `BundleError` if the network returns NaN or infinity.
        """
        request = self._prepare_images(ENCODE, images, conditions)
        noise = self._graphs.run_batched(request, self._batch_size(batch_size))
        if not np.isfinite(noise).all():
            raise BundleError(
                str(self.bundle.path),
                "finite noise for these images",
                "NaN or infinity",
                "The network is broken: train it again or export it again.",
            )
        return noise

    def noise(self, seeds: Sequence[int], temperature: float | None = None) -> NDArray[np.float32]:
        """Return the `z` of each seed, float32 `(len(seeds), *z_shape)`.

        It is scaled by `temperature`, by default the bundle's.
        """
        if not self.z_shape:
            raise self._unsupported(GENERATE)
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
        """Check and encode the arguments of `generate`, for `run_rows`.

        Raises the errors of `generate`.
        """
        self._require(GENERATE)
        number = resolve_count(count, conditions, seeds=seeds, z=z)
        vectors = self._encoder.encode(conditions, number)
        if z is not None:
            check_noise(z, self.z_shape, seed, seeds, temperature)
            return EncodedRequest(GENERATE, vectors, inputs=z)
        return EncodedRequest(
            GENERATE, vectors, resolve_seeds(seed, seeds, number), self._temperature(temperature)
        )

    def prepare_translation(
        self, images: NDArray[np.uint8], conditions: ConditionInput = None
    ) -> EncodedRequest:
        """Check and encode the arguments of `translate`, for `run_rows`.

        Raises the errors of `translate`.
        """
        return self._prepare_images(TRANSLATE, images, conditions)

    def run_rows(self, row_ranges: Sequence[RowRange]) -> NDArray[np.uint8]:
        """Run rows of several requests as one batch; return uint8 (N, H, W, C) in that order.

        All requests come from this generator and have one interface; the batch is not split.
        Raises `RequestError` for requests of different interfaces.
        """
        interfaces = {request.interface for request, _ in row_ranges}
        if len(interfaces) != 1:
            raise RequestError(
                "row_ranges",
                "requests of one interface",
                " and ".join(sorted(interfaces)) or "none",
                "Run the requests of each interface separately.",
            )
        return self._graphs.run_rows(row_ranges)

    def warm_up(self) -> None:
        """Run the first graph once in each batch size that its device prepares separately.

        Later requests then do not wait for that. On the CPU this is one image.
        """
        self._graphs.warm_up(self.preferred_batch_size)

    def _prepare_images(
        self, interface: str, images: NDArray[np.uint8], conditions: ConditionInput
    ) -> EncodedRequest:
        self._require(interface)
        check_images(images, self.image)
        number = resolve_count(None, conditions, images=images)
        return EncodedRequest(interface, self._encoder.encode(conditions, number), inputs=images)

    def _temperature(self, temperature: float | None) -> float:
        if temperature is None:
            return self._default_temperature
        return check_temperature(temperature)

    def _batch_size(self, batch_size: int | None) -> int:
        if batch_size is None:
            return self.preferred_batch_size
        limits = self.manifest.batch
        return check_integer("batch_size", batch_size, limits.min, limits.max)

    def _require(self, interface: str) -> None:
        if VERBS[interface] not in self.capabilities:
            raise self._unsupported(interface)

    def _unsupported(self, interface: str) -> RequestError:
        capabilities = " and ".join(self.capabilities)
        return RequestError(
            str(self.bundle.path),
            f"a bundle that can {VERBS[interface]}",
            f"one that can {capabilities}",
            "Use another bundle.",
        )
