"""Requests: arguments of a call, checked and encoded into the inputs of a graph."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.errors import RequestError
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.images.pixels import to_float
from ganport_runtime.noise import SeedArray, check_integer, check_seed, normal_rows
from ganport_runtime.values import repr_short, to_number

MAX_COUNT = 2**20
MAX_TEMPERATURE = 10.0


@dataclass(slots=True, eq=False)
class EncodedRequest:
    """A checked and encoded request of N images for the graph of `interface`.

    `conditions` is float32 (N, C). The first input of the graph is `inputs`, noise (N, *z_shape)
    or uint8 images (N, H, W, C); if it is None, the noise of `seeds` times `temperature`. Arrays
    are not copied: they must not change until the request has run.
    """

    interface: str
    conditions: NDArray[np.float32]
    seeds: SeedArray | None = None
    temperature: float = 1.0
    inputs: NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.conditions)

    @property
    def seed_list(self) -> list[int]:
        """The seed of each image; empty if the request has no seeds."""
        if isinstance(self.seeds, np.ndarray):
            seeds: list[int] = self.seeds.tolist()
            return seeds
        return list(self.seeds or ())

    def slice(self, rows: slice) -> EncodedRequest:
        """Return the request of the images in `rows`."""
        if rows.indices(len(self)) == (0, len(self), 1):
            return self
        seeds = None if self.seeds is None else np.asarray(self.seeds, np.uint64)[rows]
        inputs = None if self.inputs is None else self.inputs[rows]
        return EncodedRequest(
            self.interface, self.conditions[rows], seeds, self.temperature, inputs
        )


RowRange = tuple[EncodedRequest, slice]
"""A request and the rows of it to run."""


def build_inputs(
    requests: Sequence[EncodedRequest], z_shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """Return the first input of a graph, float32 (N, ...), for the images of all requests."""
    if len(requests) == 1 and requests[0].seeds is not None:
        return _scale(normal_rows(requests[0].seeds, z_shape), requests[0].temperature)
    seeds = [np.asarray(r.seeds, np.uint64) for r in requests if r.seeds is not None]
    # One call for all seeds: the cost is per NumPy call, not per number.
    noise = normal_rows(np.concatenate(seeds), z_shape) if seeds else np.empty(0, np.float32)
    blocks: list[NDArray[np.float32]] = []
    start = 0
    for request in requests:
        if request.inputs is not None:
            is_image = request.inputs.dtype == np.uint8
            blocks.append(to_float(request.inputs) if is_image else request.inputs)
        else:
            stop = start + len(request)
            blocks.append(_scale(noise[start:stop], request.temperature))
            start = stop
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)


def build_conditions(requests: Sequence[EncodedRequest]) -> NDArray[np.float32]:
    """Return the condition vectors, float32 (N, C), for the images of all requests."""
    if len(requests) == 1:
        return requests[0].conditions
    return np.concatenate([request.conditions for request in requests])


def _scale(noise: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    return noise if temperature == 1.0 else noise * np.float32(temperature)


def resolve_count(
    count: int | None,
    conditions: object,
    *,
    images: NDArray[np.uint8] | None = None,
    seeds: Sequence[int] | None = None,
    z: NDArray[np.float32] | None = None,
) -> int:
    """Return the number of images: `count`, or the length of the given lists, or 1.

    Raises `RequestError` for a count out of range, and for lists that differ in length or are not
    lists.
    """
    is_list = isinstance(conditions, (list, tuple))
    if not is_list and seeds is None and z is None and images is None:
        return 1 if count is None else check_integer("count", count, 1, MAX_COUNT)
    if seeds is not None:
        _check_seed_list(seeds)
    if z is not None and (not isinstance(z, np.ndarray) or not z.ndim):
        raise RequestError("z", "an array of noise", repr_short(z), "Start from Generator.noise.")
    requests = conditions if is_list else None
    lists: dict[str, Any] = {"images": images, "conditions": requests, "seeds": seeds, "z": z}
    lengths = {name: _length(value) for name, value in lists.items() if value is not None}
    number = next(iter(lengths.values())) if count is None else count
    number = check_integer("count", number, 1, MAX_COUNT)
    for name, length in lengths.items():
        if length != number:
            raise RequestError(
                name,
                f"a list of {number}, one for each image",
                f"{length}",
                "Leave count out, or give lists of that length.",
            )
    return number


def _length(values: Sequence[Any]) -> int:
    try:
        return len(values)
    except OverflowError:  # a range of more than 2^63 values
        return MAX_COUNT + 1


def resolve_seeds(seed: int | None, seeds: Sequence[int] | None, count: int) -> SeedArray:
    """Return the seed of each image: `seeds`, or `seed + i mod 2^64`, or random ones."""
    if seeds is None:
        first = secrets.randbits(64) if seed is None else check_seed(seed)
        if count == 1:
            return (first,)
        return np.arange(count, dtype=np.uint64) + np.uint64(first)  # modulo 2^64
    if seed is not None:
        raise RequestError("seed", "seed or seeds", "both", "Leave one of them out.")
    return np.array([check_integer("seeds", value, 0, 2**64 - 1) for value in seeds], np.uint64)


def _check_seed_list(seeds: object) -> None:
    """Raise `RequestError` unless `seeds` is a list or array of at least one value."""
    fix = "Give one seed for each image, or a seed for consecutive ones."
    if isinstance(seeds, np.ndarray):
        is_list = seeds.ndim > 0
    else:
        is_list = isinstance(seeds, Sequence) and not isinstance(seeds, str | bytes)
    if not is_list:
        raise RequestError("seeds", "a list of integers", repr_short(seeds), fix)
    if not _length(seeds):  # type: ignore[arg-type]  # a list or an array
        raise RequestError("seeds", "a list of at least one integer", "an empty list", fix)


def check_noise(
    z: NDArray[np.float32],
    shape: tuple[int, ...],
    seed: int | None,
    seeds: Sequence[int] | None,
    temperature: float | None,
) -> None:
    """Raise `RequestError` unless `z` is finite float32 (N, *shape), and given alone."""
    if seed is not None or seeds is not None:
        raise RequestError("z", "z or seeds", "both", "Leave one of them out.")
    if temperature is not None:
        raise RequestError("temperature", "z or a temperature", "both", "Multiply z by it.")
    if z.dtype != np.float32 or z.shape[1:] != shape:
        expected = f"float32 (N, {', '.join(map(str, shape))})"
        fix = "Start from Generator.noise, or use astype(np.float32)."
        raise RequestError("z", expected, f"{z.dtype} {z.shape}", fix)
    if not np.isfinite(z).all():
        raise RequestError("z", "finite numbers", "NaN or infinity", "Start from Generator.noise.")


def check_images(images: object, image: ImageFormat) -> None:
    """Raise `RequestError` unless `images` is uint8 (N, H, W, C) as `image` states it."""
    shape = (*image.size, image.channels)
    expected = f"an array uint8 (N, {', '.join(map(str, shape))})"
    fix = f"Crop, resize and convert the images to {image.mode}, then np.stack them."
    if not isinstance(images, np.ndarray):
        raise RequestError("images", expected, repr_short(images), fix)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != shape:
        raise RequestError("images", expected, f"{images.dtype} {images.shape}", fix)


def check_temperature(value: object) -> float:
    """Return `value` as a float; raise `RequestError` unless it is above 0 and at most 10."""
    number = to_number(value)
    if not 0.0 < number <= MAX_TEMPERATURE:  # true for NaN
        expected = f"a number above 0, at most {MAX_TEMPERATURE:g}"
        fix = "Use 1 for noise as in training."
        raise RequestError("temperature", expected, repr_short(value), fix)
    return number
