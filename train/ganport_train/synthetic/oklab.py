"""Oklab, the perceptual colour space in which shades are chosen and measured.

Constants: B. Ottosson, "A perceptual color space for image processing" (2020),
https://bottosson.github.io/posts/oklab/; the sRGB transfer curve is IEC 61966-2-1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_LMS_FROM_LINEAR = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB_FROM_ROOT = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_ROOT_FROM_LAB = np.linalg.inv(_LAB_FROM_ROOT)
_LINEAR_FROM_LMS = np.linalg.inv(_LMS_FROM_LINEAR)


def _linear_table() -> NDArray[np.float32]:
    encoded = np.arange(256) / 255
    low = encoded / 12.92
    high = ((encoded + 0.055) / 1.055) ** 2.4
    return np.where(encoded <= 0.04045, low, high).astype(np.float32)


_LINEAR = _linear_table()


def from_rgb(rgb: ArrayLike) -> NDArray[np.float32]:
    """Convert sRGB to Oklab.

    rgb: (..., 3) integers in 0..255. Returns (..., 3): lightness in [0, 1], then a (green to red)
    and b (blue to yellow), each within about [-0.4, 0.4].
    """
    linear = _LINEAR[np.asarray(rgb, dtype=np.uint8)]
    root = np.cbrt(linear @ _LMS_FROM_LINEAR.T.astype(np.float32))
    lab: NDArray[np.float32] = root @ _LAB_FROM_ROOT.T.astype(np.float32)
    return lab


def to_rgb(lab: ArrayLike) -> NDArray[np.uint8]:
    """Convert Oklab (..., 3) to sRGB (..., 3) uint8; what lies outside sRGB is clipped."""
    linear = (np.asarray(lab) @ _ROOT_FROM_LAB.T) ** 3 @ _LINEAR_FROM_LMS.T
    linear = np.clip(linear, 0, 1)
    encoded = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    rgb: NDArray[np.uint8] = np.rint(encoded * 255).astype(np.uint8)
    return rgb
