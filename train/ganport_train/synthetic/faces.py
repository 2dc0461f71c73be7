"""Draw anime-like faces."""

from __future__ import annotations

import math
from collections.abc import Set
from dataclasses import dataclass
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from ganport_train.synthetic.accessories import Bow, Earrings, Glasses, Hat
from ganport_train.synthetic.canvas import Canvas, Points, Pose, mirror, spline, symmetric_outline
from ganport_train.synthetic.eyes import Eyes
from ganport_train.synthetic.hair import Hair
from ganport_train.synthetic.head import Head
from ganport_train.synthetic.palette import (
    EYES,
    HAIR,
    Color,
    rgb_to_oklab,
    sample_color,
    sample_shade,
    tints,
)
from ganport_train.synthetic.traits import Trait

_SIDE = 256  # pixels of a background before it is scaled

_ON_THE_HAIR: dict[Trait, type[Earrings | Hat | Bow]] = {
    Trait.EARRINGS: Earrings,
    Trait.HAT: Hat,
    Trait.HAIR_BOW: Bow,
}


def draw_face(
    seed: int, hair: str, eyes: str, size: int, traits: Set[Trait] | None = None
) -> Image.Image:
    """Draw the face of `seed` with hair and eyes of the given labels as (size, size) RGB.

    hair, eyes: keys of `palette.HAIR` and `palette.EYES`. size: 16 to 512.
    traits: the traits of the face; without them hair style and mouth are random, and nothing is
    worn. A trait changes only its own part of the image.

    The same seed gives the same face in every size and color.
    """

    def streams(part: str) -> Random:
        # Each part has its own random stream, so a change to one part keeps the others.
        return Random(f"ganport face 1/{seed}/{part}")

    worn = traits or frozenset()
    canvas = Canvas(size, _sample_pose(streams("pose")), sample_background(streams("background")))
    head = Head.sample(streams("head"))
    # The names of the random streams are part of every seed's image.
    tresses = Hair.sample(streams("hair"), sample_shade(streams("hair colour"), hair, HAIR))
    iris = sample_shade(streams("eye colour"), eyes, EYES)
    gaze = Eyes.sample(streams("eyes"), iris, tresses.colors.line)
    if traits is not None:
        head, gaze = head.with_traits(traits, streams), gaze.with_traits(traits, streams)
        tresses = tresses.with_traits(traits, streams)

    tresses.paint_back(canvas)
    tresses.paint_tails(canvas)
    head.paint_neck(canvas)
    Clothes.sample(streams("clothes")).paint(canvas)
    head.paint_face(canvas)
    tresses.cast_shadow(canvas, head.contour, head.skin.shadow)
    head.paint_features(canvas)
    gaze.paint(canvas)
    if Trait.EYEGLASSES in worn:
        Glasses.sample(streams(Trait.EYEGLASSES)).paint(canvas)
    tresses.paint_front(canvas)
    gaze.paint_brows(canvas)
    for trait, accessory in _ON_THE_HAIR.items():
        if trait in worn:
            accessory.sample(streams(trait)).paint(canvas)
    return canvas.to_image()


def _sample_pose(rng: Random) -> Pose:
    return Pose(
        x=rng.uniform(-0.025, 0.025),
        y=rng.uniform(-0.02, 0.02),
        scale=rng.uniform(0.98, 1.06),
        tilt=math.radians(rng.uniform(-6, 6)),
    )


def sample_background(rng: Random) -> Image.Image:
    """Return a random square RGB background: plain, a gradient, stripes or dots."""
    color, second = sample_color(rng), sample_color(rng)
    image = Image.new("RGB", (_SIDE, _SIDE), color)
    kind = rng.random()
    if kind < 0.35:
        return image
    if kind < 0.75:
        ramp = Image.linear_gradient("L").rotate(rng.choice((0, 90, 180, 270)))
        image.paste(second, mask=ramp.resize(image.size))
        return image
    pattern = Image.blend(image, Image.new("RGB", image.size, second), 0.3)
    (_paint_stripes if kind < 0.87 else _paint_dots)(rng, image, pattern)
    return image


def _paint_stripes(rng: Random, image: Image.Image, ink: Image.Image) -> None:
    mask, step = Image.new("L", image.size), rng.choice((42, 64, 86))
    lean, brush = rng.choice((-_SIDE, 0, _SIDE)), ImageDraw.Draw(mask)
    for x in range(-_SIDE, 2 * _SIDE, step):
        right = x + step / 2
        brush.polygon([x, 0, right, 0, right + lean, _SIDE, x + lean, _SIDE], fill=255)
    image.paste(ink, mask=mask)


def _paint_dots(rng: Random, image: Image.Image, ink: Image.Image) -> None:
    mask, step = Image.new("L", image.size), rng.choice((42, 64, 86))
    brush, radius = ImageDraw.Draw(mask), step / 4
    for row, y in enumerate(range(0, _SIDE + step, step)):
        for x in range(-step // 2 * (row % 2), _SIDE + step, step):
            brush.ellipse([x - radius, y - radius, x + radius, y + radius], fill=255)
    image.paste(ink, mask=mask)


@dataclass(frozen=True)
class Clothes:
    """A garment: the tints of its cloth and trim, and the style of its collar."""

    cloth: tuple[Color, ...]  # line, shadow, base
    trim: tuple[Color, ...]
    collar: str

    @classmethod
    def sample(cls, rng: Random) -> Clothes:
        """Return a random garment."""
        steps = ((-0.5, 0.9), (-0.2, 1.0), (0.0, 1.0))
        cloth, trim = (tuple(tints(rgb_to_oklab(sample_color(rng)), steps)) for _ in range(2))
        return cls(cloth, trim, rng.choice(("round", "sailor", "shirt", "high")))

    def paint(self, canvas: Canvas) -> None:
        """Paint shoulders and collar."""
        line, shadow, base = self.cloth
        low = 0.45 if self.collar in ("sailor", "shirt") else 0.4
        half = spline(
            [(0.0, low), (0.06, low - 0.01), (0.1, 0.37), (0.2, 0.4), (0.34, 0.46), (0.42, 0.7)]
        )
        body = symmetric_outline(half)
        canvas.shade(body, (base, base, shadow))
        canvas.outline(body, line, 0.008)
        for collar in self._collars(low):
            canvas.fill(collar, self.trim[2])
            canvas.outline(collar, self.trim[0], 0.007)

    def _collars(self, low: float) -> list[Points]:
        if self.collar == "round":
            return []
        if self.collar == "high":
            half = spline(
                [(0.0, 0.39), (0.05, 0.375), (0.083, 0.345), (0.1, 0.38), (0.05, 0.43), (0, 0.44)]
            )
            return [symmetric_outline(half)]
        flap = np.array([(0.0, low + 0.02), (0.085, 0.36), (0.2, 0.42), (0.14, 0.5)])
        if self.collar == "shirt":
            flap = np.array([(0.0, low), (0.08, 0.355), (0.12, 0.38), (0.09, 0.48)])
        return [flap, mirror(flap)]
