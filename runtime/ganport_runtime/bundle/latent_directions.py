"""Latent directions of a flow: from the noise of pictures without a label to those with it.

Kingma & Dhariwal, "Glow" (2018), section 6.2; report 003, attribute manipulation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.bundle.bundle import Bundle
from ganport_runtime.bundle.safetensors_reader import read_tensors
from ganport_runtime.errors import BundleError

DIRECTIONS_NAME = "directions.safetensors"


def read_directions(bundle: Bundle, z_shape: tuple[int, ...]) -> dict[str, NDArray[np.float32]]:
    """The direction, float32 of `z_shape`, of each label by its name `group/label`.

    Empty for a bundle without them. Raises `BundleError` for a damaged file, and for directions
    that are not of that type and shape or not finite.
    """
    if DIRECTIONS_NAME not in bundle.manifest.files:
        return {}
    place = str(bundle.path / DIRECTIONS_NAME)
    directions = read_tensors(bundle.read(DIRECTIONS_NAME), place)
    for name, direction in directions.items():
        _check(direction, z_shape, f"{place}: {name}")
    return directions


def _check(direction: NDArray[np.float32], z_shape: tuple[int, ...], place: str) -> None:
    if direction.dtype != np.float32 or direction.shape != z_shape:
        raise _bad(place, f"float32 {z_shape}", f"{direction.dtype} {direction.shape}")
    if not np.isfinite(direction).all():
        raise _bad(place, "finite numbers", "NaN or infinity")


def _bad(place: str, expected: str, found: str) -> BundleError:
    return BundleError(place, expected=expected, found=found, fix="Export the bundle again.")
