"""Canvas transforms, clipping and blending; curves with known values."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from ganport_train.synthetic.canvas import (
    Canvas,
    Pose,
    bezier,
    ellipse,
    interpolate,
    mirror,
    ribbon,
    spline,
    symmetric_outline,
)

WHITE, RED, BLUE = (255, 255, 255), (255, 0, 0), (0, 0, 255)
BOX = np.array([(-0.1, -0.1), (0.1, -0.1), (0.1, 0.1), (-0.1, 0.1)])


def blank(size: int = 50, pose: Pose = Pose(0, 0, 1, 0)) -> Canvas:  # noqa: B008 (frozen)
    return Canvas(size, pose, Image.new("RGB", (8, 8), WHITE))


def center_of_ink(canvas: Canvas) -> tuple[float, float]:
    ink = 255.0 - np.asarray(canvas.to_image())[..., 1]
    rows, columns = np.mgrid[: ink.shape[0], : ink.shape[1]] + 0.5
    return float((columns * ink).sum() / ink.sum()), float((rows * ink).sum() / ink.sum())


def test_canvas_origin_is_at_eye_level() -> None:
    canvas = blank()
    canvas.fill(BOX, RED)
    assert center_of_ink(canvas) == pytest.approx((25, 0.525 * 50), abs=0.3)


def test_canvas_pose_shifts_scales_and_tilts() -> None:
    canvas = blank(pose=Pose(0.1, -0.1, 2.0, np.pi / 2))
    canvas.fill(ellipse(0.1, 0, 0.05, 0.05), RED)
    # A quarter turn maps 2 * 0.1 to the right to 0.2 down.
    assert center_of_ink(canvas) == pytest.approx((30, (0.525 - 0.1 + 0.2) * 50), abs=0.3)


def test_fill_antialiases_edges() -> None:
    canvas = blank()
    canvas.fill(ellipse(0, 0, 0.2, 0.2), RED)
    green = np.asarray(canvas.to_image())[..., 1]
    assert ((green > 20) & (green < 235)).sum() > 20


def test_clip_keeps_outside_unchanged() -> None:
    canvas, full = blank(), np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], dtype=float)
    with canvas.clip(BOX):
        canvas.fill(full, RED)
    pixels = np.asarray(canvas.to_image())
    assert tuple(pixels[0, 0]) == WHITE
    assert tuple(pixels[26, 25]) == RED
    assert (pixels[..., 1] < 128).sum() == pytest.approx(100, rel=0.15)


def test_clip_outside_image_draws_nothing() -> None:
    canvas = blank()
    with canvas.clip(BOX + 5):
        canvas.fill(BOX, RED)
    canvas.shade(BOX - 5, (RED, BLUE))
    assert (np.asarray(canvas.to_image()) == 255).all()


def test_shade_runs_from_top_to_bottom() -> None:
    canvas = blank()
    canvas.shade(BOX, (RED, BLUE))
    column = np.asarray(canvas.to_image())[22:31, 25].astype(int)
    assert (np.diff(column[:, 0]) < 0).all()
    assert (np.diff(column[:, 2]) > 0).all()


def test_opacity_and_glow_let_the_ground_through() -> None:
    canvas = blank()
    canvas.fill(BOX, RED, 0.5)
    assert np.asarray(canvas.to_image())[26, 25, 1] == pytest.approx(127, abs=2)
    canvas = blank()
    canvas.glow(0, 0, 0.2, 0.2, RED, 0.5)
    green = np.asarray(canvas.to_image())[26, :, 1].astype(int)
    assert green[25] == pytest.approx(127, abs=8)
    assert green[25] < green[20] < green[16] <= 255
    assert green[14] == 255


KNOTS = np.array([(0.0, 0.0), (1.0, 0.5), (2.0, 0.0), (3.0, 1.0)])


def test_spline_open_passes_through_knots() -> None:
    curve = spline(KNOTS, steps=5)
    assert len(curve) == 3 * 5 + 1
    assert curve[::5] == pytest.approx(KNOTS)


def test_spline_closed_passes_through_knots() -> None:
    curve = spline(KNOTS, closed=True, steps=5)
    assert len(curve) == 4 * 5
    assert curve[::5] == pytest.approx(KNOTS)


def test_bezier_matches_formula() -> None:
    curve = bezier((0, 0), (1, 2), (2, 0), 3)
    assert curve == pytest.approx(np.array([(0, 0), (1, 1), (2, 0)]))


def test_ribbon_has_given_widths() -> None:
    line = np.stack([np.linspace(0, 1, 5), np.zeros(5)], axis=1)
    outline = ribbon(line, (0.0, 0.4, 0.0))
    assert len(outline) == 10
    widths = np.abs(outline[:5, 1] - outline[::-1][:5, 1])
    assert widths == pytest.approx([0.0, 0.2, 0.4, 0.2, 0.0], abs=1e-6)


def test_interpolate_is_linear() -> None:
    assert interpolate((0, 10, 0), 5) == pytest.approx([0, 5, 10, 5, 0])


def test_ellipse_has_given_half_axes() -> None:
    points = ellipse(1.0, 2.0, 0.5, 0.25, 8)
    assert points.min(axis=0) == pytest.approx((0.5, 1.75))
    assert points.max(axis=0) == pytest.approx((1.5, 2.25))


def test_symmetric_outline_equals_its_mirror_image() -> None:
    outline = symmetric_outline(np.array([(0.0, 0.0), (1.0, 0.5), (0.0, 1.0)]))
    assert {tuple(p) for p in outline.tolist()} == {tuple(p) for p in mirror(outline).tolist()}
