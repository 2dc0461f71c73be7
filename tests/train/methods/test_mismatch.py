import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.conditions import Conditions, MultiHot, Rgb, Scalar, SignedMultiHot
from ganport_train.config.parsing import RecipeError
from ganport_train.methods.condition_losses import change_one_group, check_groups

CONDITIONS = Conditions.one_hots(
    {"hair": [f"h{i}" for i in range(12)], "eyes": ["black", "blue"], "hat": ["a", "b", "c"]}
)


@given(st.integers(0, 2**32), st.integers(1, 40))
def test_change_one_group_changes_exactly_one(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    requests = [
        {group.name: group.labels[random.integers(group.size)] for group in CONDITIONS.groups}
        for _ in range(count)
    ]
    right = CONDITIONS.encode_many(requests)
    before = right.copy()
    wrong = change_one_group(right, CONDITIONS, random)
    np.testing.assert_array_equal(right, before)
    differing = np.zeros(count, dtype=int)
    for part in CONDITIONS.slices.values():
        assert (wrong[:, part].sum(axis=1) == 1).all()
        assert set(np.unique(wrong[:, part])) <= {0.0, 1.0}
        differing += (wrong[:, part] != right[:, part]).any(axis=1)
    assert (differing == 1).all()


def test_change_one_group_reaches_every_label() -> None:
    right = np.repeat(CONDITIONS.encode_many([{"hair": "h3", "eyes": "blue", "hat": "c"}]), 3000, 0)
    wrong = change_one_group(right, CONDITIONS, np.random.default_rng(0))
    hair = wrong[:, CONDITIONS.slices["hair"]].sum(axis=0)
    assert (hair > 0).all()
    assert hair[3] == pytest.approx(2000, rel=0.1)  # a third of the rows change their hair


@given(st.integers(0, 2**32), st.integers(1, 20))
def test_change_one_group_exchanges_or_flips_one_label(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    objects = (random.random((count, 5)) < 0.4).astype(np.float32)
    signs = np.where(random.random((count, 4)) < 0.3, 1, -1).astype(np.float32)
    for group, right in (
        (MultiHot("objects", tuple("abcde")), objects),
        (SignedMultiHot("traits", tuple("abcd")), signs),
    ):
        wrong = change_one_group(right, Conditions((group,)), random)
        assert (wrong != right).any(axis=1).all()
        if isinstance(group, SignedMultiHot):
            assert ((wrong != right).sum(axis=1) == 1).all()
            continue
        on, off = (right > 0).sum(axis=1), (right == 0).sum(axis=1)
        both = (on > 0) & (off > 0)
        assert ((wrong > 0).sum(axis=1)[both] == on[both]).all()
        assert set(np.unique(wrong)) <= {0.0, 1.0}


@given(st.integers(0, 2**32), st.integers(2, 20))
def test_change_one_group_takes_the_color_or_number_of_another_row(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    ages = random.permutation(np.arange(count, dtype=np.float32))[:, None]
    colors = random.random((3, 3), dtype=np.float32)[np.arange(count) % 2]
    for group, right in ((Scalar("age", 20, 0, 100), ages), (Rgb("hair", "#ffffff"), colors)):
        wrong = change_one_group(right, Conditions((group,)), random)
        assert (wrong != right).any(axis=1).all()
        assert {tuple(row) for row in wrong} <= {tuple(row) for row in right}


def test_change_one_group_keeps_the_only_number() -> None:
    ages = np.full((4, 1), 30, np.float32)
    group = Scalar("age", 20, 0, 100)
    wrong = change_one_group(ages, Conditions((group,)), np.random.default_rng(0))
    np.testing.assert_array_equal(wrong, ages)


def test_check_groups_of_a_single_label_raises() -> None:
    with pytest.raises(RecipeError, match=r"method\.mismatch_weight: .*found hat"):
        check_groups(Conditions.one_hots({"hair": ["a", "b"], "hat": ["none"]}))


def test_check_groups_without_conditions_raises() -> None:
    with pytest.raises(RecipeError, match="found no condition"):
        check_groups(Conditions(()))
