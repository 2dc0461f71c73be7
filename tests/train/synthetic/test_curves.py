"""Curves pass where they should, and brush strokes are as wide as asked."""

from __future__ import annotations

import numpy as np
import pytest

from ganport_train.synthetic.curves import (
    bend,
    ellipse,
    flipped,
    ribbon,
    smooth,
    spread,
    symmetric,
)

KNOTS = np.array([(0.0, 0.0), (1.0, 0.5), (2.0, 0.0), (3.0, 1.0)])


def test_an_open_spline_passes_through_its_knots() -> None:
    curve = smooth(KNOTS, steps=5)
    assert len(curve) == 3 * 5 + 1
    assert curve[::5] == pytest.approx(KNOTS)


def test_a_closed_spline_passes_through_its_knots() -> None:
    curve = smooth(KNOTS, closed=True, steps=5)
    assert len(curve) == 4 * 5
    assert curve[::5] == pytest.approx(KNOTS)


def test_a_bend_is_the_bezier_curve() -> None:
    curve = bend((0, 0), (1, 2), (2, 0), 3)
    assert curve == pytest.approx(np.array([(0, 0), (1, 1), (2, 0)]))


def test_a_ribbon_has_the_widths_given() -> None:
    line = np.stack([np.linspace(0, 1, 5), np.zeros(5)], axis=1)
    outline = ribbon(line, (0.0, 0.4, 0.0))
    assert len(outline) == 10
    widths = np.abs(outline[:5, 1] - outline[::-1][:5, 1])
    assert widths == pytest.approx([0.0, 0.2, 0.4, 0.2, 0.0], abs=1e-6)


def test_spread_interpolates_between_evenly_spaced_values() -> None:
    assert spread((0, 10, 0), 5) == pytest.approx([0, 5, 10, 5, 0])


def test_an_ellipse_keeps_to_its_half_axes() -> None:
    points = ellipse(1.0, 2.0, 0.5, 0.25, 8)
    assert points.min(axis=0) == pytest.approx((0.5, 1.75))
    assert points.max(axis=0) == pytest.approx((1.5, 2.25))


def test_a_symmetric_outline_is_its_own_reflection() -> None:
    outline = symmetric(np.array([(0.0, 0.0), (1.0, 0.5), (0.0, 1.0)]))
    assert {tuple(p) for p in outline.tolist()} == {tuple(p) for p in flipped(outline).tolist()}
