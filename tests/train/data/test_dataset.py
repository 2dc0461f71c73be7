import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.conditions import Conditions, JointOneHot, OneHot
from ganport_runtime.images.format import ImageFormat
from ganport_train.data.dataset import Dataset, split
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
    assert len(train)
    if share > 0 and len(set(keys)) > 1:
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


def labeled(vectors: list[list[int]], keys: list[int], conditions: Conditions) -> Dataset:
    """Return a data set without images."""
    count = len(keys)
    return Dataset(
        images=np.zeros((count, 1, 1, 3), np.uint8),
        image=ImageFormat((1, 1)),
        format="tagged_csv",
        conditions=conditions,
        vectors=np.array(vectors, np.float32),
        ids=[str(index) for index in range(count)],
        duplicate_groups=np.arange(count),
        split_keys=np.array(keys, np.uint64),
        digest="",
        issues=(),
        notes=(),
        test_prompts={},
    )


HAIR, EYES = OneHot("hair", ("black", "pink")), OneHot("eyes", ("blue", "red"))


def test_dataset_split_keeps_a_rare_label_in_training() -> None:
    rare, frequent = [0, 1], [1, 0]
    keys = [5, 5, 3, *range(1, 2**63, 2**56)]
    vectors = [rare, rare, rare, *([frequent] * (len(keys) - 3))]
    dataset = labeled(vectors, keys, Conditions((HAIR,)))
    train, held = dataset.split(0.05)
    assert split(dataset.split_keys, 0.05)[1][:3].tolist() == [0, 1, 2]
    assert train[:2].tolist() == [0, 1]  # a group of duplicates moves as a whole
    assert held[0] == 2
    assert len(train) + len(held) == len(keys)


def test_dataset_split_of_pairs_is_that_of_their_labels() -> None:
    keys = [1, *range(2**60, 2**63, 2**56)]
    rare_pair = [[0, 1, 0, 0]] + [[1, 0, 0, 0], [0, 0, 0, 1]] * (len(keys) // 2)
    dataset = labeled(rare_pair[: len(keys)], keys, Conditions((JointOneHot("p", (HAIR, EYES)),)))
    assert dataset.split(0.05)[1].tolist() == split(dataset.split_keys, 0.05)[1].tolist()


def test_dataset_warns_of_few_images_and_of_a_rare_label() -> None:
    conditions = Conditions((HAIR, EYES))
    vectors = [[0, 1, 0, 1], *([[1, 0, 1, 0], [1, 0, 0, 1]] * 500)]
    dataset = labeled(vectors, list(range(1001)), conditions)
    (warning,) = dataset.size_warnings(np.arange(1001))
    assert "hair: 1,000 training images of black, 1 of pink, 1,000 : 1" in warning
    few, rare = dataset.size_warnings(np.arange(150))
    assert "only 150 training images" in few
    assert "149 : 1" in rare
    assert dataset.size_warnings(np.arange(1, 1001)) == []


def test_dataset_warns_of_a_group_with_one_label() -> None:
    dataset = labeled([[1]] * 300, list(range(300)), Conditions((OneHot("hair", ("pink",)),)))
    (warning,) = dataset.size_warnings(np.arange(300))
    assert warning.startswith("hair: pink is the only label, so there is nothing to choose")
    assert "anime-dcgan" in warning


@given(st.integers(2, 30), st.integers(0, 2**32))
def test_dataset_split_keeps_an_image_of_every_label_in_training(images: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    conditions = Conditions((OneHot("a", ("x", "y", "z")), OneHot("b", ("u", "v"))))
    choices = [
        conditions.encode({"a": rng.choice(["x", "y", "z"]), "b": rng.choice(["u", "v"])})
        for _ in range(images)
    ]
    keys = rng.integers(0, 2**64, images, dtype=np.uint64).tolist()
    dataset = labeled([c.astype(int).tolist() for c in choices], keys, conditions)
    train, held = dataset.split(0.5)
    assert sorted([*train, *held]) == list(range(images))
    present = dataset.vectors.max(axis=0)
    assert (dataset.vectors[train].max(axis=0) == present).all()
