"""Which pictures' spread is measured, and near-duplicates."""

import numpy as np
import pytest

from ganport_runtime.conditions import Conditions, Scalar, SignedMultiHot
from ganport_train.evaluation.scores.diversity import (
    CONDITIONS,
    EACH,
    Plan,
    duplicates,
    figures,
)

HAIR = Conditions.one_hots({"hair": ["red", "blue", "pink"]})


def test_conditions_that_real_pictures_share_are_drawn_again() -> None:
    vectors = HAIR.encode_many([{"hair": hair} for hair in ["red"] * 20 + ["blue"] * 9])
    plan = Plan.of(HAIR, vectors)
    assert plan.shared
    assert [len(rows) for rows in plan.real] == [16, 9]
    assert plan.vectors.shape == (2 * EACH, 3)
    assert plan.vectors[:EACH, 0].all()
    assert plan.vectors[EACH:, 1].all()
    assert [rows.tolist() for rows in plan.drawn] == [list(range(16)), list(range(16, 32))]
    assert len(plan.rows) == 25


def test_where_none_is_shared_a_label_stands_in() -> None:
    face = Conditions((SignedMultiHot("face", tuple(f"trait {n}" for n in range(8))),))
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    vectors = (2 * bits - 1).astype(np.float32)
    plan = Plan.of(face, vectors)
    assert not plan.shared
    assert len(plan.real) == 8
    assert all(vectors[rows, place].min() == 1 for place, rows in enumerate(plan.real))
    assert len(plan.vectors) == 8 * EACH


def test_numbers_and_no_condition_make_one_group() -> None:
    age = Conditions((Scalar("age", 20, 0, 100),))
    vectors = np.arange(100, dtype=np.float32)[:, None]
    plan = Plan.of(age, vectors)
    assert (len(plan.real), len(plan.rows), plan.shared) == (1, EACH, False)
    free = Plan.of(Conditions(), np.zeros((100, 0), np.float32))
    assert (len(free.real), free.vectors.shape, free.shared) == (1, (EACH, 0), True)


def test_no_more_conditions_than_can_be_looked_at() -> None:
    many = Conditions.one_hots({"word": [f"w{n}" for n in range(40)]})
    plan = Plan.of(many, np.eye(40, dtype=np.float32).repeat(8, axis=0))
    assert len(plan.real) == CONDITIONS


def test_spread_is_a_share_of_the_real_one() -> None:
    plan = Plan.of(HAIR, HAIR.encode_many([{"hair": "red"}] * 16))
    noise = np.random.default_rng(0).integers(-40, 40, (16, 16, 16, 3))
    real, drawn = (128 + noise).astype(np.uint8), (128 + noise // 2).astype(np.uint8)
    found = figures(plan, [drawn], real, lambda images: images.reshape(16, -1).astype(np.float32))
    assert found["spread_pixels"].value == pytest.approx(0.5, abs=0.02)
    assert found["spread_features"].value == pytest.approx(0.5, abs=0.02)
    assert (found["spread_pixels"].real, found["spread_pixels"].note) == (1, "")
    still = figures(plan, [real[:1].repeat(16, axis=0)] * 2, real, lambda images: np.ones((16, 1)))
    assert still["spread_pixels"].value == pytest.approx(0, abs=1e-4)


def test_duplicates_stand_beside_those_of_real_pictures() -> None:
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (4, 8, 8, 3), dtype=np.uint8).repeat(2, 1).repeat(2, 2)
    figure = duplicates([coarse[[0, 0, 0, 1]], coarse], coarse)
    assert (figure.value, figure.real) == (0.375, 0)
