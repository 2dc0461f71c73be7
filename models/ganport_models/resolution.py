"""The size of an image, and the base map and the doublings that lead to it."""

from __future__ import annotations

from math import gcd

from ganport_runtime.images.format import Resolution as Resolution
from ganport_runtime.images.format import resolution_to_json as resolution_to_json
from ganport_runtime.images.format import simplify as simplify
from ganport_runtime.images.format import to_size as to_size

MIN_RESOLUTION, MAX_RESOLUTION = 16, 1024
"""Bounds of a side in pixels."""
MULTIPLE = 4
"""A side is a multiple of it: two doublings at least."""
MIN_BASE, MAX_BASE = 4, 64
"""Bounds of a side of the base map."""
RULE = (
    f"multiples of {MULTIPLE} from {MIN_RESOLUTION} to {MAX_RESOLUTION} that share a power of two, "
    f"so that halving both leaves at most {MAX_BASE}"
)


def is_resolution(resolution: Resolution) -> bool:
    """Return whether networks can have images of this size: sides as `RULE` says."""
    size = to_size(resolution)
    if not all(MIN_RESOLUTION <= side <= MAX_RESOLUTION for side in size):
        return False
    return not any(side % MULTIPLE for side in size) and max(base_size(size)) <= MAX_BASE


def num_halvings(resolution: Resolution) -> int:
    """Return the number of times that both sides can be halved without a remainder."""
    common = gcd(*to_size(resolution))
    return (common & -common).bit_length() - 1


def num_upsamples(resolution: Resolution) -> int:
    """Return the doublings from the base map, whose smaller side stays at least `MIN_BASE`."""
    limit = (min(to_size(resolution)) // MIN_BASE).bit_length() - 1
    return min(num_halvings(resolution), limit)


def base_size(resolution: Resolution) -> tuple[int, int]:
    """Return (height, width) of the base map: 4x4 for powers of two, 6x6 for 48, 6x4 for 96x64."""
    height, width = to_size(resolution)
    doublings = num_upsamples(resolution)
    return height >> doublings, width >> doublings


def format_resolution(resolution: Resolution) -> str:
    """Return "height x width" in pixels."""
    height, width = to_size(resolution)
    return f"{height} x {width}"
