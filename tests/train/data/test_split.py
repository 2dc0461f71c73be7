import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_train.data.issues import DataError
from ganport_train.data.split import split

KEYS = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=60)


@pytest.mark.parametrize("held_out", [0.01, 0.05, 0.5])
def test_the_share_is_near_what_was_asked(held_out: float) -> None:
    keys = np.random.default_rng(0).integers(0, 2**64, 20_000, dtype=np.uint64)
    train, held = split(keys, held_out)
    assert len(held) / 20_000 == pytest.approx(held_out, abs=0.01)
    assert train.dtype == held.dtype == np.int64


@given(KEYS, st.floats(0, 0.99))
def test_every_picture_is_on_one_side_and_a_family_on_one(keys: list[int], share: float) -> None:
    array = np.array(keys, np.uint64)
    train, held = split(array, share)
    assert sorted([*train.tolist(), *held.tolist()]) == list(range(len(keys)))
    assert not set(array[train].tolist()) & set(array[held].tolist())
    if share > 0 and len(set(keys)) > 1:
        assert len(train)
        assert len(held)


@given(KEYS, KEYS, st.floats(0.05, 0.95))
def test_other_pictures_move_none_to_another_side(
    keys: list[int], others: list[int], share: float
) -> None:
    sure = [0, *keys, 2**64 - 1]  # something on either side, so that no family is moved
    held = set(split(np.array(sure, np.uint64), share)[1].tolist())
    among = split(np.array([*others, *sure], np.uint64), share)[1]
    assert held == {i - len(others) for i in among.tolist() if i >= len(others)}


def test_a_larger_share_takes_in_the_smaller() -> None:
    keys = np.random.default_rng(0).integers(0, 2**64, 500, dtype=np.uint64)
    assert set(split(keys, 0.05)[1].tolist()) < set(split(keys, 0.2)[1].tolist())


def test_none_held_out() -> None:
    train, held = split(np.array([0, 1, 2], np.uint64), 0)
    assert (train.tolist(), held.tolist()) == ([0, 1, 2], [])


@pytest.mark.parametrize("share", [-0.1, 1.0, 5, float("nan")])
def test_a_share_that_is_none(share: float) -> None:
    with pytest.raises(DataError, match=r"held_out: expected a share .* Write 0\.05 for five in"):
        split(np.zeros(1, np.uint64), share)
