"""Anime-like faces, drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Set
from random import Random
from typing import Protocol

from PIL import Image

from ganport_train.synthetic import background, palette
from ganport_train.synthetic.accessories import Bow, Earrings, Glasses
from ganport_train.synthetic.canvas import Canvas, Pose
from ganport_train.synthetic.eyes import Eyes
from ganport_train.synthetic.hair import Hair
from ganport_train.synthetic.hats import Hat
from ganport_train.synthetic.head import Head
from ganport_train.synthetic.traits import Chance, Trait


class _Thing(Protocol):
    """What can be worn."""

    def paint(self, canvas: Canvas) -> None: ...


_Wear = dict[Trait, Callable[[Random], _Thing]]

_ON_THE_FACE: _Wear = {Trait.EYEGLASSES: Glasses.of}
_ON_THE_HAIR: _Wear = {
    Trait.EARRINGS: Earrings.of,
    Trait.HAT: Hat.of,
    Trait.HAIR_BOW: Bow.of,
}


def draw_face(
    seed: int, hair: str, eyes: str, size: int, traits: Set[Trait] | None = None
) -> Image.Image:
    """Draw the face of `seed` with hair and eyes of the given labels.

    Returns a (size, size) RGB picture. The same seed draws the same face at every size and in
    every colour. hair is a key of `palette.HAIR`, eyes of `palette.EYES`, size 16 to 512. With
    `traits` the face has these and no others, and one more or less changes nothing but what it
    is about; without, chance alone shapes hair and mouth, and nothing is worn.
    """

    def chance(part: str) -> Random:
        # One stream for each part, so that a change to one leaves the others as they are.
        return Random(f"ganport face 1/{seed}/{part}")

    worn = traits or frozenset()
    canvas = Canvas(size, _pose(chance("pose")), background.background(chance("background")))
    head = Head.of(chance("head"))
    tresses = Hair.of(chance("hair"), palette.shade(chance("hair colour"), hair, palette.HAIR))
    iris = palette.shade(chance("eye colour"), eyes, palette.EYES)
    gaze = Eyes.of(chance("eyes"), iris, tresses.colours.line)
    if traits is not None:
        head, gaze = head.with_traits(traits, chance), gaze.with_traits(traits, chance)
        tresses = tresses.with_traits(traits, chance)

    tresses.paint_back(canvas)
    tresses.paint_tails(canvas)
    head.paint_neck(canvas)
    background.Clothes.of(chance("clothes")).paint(canvas)
    head.paint_face(canvas)
    tresses.cast_shadow(canvas, head.contour, head.skin.shadow)
    head.paint_features(canvas)
    gaze.paint(canvas)
    _put_on(canvas, _ON_THE_FACE, worn, chance)
    tresses.paint_front(canvas)
    gaze.paint_brows(canvas)
    _put_on(canvas, _ON_THE_HAIR, worn, chance)
    return canvas.picture()


def _pose(rng: Random) -> Pose:
    return Pose(
        x=rng.uniform(-0.025, 0.025),
        y=rng.uniform(-0.02, 0.02),
        scale=rng.uniform(0.98, 1.06),
        tilt=math.radians(rng.uniform(-6, 6)),
    )


def _put_on(canvas: Canvas, wear: _Wear, worn: Set[Trait], chance: Chance) -> None:
    for trait, choose in wear.items():
        if trait in worn:
            choose(chance(trait)).paint(canvas)
