"""What surrounds the head: the background and the clothes."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from ganport_train.draw import oklab
from ganport_train.draw.canvas import Canvas
from ganport_train.draw.curves import Points, mirrored, smooth
from ganport_train.draw.palette import EYES, HAIR, Colour, tints

_GROUND = 96  # side of the picture a background is made as


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
    """Draw a square RGB background: plain, a gradient, stripes or dots; its size is not the picture's."""
    ground = any_colour(rng)
    image = Image.new("RGB", (_GROUND, _GROUND), ground)
    kind = rng.random()
    if kind < 0.35:
        return image
    other = any_colour(rng)
    if kind < 0.75:
        ramp = Image.linear_gradient("L").rotate(rng.choice((0, 90, 180, 270)))
        image.paste(other, mask=ramp.resize(image.size))
        return image
    return _patterned(rng, image, tuple((3 * g + o) // 4 for g, o in zip(ground, other)))  # type: ignore[arg-type]


def _patterned(rng: Random, image: Image.Image, ink: Colour) -> Image.Image:
    brush = ImageDraw.Draw(image)
    step = rng.choice((16, 24, 32))
    if rng.random() < 0.5:
        lean = rng.choice((-_GROUND, 0, _GROUND))
        for x in range(-_GROUND, 2 * _GROUND, step):
            brush.polygon(
                [x, 0, x + step / 2, 0, x + step / 2 + lean, _GROUND, x + lean, _GROUND], fill=ink
            )
        return image
    for row, y in enumerate(range(0, _GROUND + step, step)):
        for x in range(-step // 2 * (row % 2), _GROUND + step, step):
            brush.ellipse([x - step / 4, y - step / 4, x + step / 4, y + step / 4], fill=ink)
    return image


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
        body = np.concatenate([mirrored(half), half[1:]])
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
            return [np.concatenate([half, mirrored(half)[1:]])]
        flap = np.array([(0.0, low + 0.02), (0.085, 0.36), (0.2, 0.42), (0.14, 0.5)])
        if self.cut == "shirt":
            flap = np.array([(0.0, low), (0.08, 0.355), (0.12, 0.38), (0.09, 0.48)])
        return [flap, flap * (-1, 1)]
