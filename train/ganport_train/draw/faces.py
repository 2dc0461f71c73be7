"""Anime-like faces, drawn."""

from __future__ import annotations

import math
from random import Random

from PIL import Image

from ganport_train.draw import palette, surroundings
from ganport_train.draw.canvas import Canvas, Pose
from ganport_train.draw.eyes import Eyes
from ganport_train.draw.hair import Hair
from ganport_train.draw.head import Head


def draw_face(seed: int, hair: str, eyes: str, size: int) -> Image.Image:
    """Draw the face of `seed` with hair and eyes of the given labels.

    Returns a (size, size) RGB picture. The same seed draws the same face at every size and in
    every colour. hair is a key of `palette.HAIR`, eyes of `palette.EYES`, size 16 to 512.
    """

    def chance(part: str) -> Random:
        # One stream for each part, so that a change to one leaves the others as they are.
        return Random(f"ganport face 1/{seed}/{part}")

    canvas = Canvas(size, _pose(chance("pose")), surroundings.background(chance("background")))
    head = Head.of(chance("head"))
    tresses = Hair.of(chance("hair"), palette.shade(chance("hair colour"), hair, palette.HAIR))
    iris = palette.shade(chance("eye colour"), eyes, palette.EYES)
    gaze = Eyes.of(chance("eyes"), iris, tresses.colours.line)

    tresses.paint_back(canvas)
    tresses.paint_tails(canvas)
    head.paint_neck(canvas)
    surroundings.Clothes.of(chance("clothes")).paint(canvas)
    head.paint_face(canvas)
    tresses.cast_shadow(canvas, head.contour, head.skin.shadow)
    head.paint_features(canvas)
    gaze.paint(canvas)
    tresses.paint_front(canvas)
    gaze.paint_brows(canvas)
    return canvas.picture()


def _pose(rng: Random) -> Pose:
    return Pose(
        x=rng.uniform(-0.025, 0.025),
        y=rng.uniform(-0.02, 0.02),
        scale=rng.uniform(0.98, 1.06),
        tilt=math.radians(rng.uniform(-6, 6)),
    )
