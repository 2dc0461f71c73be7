"""The colours of the twelve hair and ten eye labels, and the shades of them that are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ganport_train.synthetic import oklab

Colour = tuple[int, int, int]
Palette = Mapping[str, Colour]

HAIR: dict[str, Colour] = {
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
EYES: dict[str, Colour] = {
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

# A shade may lie this far from its label's colour, as a share of its distance to any other label.
_MARGIN = 0.45
_LIGHTNESS_SPREAD = 0.05
_IMPORTANCE = np.array([0.3, 1.0, 1.0])  # of a difference in lightness, a and b


def nearest(lab: ArrayLike, palette: Palette) -> list[str]:
    """Name the palette colour nearest to each of `lab` (N, 3).

    The distance is Oklab's with lightness counted for little: light and shadow, strands and the
    gradient of an iris change how light a colour is far more than its tint.
    """
    names = list(palette)
    anchors = oklab.from_rgb(list(palette.values()))
    apart = np.linalg.norm((np.asarray(lab)[:, None] - anchors) * _IMPORTANCE, axis=-1)
    return [names[k] for k in apart.argmin(axis=1)]


def shade(rng: Random, label: str, palette: Palette) -> NDArray[np.float64]:
    """Draw a shade of `label`, as Oklab (3,), that nobody would call by another label."""
    names = list(palette)
    anchors = oklab.from_rgb(list(palette.values())).astype(np.float64)
    own = names.index(label)
    # What has no tint must not get one: a brownish black is no black.
    tint_spread = 0.007 + 0.12 * float(np.hypot(*anchors[own, 1:]))
    spread = np.array([_LIGHTNESS_SPREAD, tint_spread, tint_spread])
    while True:
        candidate = anchors[own] + spread * [rng.uniform(-1, 1) for _ in range(3)]
        # What the screen shows counts: sRGB clips some of the shades.
        shown = oklab.from_rgb(oklab.to_rgb(candidate)).astype(np.float64)
        apart = np.linalg.norm((anchors - shown) * _IMPORTANCE, axis=1)
        if apart[own] < _MARGIN * np.delete(apart, own).min():
            return shown


def tints(
    lab: ArrayLike, steps: Sequence[tuple[float, float]], *, warmth: float = 0.0
) -> list[Colour]:
    """Return lighter and darker relatives of an Oklab colour.

    steps: (lightness, chroma) of each relative: lightness in [-1, 1], where -1 is black, 0 the
    colour itself and 1 white; chroma a factor. warmth turns the darker ones of a yellow toward
    orange, as painters do, since yellow that only darkens is olive.
    """
    lightness, a, b = (float(part) for part in np.asarray(lab))
    relatives = []
    for step, chroma in steps:
        toward = 1.0 if step > 0 else 0.0
        redder = warmth * max(-step, 0.0) * max(b, 0.0)
        shaded = lightness + abs(step) * (toward - lightness)
        relatives.append((shaded, a * chroma + redder, b * chroma))
    return [(int(r), int(g), int(b)) for r, g, b in oklab.to_rgb(relatives)]
