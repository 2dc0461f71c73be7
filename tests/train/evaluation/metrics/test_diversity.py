import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.conditions import Conditions, MultiHot, OneHot, Rgb, Scalar, SignedMultiHot
from ganport_train.evaluation.metrics.diversity import (
    IMAGES_PER_CONDITION,
    MAX_CONDITIONS,
    DiversityPlan,
    change_labels,
    evenly_spaced,
    mean_spread,
    near_duplicate_fraction,
    near_duplicate_metric,
    relative_spread,
    rows_by_label,
    spread_metrics,
)

HAIR = Conditions.one_hots({"hair": ["red", "blue", "pink"]})


def rows(*groups: tuple[int, ...]):
    return [np.array(group) for group in groups]


def test_mean_spread_averages_distances_within_groups() -> None:
    features = np.array([[0, 0], [3, 4], [0, 0], [0, 1], [0, 2]], np.float32)
    assert mean_spread(features, rows((0, 1))) == pytest.approx(5)
    assert mean_spread(features, rows((2, 3, 4))) == pytest.approx(4 / 3)
    both = mean_spread(features, rows((0, 1), (2, 3, 4), (0,)))
    assert both == pytest.approx((5 + 4 / 3) / 2)
    assert mean_spread(features, rows((0,))) == 0


def test_relative_spread_divides_by_the_real_spread() -> None:
    features = np.array([[0.0], [1.0], [0.0], [4.0], [9.0], [9.0]], np.float32)
    assert relative_spread(features, rows((0, 1)), features, rows((2, 3))) == pytest.approx(0.25)
    assert relative_spread(features, rows((4, 5)), features, rows((2, 3))) == 0
    assert relative_spread(features, rows((0, 1)), features, rows((4, 5))) == 1


def test_near_duplicate_fraction_counts_plain_and_mirrored_copies() -> None:
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
    images = coarse.repeat(4, axis=1).repeat(4, axis=2)
    assert near_duplicate_fraction(images) == 0
    copies = np.concatenate([images, images[:1], images[1:2, :, ::-1]])
    assert near_duplicate_fraction(copies) == 4 / 8


def test_near_duplicate_metric_measures_generated_and_real_images() -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (4, 8, 8, 3), dtype=np.uint8).repeat(2, 1).repeat(2, 2)
    metric = near_duplicate_metric([images[[0, 0, 0, 1]], images], images)
    assert (metric.value, metric.real) == (0.375, 0)


def test_plan_of_shared_conditions_repeats_them() -> None:
    vectors = HAIR.encode_many([{"hair": hair} for hair in ["red"] * 20 + ["blue"] * 9])
    plan = DiversityPlan.of(HAIR, vectors)
    assert plan.shared
    assert [len(group) for group in plan.real] == [16, 9]
    assert plan.vectors.shape == (2 * IMAGES_PER_CONDITION, 3)
    assert plan.vectors[:IMAGES_PER_CONDITION, 0].all()
    assert plan.vectors[IMAGES_PER_CONDITION:, 1].all()
    assert [group.tolist() for group in plan.generated] == [[*range(16)], [*range(16, 32)]]
    assert [group.tolist() for group in plan.real_groups] == [[*range(16)], [*range(16, 25)]]
    assert len(plan.real_rows) == 25


def test_plan_without_shared_conditions_uses_labels() -> None:
    face = Conditions((SignedMultiHot("face", tuple(f"trait {n}" for n in range(8))),))
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    vectors = (2 * bits - 1).astype(np.float32)
    plan = DiversityPlan.of(face, vectors)
    assert not plan.shared
    assert len(plan.real) == 8
    assert all(vectors[group, label].min() == 1 for label, group in enumerate(plan.real))
    assert len(plan.vectors) == 8 * IMAGES_PER_CONDITION


def test_plan_of_numbers_or_no_condition_is_one_group() -> None:
    age = Conditions((Scalar("age", 20, 0, 100),))
    plan = DiversityPlan.of(age, np.arange(100, dtype=np.float32)[:, None])
    assert (len(plan.real), len(plan.real_rows)) == (1, IMAGES_PER_CONDITION)
    assert not plan.shared
    free = DiversityPlan.of(Conditions(), np.zeros((100, 0), np.float32))
    assert (len(free.real), free.vectors.shape) == (1, (IMAGES_PER_CONDITION, 0))
    assert free.shared


