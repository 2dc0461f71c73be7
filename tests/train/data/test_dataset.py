import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_train.data.dataset import split
from ganport_train.data.issues import DataError

KEYS = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=60)


@pytest.mark.parametrize("held_out", [0.01, 0.05, 0.5])
def test_split_fraction_is_approximate(held_out: float) -> None:
    keys = np.random.default_rng(0).integers(0, 2**64, 20_000, dtype=np.uint64)
    train, held = split(keys, held_out)
    assert len(held) / 20_000 == pytest.approx(held_out, abs=0.01)
    assert train.dtype == held.dtype == np.int64


@given(KEYS, st.floats(0, 0.99))
def test_split_covers_images_and_keeps_groups(keys: list[int], share: float) -> None:
    array = np.array(keys, np.uint64)
    train, held = split(array, share)
    assert sorted([*train.tolist(), *held.tolist()]) == list(range(len(keys)))
    assert not set(array[train].tolist()) & set(array[held].tolist())
    if share > 0 and len(set(keys)) > 1:
        assert len(train)
        assert len(held)


@given(KEYS, KEYS, st.floats(0.05, 0.95))
def test_split_does_not_depend_on_other_images(
    keys: list[int], others: list[int], share: float
) -> None:
    sure = [0, *keys, 2**64 - 1]  # neither side is empty, so no group moves
    held = set(split(np.array(sure, np.uint64), share)[1].tolist())
    among = split(np.array([*others, *sure], np.uint64), share)[1]
    assert held == {i - len(others) for i in among.tolist() if i >= len(others)}


def test_split_larger_fraction_contains_smaller() -> None:
    keys = np.random.default_rng(0).integers(0, 2**64, 500, dtype=np.uint64)
    assert set(split(keys, 0.05)[1].tolist()) < set(split(keys, 0.2)[1].tolist())


def test_split_zero_fraction_is_empty() -> None:
    train, held = split(np.array([0, 1, 2], np.uint64), 0)
    assert (train.tolist(), held.tolist()) == ([0, 1, 2], [])


@pytest.mark.parametrize("share", [-0.1, 1.0, 5, float("nan")])
def test_split_invalid_fraction_raises(share: float) -> None:
    with pytest.raises(DataError, match=r"val_fraction: expected a fraction .* Write"):
        split(np.zeros(1, np.uint64), share)
