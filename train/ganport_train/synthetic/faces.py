"""Draw anime-like faces."""

from __future__ import annotations

import math
from collections.abc import Callable, Set
from random import Random
from typing import Protocol

from PIL import Image

from ganport_train.synthetic.accessories import Bow, Earrings, Glasses
from ganport_train.synthetic.background import Clothes, sample_background
from ganport_train.synthetic.canvas import Canvas, Pose
from ganport_train.synthetic.eyes import Eyes
from ganport_train.synthetic.hair import Hair
from ganport_train.synthetic.hats import Hat
from ganport_train.synthetic.head import Head
from ganport_train.synthetic.palette import EYES, HAIR, sample_shade
from ganport_train.synthetic.traits import Streams, Trait


class _Accessory(Protocol):
    """Something that can be worn."""

    def paint(self, canvas: Canvas) -> None: ...


_Accessories = dict[Trait, Callable[[Random], _Accessory]]

_ON_THE_FACE: _Accessories = {Trait.EYEGLASSES: Glasses.sample}
_ON_THE_HAIR: _Accessories = {
    Trait.EARRINGS: Earrings.sample,
    Trait.HAT: Hat.sample,
    Trait.HAIR_BOW: Bow.sample,
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
    _paint_accessories(canvas, _ON_THE_FACE, worn, streams)
    tresses.paint_front(canvas)
    gaze.paint_brows(canvas)
    _paint_accessories(canvas, _ON_THE_HAIR, worn, streams)
    return canvas.to_image()


def _sample_pose(rng: Random) -> Pose:
    return Pose(
        x=rng.uniform(-0.025, 0.025),
        y=rng.uniform(-0.02, 0.02),
        scale=rng.uniform(0.98, 1.06),
        tilt=math.radians(rng.uniform(-6, 6)),
    )


def _paint_accessories(
    canvas: Canvas, accessories: _Accessories, worn: Set[Trait], streams: Streams
) -> None:
    for trait, sample in accessories.items():
        if trait in worn:
            sample(streams(trait)).paint(canvas)
