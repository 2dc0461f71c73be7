"""Traits: frequency, independence and CelebA's table."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from ganport_train.synthetic.traits import (
    PROBABILITIES,
    Trait,
    celeba_table,
    sample_traits,
)

FACES = [sample_traits(seed) for seed in range(3000)]


@pytest.mark.parametrize("trait", Trait)
def test_sample_traits_frequency(trait: Trait) -> None:
    expected = PROBABILITIES[trait]
    deviation = (expected * (1 - expected) / len(FACES)) ** 0.5
    share = sum(trait in traits for traits in FACES) / len(FACES)
    assert abs(share - expected) < 4 * deviation


def test_sample_traits_are_independent() -> None:
    signs = np.array([[trait in traits for trait in Trait] for traits in FACES], dtype=float)
    correlations = np.corrcoef(signs.T)
    for one, two in combinations(range(len(Trait)), 2):
        assert abs(correlations[one, two]) < 4 / len(FACES) ** 0.5


def test_sample_traits_is_deterministic() -> None:
    assert sample_traits(7) == sample_traits(7)
    assert len(set(FACES)) > 500


def test_celeba_table_format() -> None:
    table = celeba_table({"0.png": 0, "picture_1.jpg": 1}).split("\n")
    assert table[0] == "2"
    assert table[1] == (
        "Bangs Eyeglasses Hair_Bow Long_Hair Mouth_Slightly_Open Rosy_Cheeks Smiling "
        "Wearing_Earrings Wearing_Hat Winking"
    )
    name, *signs = table[3].split()
    assert name == "picture_1.jpg"
    assert signs == ["1" if trait in sample_traits(1) else "-1" for trait in Trait]
    assert len(table[2]) == len("0.png") + 3 * len(Trait)  # 1 and -1 take the same width
    assert table[4:] == [""]