def test_plan_of_many_conditions_is_limited() -> None:
    many = Conditions.one_hots({"word": [f"w{n}" for n in range(40)]})
    plan = DiversityPlan.of(many, np.eye(40, dtype=np.float32).repeat(8, axis=0))
    assert len(plan.real) == MAX_CONDITIONS


def test_spread_metrics_are_relative_to_real_images() -> None:
    plan = DiversityPlan.of(HAIR, HAIR.encode_many([{"hair": "red"}] * 16))
    noise = np.random.default_rng(0).integers(-40, 40, (16, 16, 16, 3))
    real, generated = (128 + noise).astype(np.uint8), (128 + noise // 2).astype(np.uint8)
    metrics = spread_metrics(
        plan, [generated], real, lambda images: images.reshape(16, -1).astype(np.float32)
    )
    assert metrics["spread_pixels"].value == pytest.approx(0.5, abs=0.02)
    assert metrics["spread_features"].value == pytest.approx(0.5, abs=0.02)
    assert (metrics["spread_pixels"].real, metrics["spread_pixels"].note) == (1, "")
    constant = [real[:1].repeat(16, axis=0)] * 2
    collapsed = spread_metrics(plan, constant, real, lambda images: np.ones((16, 1), np.float32))
    assert collapsed["spread_pixels"].value == pytest.approx(0, abs=1e-4)


@given(st.integers(1, 200), st.integers(1, 200))
def test_evenly_spaced_rows_ascend_within_range(total: int, count: int) -> None:
    chosen = evenly_spaced(total, count)
    assert len(chosen) == count
    assert (np.diff(chosen) >= 0).all()
    assert chosen[0] >= 0
    assert chosen[-1] < total
    if count <= total:
        assert len(set(chosen)) == count


def test_rows_by_label_finds_every_label() -> None:
    conditions = Conditions.one_hots({"hair": ["red", "blue"], "eyes": ["dark", "light"]})
    texts = ["red dark", "blue dark", "red dark", "red light", "red dark"]
    pairs = [dict(zip(("hair", "eyes"), text.split(), strict=True)) for text in texts]
    found = rows_by_label(conditions, conditions.encode_many(pairs))
    assert {key: group.tolist() for key, group in found.items()} == {
        ("hair", "red"): [0, 2, 3, 4],
        ("hair", "blue"): [1],
        ("eyes", "dark"): [0, 1, 2, 4],
        ("eyes", "light"): [3],
    }
    age = Conditions((Scalar("age", 20, 0, 100),))
    assert rows_by_label(age, np.array([[3.0]], np.float32)) == {}


def test_rows_by_label_ignores_the_names_of_a_palette() -> None:
    palette = {"red": "#ff0000", "green": "#00ff00", "blue": "#0000ff"}
    hair = Conditions((Rgb("hair", "red", (-1.0, 1.0), palette),))
    assert rows_by_label(hair, hair.encode_many([{"hair": name} for name in palette])) == {}


def test_change_labels_follows_the_kind_of_the_group() -> None:
    conditions = Conditions(
        (
            OneHot("hair", ("red", "blue")),
            MultiHot("objects", ("cube", "ball")),
            SignedMultiHot("face", ("old",)),
            Rgb("skin", "#804020"),
        )
    )
    own = conditions.encode({"hair": "red", "objects": ["ball"], "face": ["old"]})
    changed = {label: vectors[0] for _, label, vectors in change_labels(conditions, own[None])}
    expected = {
        "red": {},
        "blue": {"hair": "blue"},
        "cube": {"objects": ["cube", "ball"]},
        "ball": {"objects": []},
        "old": {"face": []},
    }
    assert list(changed) == list(expected)
    for label, change in expected.items():
        request = {"hair": "red", "objects": ["ball"], "face": ["old"], **change}
        np.testing.assert_array_equal(changed[label], conditions.encode(request), err_msg=label)
