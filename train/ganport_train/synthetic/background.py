"""What surrounds the head: the background and the clothes."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from ganport_train.synthetic import oklab
from ganport_train.synthetic.canvas import Canvas
from ganport_train.synthetic.curves import (
    Points,
    flipped,
    smooth,
    symmetric,
)
from ganport_train.synthetic.palette import (
    EYES,
    HAIR,
    Colour,
    tints,
)

_GROUND = 256  # side of the picture a background is made as


def any_colour(rng: Random) -> Colour:
    """Draw a colour for a background or for clothes: often a hair or eye colour, or near white."""
    kind = rng.random()
    if kind < 0.25:
        grey = rng.randint(236, 255)
        return grey, grey, grey
    if kind < 0.6:
        return rng.choice([*HAIR.values(), *EYES.values()])
    turn, chroma = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.16)
    lab = (rng.uniform(0.25, 0.97), chroma * np.cos(turn), chroma * np.sin(turn))
    return tints(lab, [(0, 1)])[0]


def background(rng: Random) -> Image.Image:
    """Draw a background: plain, a gradient, stripes or dots. Returns a square RGB picture."""
    ground, other = any_colour(rng), any_colour(rng)
    image = Image.new("RGB", (_GROUND, _GROUND), ground)
    kind = rng.random()
    if kind < 0.35:
        return image
    if kind < 0.75:
        ramp = Image.linear_gradient("L").rotate(rng.choice((0, 90, 180, 270)))
        image.paste(other, mask=ramp.resize(image.size))
        return image
    pattern = Image.blend(image, Image.new("RGB", image.size, other), 0.3)
    (_stripe if kind < 0.87 else _dot)(rng, image, pattern)
    return image


def _stripe(rng: Random, image: Image.Image, ink: Image.Image) -> None:
    mask, step = Image.new("L", image.size), rng.choice((42, 64, 86))
    lean, brush = rng.choice((-_GROUND, 0, _GROUND)), ImageDraw.Draw(mask)
    for x in range(-_GROUND, 2 * _GROUND, step):
        right = x + step / 2
        brush.polygon([x, 0, right, 0, right + lean, _GROUND, x + lean, _GROUND], fill=255)
    image.paste(ink, mask=mask)


def _dot(rng: Random, image: Image.Image, ink: Image.Image) -> None:
    mask, step = Image.new("L", image.size), rng.choice((42, 64, 86))
    brush, radius = ImageDraw.Draw(mask), step / 4
    for row, y in enumerate(range(0, _GROUND + step, step)):
        for x in range(-step // 2 * (row % 2), _GROUND + step, step):
            brush.ellipse([x - radius, y - radius, x + radius, y + radius], fill=255)
    image.paste(ink, mask=mask)


@dataclass(frozen=True)
class Clothes:
    """A garment: the colour of its cloth and trim, and the cut of its neck."""

    cloth: tuple[Colour, ...]  # line, shadow, base
    trim: tuple[Colour, ...]
    cut: str

    @classmethod
    def of(cls, rng: Random) -> Clothes:
        """Draw a garment by chance."""
        steps = ((-0.5, 0.9), (-0.2, 1.0), (0.0, 1.0))
        cloth, trim = (tuple(tints(oklab.from_rgb(any_colour(rng)), steps)) for _ in range(2))
        return cls(cloth, trim, rng.choice(("round", "sailor", "shirt", "high")))

    def paint(self, canvas: Canvas) -> None:
        """Paint shoulders and collar."""
        line, shadow, base = self.cloth
        low = 0.45 if self.cut in ("sailor", "shirt") else 0.4
        half = smooth(
            [(0.0, low), (0.06, low - 0.01), (0.1, 0.37), (0.2, 0.4), (0.34, 0.46), (0.42, 0.7)]
        )
        body = symmetric(half)
        canvas.shade(body, (base, base, shadow))
        canvas.outline(body, line, 0.008)
        for collar in self._collars(low):
            canvas.fill(collar, self.trim[2])
            canvas.outline(collar, self.trim[0], 0.007)

    def _collars(self, low: float) -> list[Points]:
        if self.cut == "round":
            return []
        if self.cut == "high":
            half = smooth(
                [(0.0, 0.39), (0.05, 0.375), (0.083, 0.345), (0.1, 0.38), (0.05, 0.43), (0, 0.44)]
            )
            return [symmetric(half)]
        flap = np.array([(0.0, low + 0.02), (0.085, 0.36), (0.2, 0.42), (0.14, 0.5)])
        if self.cut == "shirt":
            flap = np.array([(0.0, low), (0.08, 0.355), (0.12, 0.38), (0.09, 0.48)])
        return [flap, flipped(flap)]
