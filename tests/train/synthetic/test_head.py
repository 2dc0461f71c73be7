"""Mouths: smiling and open expressions."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ganport_train.synthetic.canvas import Canvas, Pose
from ganport_train.synthetic.head import sample_expression

SEEDS = range(6)


def ink(seed: int, *, smiling: bool, is_open: bool) -> NDArray[np.float64]:
    """Return the darkness (200, 200) of a mouth on a white image."""
    canvas = Canvas(200, Pose(0, 0, 1, 0), Image.new("RGB", (256, 256), (255, 255, 255)))
    sample_expression(Random(seed), smiling=smiling, is_open=is_open)(canvas, 0.05, 0)
    return 255 - np.asarray(canvas.to_image()).astype(float).mean(axis=-1)


def height(dark: NDArray[np.float64]) -> float:
    return float((dark.sum(axis=1) @ np.arange(len(dark))) / dark.sum())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("is_open", [False, True])
def test_expression_smile_raises_corners(seed: int, is_open: bool) -> None:
    for smiling in (False, True):
        dark = ink(seed, smiling=smiling, is_open=is_open)
        columns = np.nonzero(dark.any(axis=0))[0]
        corners = dark[:, [*columns[:3], *columns[-3:]]]
        lift = height(dark[:, 98:102]) - height(corners)
        assert lift > 3 if smiling else lift < 1


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("smiling", [False, True])
def test_expression_open_mouth_is_larger(seed: int, smiling: bool) -> None:
    closed, opened = (ink(seed, smiling=smiling, is_open=is_open) for is_open in (False, True))
    assert opened.sum() > 1.5 * closed.sum()
