"""What callers hand a generator, checked before anything is drawn."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from math import nan
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.errors import RequestError
from ganport_runtime.noise import SeedArray, check_integer, check_seed
from ganport_runtime.values import repr_short

MAX_COUNT = 2**20
MAX_TEMPERATURE = 10.0


def resolve_count(
    count: int | None,
    conditions: object,
    *,
    images: NDArray[np.uint8] | None = None,
    seeds: Sequence[int] | None = None,
    z: NDArray[np.float32] | None = None,
) -> int:
    """How many pictures a call asks for: `count`, or the length of what is a list, or 1."""
    listed = isinstance(conditions, (list, tuple))
    if not listed and seeds is None and z is None and images is None:  # as most, at half the cost
        return 1 if count is None else check_integer("count", count, 1, MAX_COUNT)
    requests = conditions if listed else None
    lists: dict[str, Any] = {"images": images, "conditions": requests, "seeds": seeds, "z": z}
    lengths = {name: len(value) for name, value in lists.items() if value is not None}
    number = next(iter(lengths.values())) if count is None else count
    number = check_integer("count", number, 1, MAX_COUNT)
    for name, length in lengths.items():
        if length != number:
            fix = "Leave count out, or make the lists as long as it says."
            raise request_error(name, f"a list of {number}, one for each picture", f"{length}", fix)
    return number


def resolve_seeds(seed: int | None, seeds: Sequence[int] | None, number: int) -> SeedArray:
    """The seed of each picture; the system draws the first if none is given."""
    if seeds is None:
        first = secrets.randbits(64) if seed is None else check_seed(seed)
        if number == 1:
            return (first,)
        return np.arange(number, dtype=np.uint64) + np.uint64(first)  # modulo 2^64
    if seed is not None:
        raise request_error("seed", "seed or seeds", "both", "Leave one of them out.")
    return np.array([check_seed(value) for value in seeds], np.uint64)


def check_seeds_type(seeds: object) -> None:
    """Refuse seeds that are no list."""
    if isinstance(seeds, np.ndarray):
        is_list = seeds.ndim > 0
    else:
        is_list = isinstance(seeds, Sequence) and not isinstance(seeds, str | bytes)
    if not is_list:
        fix = "Give one seed for each picture, or seed= for consecutive ones."
        raise request_error("seeds", "a list of integers", repr_short(seeds), fix)


def check_noise_type(z: object) -> None:
    """Refuse noise that is no array of samples."""
    if not isinstance(z, np.ndarray) or not z.ndim:
        raise request_error("z", "an array of noise", repr_short(z), "Start from Generator.noise.")


def check_noise(
    z: NDArray[np.float32],
    shape: tuple[int, ...],
    seed: int | None,
    seeds: Sequence[int] | None,
    temperature: float | None,
) -> None:
    """Refuse noise that is not float32 (N, *shape) and finite, or comes with seeds beside it."""
    if seed is not None or seeds is not None:
        raise request_error("z", "z or seeds", "both", "Leave one of them out.")
    if temperature is not None:
        raise request_error("temperature", "z or a temperature", "both", "Multiply z by it.")
    if z.dtype != np.float32 or z.shape[1:] != shape:
        expected = f"float32 (N, {', '.join(map(str, shape))})"
        fix = "Start from Generator.noise, or use astype(np.float32)."
        raise request_error("z", expected, f"{z.dtype} {z.shape}", fix)
    if not np.isfinite(z).all():
        raise request_error("z", "finite numbers", "NaN or infinity", "Start from Generator.noise.")


def check_images(images: object, size: tuple[int, int]) -> None:
    """Refuse pictures that are not uint8 (N, height, width, 3) of `size` (height, width)."""
    expected = f"uint8 (N, {size[0]}, {size[1]}, 3)"
    fix = "Cut and resize pictures to the size of the bundle first, and np.stack them."
    if not isinstance(images, np.ndarray):
        raise request_error("images", f"an array {expected}", repr_short(images), fix)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (*size, 3):
        raise request_error("images", expected, f"{images.dtype} {images.shape}", fix)


def check_temperature(value: object) -> float:
    """`value` as a float above 0 and at most 10."""
    number = _float(value)
    if not 0.0 < number <= MAX_TEMPERATURE:  # true for NaN too
        expected = f"a number above 0, at most {MAX_TEMPERATURE:g}"
        fix = "Take 1 for noise as the network was trained on."
        raise request_error("temperature", expected, repr_short(value), fix)
    return number


def _float(value: object) -> float:
    """`value` as a float; NaN for what is no number."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return nan
    try:
        return float(value)
    except OverflowError:
        return nan


def request_error(place: str, expected: str, found: str, fix: str) -> RequestError:
    return RequestError(place, expected=expected, found=found, fix=fix)
