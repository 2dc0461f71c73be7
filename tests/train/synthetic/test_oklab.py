"""Oklab against its author's published values and its own inverse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_train.synthetic import oklab

CHANNEL = st.integers(0, 255)


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((255, 255, 255), (1.0, 0.0, 0.0)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
        ((255, 0, 0), (0.62796, 0.22486, 0.12585)),
        ((0, 255, 0), (0.86644, -0.23389, 0.17950)),
        ((0, 0, 255), (0.45201, -0.03246, -0.31153)),
    ],
)
def test_known_colours(rgb: tuple[int, ...], lab: tuple[float, ...]) -> None:
    assert oklab.from_rgb(rgb) == pytest.approx(lab, abs=2e-4)


@given(CHANNEL, CHANNEL, CHANNEL)
def test_to_rgb_inverts_from_rgb(r: int, g: int, b: int) -> None:
    assert oklab.to_rgb(oklab.from_rgb([r, g, b])).tolist() == [r, g, b]


def test_colours_outside_srgb_are_clipped() -> None:
    shown = oklab.to_rgb([[2.0, 0.0, 0.0], [-1.0, 0.0, 0.0]])
    assert shown.tolist() == [[255, 255, 255], [0, 0, 0]]
    assert shown.dtype == np.uint8
