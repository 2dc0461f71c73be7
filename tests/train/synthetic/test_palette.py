"""The palette holds the pinned labels, and every shade drawn is nearest to its own."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_train.synthetic import oklab
from ganport_train.synthetic.palette import (
    EYES,
    HAIR,
    Palette,
    nearest,
    shade,
    tints,
)

BOTH = st.sampled_from([(HAIR, label) for label in HAIR] + [(EYES, label) for label in EYES])


def test_labels_are_the_pinned_vocabularies() -> None:
    assert " ".join(HAIR) == (
        "orange white aqua gray green red purple pink blue black brown blonde"
    )
    assert " ".join(EYES) == "black orange pink yellow aqua purple green brown red blue"


@pytest.mark.parametrize("palette", [HAIR, EYES])
def test_each_colour_is_nearest_to_itself(palette: Palette) -> None:
    assert nearest(oklab.from_rgb(list(palette.values())), palette) == list(palette)


@given(BOTH, st.integers(0, 2**64))
def test_a_shade_as_shown_is_nearest_to_its_label(which: tuple[Palette, str], seed: int) -> None:
    palette, label = which
    shown = oklab.to_rgb(shade(Random(seed), label, palette))
    assert nearest(oklab.from_rgb(shown)[None], palette) == [label]


@given(BOTH)
def test_shades_differ(which: tuple[Palette, str]) -> None:
    palette, label = which
    rng = Random(1)
    shown = {tuple(oklab.to_rgb(shade(rng, label, palette)).tolist()) for _ in range(10)}
    assert len(shown) > 5


def test_tints_order_by_lightness_and_zero_is_the_colour() -> None:
    green = oklab.from_rgb(HAIR["green"])
    dark, same, light = tints(green, [(-0.5, 1.0), (0.0, 1.0), (0.5, 1.0)])
    assert same == HAIR["green"]
    lightness = oklab.from_rgb([dark, same, light])[:, 0]
    assert (np.diff(lightness) > 0.1).all()
