"""Palette labels and shades; Oklab against its author's published values."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_train.synthetic.palette import (
    EYES,
    HAIR,
    Palette,
    nearest_labels,
    oklab_to_rgb,
    rgb_to_oklab,
    sample_shade,
    tints,
)

BOTH = st.sampled_from([(HAIR, label) for label in HAIR] + [(EYES, label) for label in EYES])


def test_palette_has_fixed_labels() -> None:
    assert " ".join(HAIR) == (
        "orange white aqua gray green red purple pink blue black brown blonde"
    )
    assert " ".join(EYES) == "black orange pink yellow aqua purple green brown red blue"


@pytest.mark.parametrize("palette", [HAIR, EYES])
def test_nearest_labels_of_palette_is_identity(palette: Palette) -> None:
    assert nearest_labels(rgb_to_oklab(list(palette.values())), palette) == list(palette)


@given(BOTH, st.integers(0, 2**64))
def test_sample_shade_is_nearest_to_its_label(which: tuple[Palette, str], seed: int) -> None:
    palette, label = which
    shown = oklab_to_rgb(sample_shade(Random(seed), label, palette))
    assert nearest_labels(rgb_to_oklab(shown)[None], palette) == [label]


@given(BOTH)
def test_sample_shade_varies(which: tuple[Palette, str]) -> None:
    palette, label = which
    rng = Random(1)
    shown = {tuple(oklab_to_rgb(sample_shade(rng, label, palette)).tolist()) for _ in range(10)}
    assert len(shown) > 5


def test_tints_are_ordered_by_lightness() -> None:
    green = rgb_to_oklab(HAIR["green"])
    dark, same, light = tints(green, [(-0.5, 1.0), (0.0, 1.0), (0.5, 1.0)])
    assert same == HAIR["green"]
    lightness = rgb_to_oklab([dark, same, light])[:, 0]
    assert (np.diff(lightness) > 0.1).all()


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
def test_rgb_to_oklab_known_colors(rgb: tuple[int, ...], lab: tuple[float, ...]) -> None:
    assert rgb_to_oklab(rgb) == pytest.approx(lab, abs=2e-4)


@given(CHANNEL, CHANNEL, CHANNEL)
def test_oklab_to_rgb_inverts_rgb_to_oklab(r: int, g: int, b: int) -> None:
    assert oklab_to_rgb(rgb_to_oklab([r, g, b])).tolist() == [r, g, b]


def test_oklab_to_rgb_clips() -> None:
    shown = oklab_to_rgb([[2.0, 0.0, 0.0], [-1.0, 0.0, 0.0]])
    assert shown.tolist() == [[255, 255, 255], [0, 0, 0]]
    assert shown.dtype == np.uint8
