"""Hair and eye colors, their shades, and the Oklab color space that shades are measured in.

Oklab constants: B. Ottosson, "A perceptual color space for image processing" (2020),
https://bottosson.github.io/posts/oklab/; the sRGB transfer curve is IEC 61966-2-1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

import numpy as np
from numpy.typing import ArrayLike, NDArray

Color = tuple[int, int, int]
Palette = Mapping[str, Color]

HAIR: dict[str, Color] = {
    "orange": (240, 136, 44),
    "white": (240, 238, 244),
    "aqua": (98, 210, 214),
    "gray": (146, 148, 158),
    "green": (78, 166, 84),
    "red": (196, 36, 50),
    "purple": (126, 76, 186),
    "pink": (244, 154, 192),
    "blue": (54, 98, 212),
    "black": (38, 37, 46),
    "brown": (132, 82, 52),
    "blonde": (246, 218, 126),
}
EYES: dict[str, Color] = {
    "black": (48, 46, 54),
    "orange": (242, 138, 36),
    "pink": (244, 128, 184),
    "yellow": (244, 216, 60),
    "aqua": (70, 206, 212),
    "purple": (140, 74, 204),
    "green": (62, 168, 76),
    "brown": (124, 74, 42),
    "red": (206, 38, 50),
    "blue": (48, 100, 224),
}

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

# Largest distance of a shade from its label's color, relative to that from any other label.
_MAX_DISTANCE_RATIO = 0.45
_LIGHTNESS_SPREAD = 0.05
_CHANNEL_WEIGHTS = np.array([0.3, 1.0, 1.0])  # of lightness, a and b in a distance


def _linear_table() -> NDArray[np.float32]:
    encoded = np.arange(256) / 255
    low = encoded / 12.92
    high = ((encoded + 0.055) / 1.055) ** 2.4
    return np.where(encoded <= 0.04045, low, high).astype(np.float32)


_LINEAR = _linear_table()


def rgb_to_oklab(rgb: ArrayLike) -> NDArray[np.float32]:
    """Convert sRGB to Oklab.

    rgb: (..., 3) integers in 0..255. Returns (..., 3): lightness in [0, 1], then a (green to red)
    and b (blue to yellow), each within about [-0.4, 0.4].
    """
    linear = _LINEAR[np.asarray(rgb, dtype=np.uint8)]
    root = np.cbrt(linear @ _LMS_FROM_LINEAR.T.astype(np.float32))
    lab: NDArray[np.float32] = root @ _LAB_FROM_ROOT.T.astype(np.float32)
    return lab


def oklab_to_rgb(lab: ArrayLike) -> NDArray[np.uint8]:
    """Convert Oklab (..., 3) to sRGB (..., 3) uint8; colors outside sRGB are clipped."""
    linear = (np.asarray(lab) @ _ROOT_FROM_LAB.T) ** 3 @ _LINEAR_FROM_LMS.T
    linear = np.clip(linear, 0, 1)
    encoded = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    rgb: NDArray[np.uint8] = np.rint(encoded * 255).astype(np.uint8)
    return rgb


def nearest_labels(lab: ArrayLike, palette: Palette) -> list[str]:
    """Return the label of the palette color nearest to each Oklab color of `lab` (N, 3).

    The distance gives lightness a low weight, because light, shadow and gradients change the
    lightness of a part far more than its tint.
    """
    names = list(palette)
    anchors = rgb_to_oklab(list(palette.values()))
    distances = np.linalg.norm((np.asarray(lab)[:, None] - anchors) * _CHANNEL_WEIGHTS, axis=-1)
    return [names[k] for k in distances.argmin(axis=1)]


def sample_shade(rng: Random, label: str, palette: Palette) -> NDArray[np.float64]:
    """Return a random shade of `label`, as Oklab (3,), far from every other label."""
    names = list(palette)
    anchors = rgb_to_oklab(list(palette.values())).astype(np.float64)
    own = names.index(label)
    # A neutral color must stay neutral: a brownish black would look brown.
    tint_spread = 0.007 + 0.12 * float(np.hypot(*anchors[own, 1:]))
    spread = np.array([_LIGHTNESS_SPREAD, tint_spread, tint_spread])
    while True:
        candidate = anchors[own] + spread * [rng.uniform(-1, 1) for _ in range(3)]
        # Measure the displayed color, because sRGB clips some shades.
        shown = rgb_to_oklab(oklab_to_rgb(candidate)).astype(np.float64)
        distances = np.linalg.norm((anchors - shown) * _CHANNEL_WEIGHTS, axis=1)
        if distances[own] < _MAX_DISTANCE_RATIO * np.delete(distances, own).min():
            return shown


def tints(
    lab: ArrayLike, steps: Sequence[tuple[float, float]], *, warmth: float = 0.0
) -> list[Color]:
    """Return lighter and darker tints of an Oklab color.

    steps: (lightness, chroma) of each tint. Lightness is in [-1, 1]: -1 is black, 0 the color
    itself, 1 white. Chroma is a factor of the color's own.
    warmth: shift of dark yellow tints toward orange; without it they look olive.
    """
    lightness, a, b = (float(part) for part in np.asarray(lab))
    shades = []
    for step, chroma in steps:
        target = 1.0 if step > 0 else 0.0
        redder = warmth * max(-step, 0.0) * max(b, 0.0)
        shaded = lightness + abs(step) * (target - lightness)
        shades.append((shaded, a * chroma + redder, b * chroma))
    return [(int(r), int(g), int(b)) for r, g, b in oklab_to_rgb(shades)]


def sample_color(rng: Random) -> Color:
    """Return a random color for a background or for cloth: often a hair or eye color."""
    kind = rng.random()
    if kind < 0.25:
        gray = rng.randint(236, 255)
        return gray, gray, gray
    if kind < 0.6:
        return rng.choice([*HAIR.values(), *EYES.values()])
    turn, chroma = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.16)
    lab = (rng.uniform(0.25, 0.97), chroma * np.cos(turn), chroma * np.sin(turn))
    return tints(lab, [(0, 1)])[0]
