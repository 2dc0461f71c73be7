"""The canvas places head coordinates by the pose and keeps drawings inside their region."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from ganport_train.synthetic.canvas import Canvas, Pose
from ganport_train.synthetic.curves import ellipse

WHITE, RED, BLUE = (255, 255, 255), (255, 0, 0), (0, 0, 255)
BOX = np.array([(-0.1, -0.1), (0.1, -0.1), (0.1, 0.1), (-0.1, 0.1)])


def blank(size: int = 50, pose: Pose = Pose(0, 0, 1, 0)) -> Canvas:  # noqa: B008 (frozen)
    return Canvas(size, pose, Image.new("RGB", (8, 8), WHITE))


def centre_of_ink(canvas: Canvas) -> tuple[float, float]:
    ink = 255.0 - np.asarray(canvas.picture())[..., 1]
    rows, columns = np.mgrid[: ink.shape[0], : ink.shape[1]] + 0.5
    return float((columns * ink).sum() / ink.sum()), float((rows * ink).sum() / ink.sum())


def test_the_origin_lies_at_eye_level() -> None:
    canvas = blank()
    canvas.fill(BOX, RED)
    assert centre_of_ink(canvas) == pytest.approx((25, 0.525 * 50), abs=0.3)


def test_the_pose_shifts_scales_and_tilts() -> None:
    canvas = blank(pose=Pose(0.1, -0.1, 2.0, np.pi / 2))
    canvas.fill(ellipse(0.1, 0, 0.05, 0.05), RED)
    # Twice 0.1 to the right becomes 0.2 down after a quarter turn.
    assert centre_of_ink(canvas) == pytest.approx((30, (0.525 - 0.1 + 0.2) * 50), abs=0.3)


def test_edges_are_anti_aliased() -> None:
    canvas = blank()
    canvas.fill(ellipse(0, 0, 0.2, 0.2), RED)
    green = np.asarray(canvas.picture())[..., 1]
    assert ((green > 20) & (green < 235)).sum() > 20


def test_within_keeps_the_outside_untouched() -> None:
    canvas, full = blank(), np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], dtype=float)
    with canvas.within(BOX):
        canvas.fill(full, RED)
    pixels = np.asarray(canvas.picture())
    assert tuple(pixels[0, 0]) == WHITE
    assert tuple(pixels[26, 25]) == RED
    assert (pixels[..., 1] < 128).sum() == pytest.approx(100, rel=0.15)


def test_a_region_outside_the_picture_draws_nothing() -> None:
    canvas = blank()
    with canvas.within(BOX + 5):
        canvas.fill(BOX, RED)
    canvas.shade(BOX - 5, (RED, BLUE))
    assert (np.asarray(canvas.picture()) == 255).all()


def test_shade_runs_from_top_to_bottom() -> None:
    canvas = blank()
    canvas.shade(BOX, (RED, BLUE))
    column = np.asarray(canvas.picture())[22:31, 25].astype(int)
    assert (np.diff(column[:, 0]) < 0).all()
    assert (np.diff(column[:, 2]) > 0).all()


def test_opacity_and_glow_let_the_ground_through() -> None:
    canvas = blank()
    canvas.fill(BOX, RED, 0.5)
    assert np.asarray(canvas.picture())[26, 25, 1] == pytest.approx(127, abs=2)
    canvas = blank()
    canvas.glow(0, 0, 0.2, 0.2, RED, 0.5)
    green = np.asarray(canvas.picture())[26, :, 1].astype(int)
    assert green[25] == pytest.approx(127, abs=8)
    assert green[25] < green[20] < green[16] <= 255
    assert green[14] == 255
