"""Distances and coverage between sets of features made for it."""

import numpy as np
import pytest

from ganport_runtime.conditions import Conditions
from ganport_train.evaluation.scores.quality import (
    MOST,
    SMALLEST,
    Reference,
    by_label,
    figures,
)

HAIR = Conditions.one_hots({"hair": ["red", "blue", "pink"]})


def normal(count: int, seed: int, shift: float = 0.0):
    random = np.random.default_rng(seed)
    return (random.standard_normal((count, 6)) + shift).astype(np.float32)


def reference(count: int = 300, drawn: int = 100) -> Reference:
    return Reference.of(normal(count, 0), np.zeros((count, 0), np.float32), drawn, seed=0)


@pytest.mark.parametrize(("count", "drawn", "compared"), [(300, 100, 100), (300, 1000, 150)])
def test_what_stands_for_drawn_pictures_is_set_apart(count: int, drawn: int, compared: int) -> None:
    found = reference(count, drawn)
    assert not set(found.baseline) & set(found.others)
    assert len(found.baseline) + len(found.others) == count
    assert len(set(found.fellows)) == compared
    assert set(found.fellows) <= set(found.others)
    assert found.counts() == {"drawn": compared, "real": count - compared, "fellows": compared}


def test_new_pictures_fare_as_real_ones_do_and_shifted_ones_worse() -> None:
    same, moved = (
        figures("judge", [normal(100, seed, shift) for seed in (1, 2, 3)], reference())
        for shift in (0.0, 2.0)
    )
    for name in ("judge_kernel", "judge_frechet"):
        assert moved[name].value > 5 * max(abs(same[name].value), abs(same[name].real or 0))
    for name in ("judge_precision", "judge_recall", "judge_density", "judge_coverage"):
        assert same[name].value == pytest.approx(same[name].real, abs=0.12)
        assert moved[name].value < 0.5 * same[name].value
    assert same["judge_coverage"].low is not None


def test_sorted_pictures_are_thinned_out_evenly() -> None:
    """Drawn pictures come in the order of their conditions; the first of them are not all."""
    halves = np.concatenate([normal(500, 1, -9), normal(500, 2, 9)])
    real = np.concatenate([normal(100, 3, -9), normal(100, 4, 9)])
    found = Reference.of(real, np.zeros((200, 0), np.float32), 1000, seed=0)
    coverage = figures("judge", [halves], found)["judge_coverage"]
    assert coverage.value > 0.85


def test_only_inception_has_fid_and_kid() -> None:
    drawn = [normal(50, 1)]
    ours, theirs = (figures(name, drawn, reference()) for name in ("judge", "inception"))
    assert [ours[f"judge_{key}"].title for key in ("kernel", "frechet")] == [
        "kernel distance x 1000",
        "feature distance",
    ]
    assert [theirs[f"inception_{key}"].title for key in ("kernel", "frechet")] == [
        "KID x 1000",
        "FID",
    ]
    assert all("KID" not in figure.title + figure.section for figure in ours.values())
    assert ours["judge_coverage"].value == theirs["inception_coverage"].value


def test_each_label_has_figures_of_its_own_unless_it_has_few_pictures() -> None:
    asked = HAIR.encode_many([{"hair": hair} for hair in ["red"] * 30 + ["blue"] * 30])
    there = HAIR.encode_many(
        [{"hair": hair} for hair in ["red"] * 60 + ["blue"] * 60 + ["pink"] * SMALLEST]
    )
    real = Reference.of(normal(len(there), 0), there, 60, seed=0)
    drawn = [np.concatenate([normal(30, seed), normal(30, seed, 5)]) for seed in (1, 2)]
    red, blue, pink = by_label(HAIR, asked, drawn, real)
    assert (red["label"], red["generated"], red["real"]) == ("red", 60, 60)
    assert red["figures"]["coverage"] > 0.8 > 0.1 > blue["figures"]["coverage"]
    assert blue["figures"]["kernel"] > 10 * abs(red["figures"]["kernel"])
    assert red["figures"]["spread"] == pytest.approx(1, abs=0.15)
    assert (pink["generated"], pink["real"]) == (0, SMALLEST)
    assert set(pink["figures"].values()) == {None}


def test_of_a_frequent_label_so_many_are_looked_at() -> None:
    asked = HAIR.encode_many([{"hair": "red"}] * (MOST + 50))
    real = Reference.of(normal(len(asked), 0), asked, 100, seed=0)
    red, *_ = by_label(HAIR, asked, [normal(len(asked), 1)], real)
    assert red["figures"]["coverage"] == pytest.approx(1 - 2**-5, abs=0.03)
