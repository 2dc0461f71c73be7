"""Batches are a function of (seed, step), and show every image once an epoch."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganport_train.backend.device import random_stream
from ganport_train.config.recipe import Recipe
from ganport_train.data import Dataset
from ganport_train.engine.batch_source import BatchSource, Prefetcher

CPU = torch.device("cpu")


def feed(dataset: Dataset, recipe: Recipe, count: int = 130) -> BatchSource:
    return BatchSource(
        dataset.images,
        dataset.vectors,
        np.arange(count, dtype=np.int64),
        recipe,
        CPU,
    )


def noise(dataset: Dataset, recipe: Recipe, step: int) -> torch.Tensor:
    return feed(dataset, recipe).batch(step).noise((8,))


def test_batch_of_a_step_does_not_depend_on_earlier_calls(dataset: Dataset, recipe: Recipe) -> None:
    first, again = feed(dataset, recipe), feed(dataset, recipe)
    for step in (40, 3, 999):  # any order
        one, other = first.batch(step), again.batch(step)
        assert torch.equal(one.real, other.real)
        assert torch.equal(one.condition, other.condition)
        assert torch.equal(one.noise((8,)), other.noise((8,)))
        assert torch.equal(one.uniform(), other.uniform())


def test_batch_of_another_seed_or_step_differs(dataset: Dataset, recipe: Recipe) -> None:
    other = replace(recipe, training=replace(recipe.training, seed=1))
    assert not torch.equal(noise(dataset, recipe, 0), noise(dataset, other, 0))
    assert not torch.equal(noise(dataset, recipe, 0), noise(dataset, recipe, 1))
    assert not np.array_equal(feed(dataset, recipe).rows(0), feed(dataset, other).rows(0))


@pytest.mark.parametrize("count", [3, 8, 130])  # below, a multiple of, and above the batch of 4
def test_rows_of_an_epoch_contain_every_image_once(
    dataset: Dataset, recipe: Recipe, count: int
) -> None:
    source = feed(dataset, recipe, count)
    rows = np.concatenate([source.rows(step) for step in range(count)])
    epochs = rows.reshape(4, count)
    assert (np.sort(epochs, axis=1) == np.arange(count)).all()
    if count > 3:
        assert not np.array_equal(epochs[0], epochs[1])


def test_batch_images_are_the_data_set_in_range(dataset: Dataset, recipe: Recipe) -> None:
    still = replace(recipe, data=replace(recipe.data, mirror=False))
    source = feed(dataset, still)
    batch = source.batch(5)
    expected = dataset.images[source.rows(5)].astype(np.float32).transpose(0, 3, 1, 2) * 2 / 255 - 1
    np.testing.assert_allclose(batch.real.numpy(), expected, atol=1e-6)
    assert batch.real.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_array_equal(batch.condition.numpy(), dataset.vectors[source.rows(5)])


def test_batch_mirrors_about_half_of_the_images(dataset: Dataset, recipe: Recipe) -> None:
    still = replace(recipe, data=replace(recipe.data, mirror=False))
    mirrored = plain = 0
    for step in range(60):
        one, other = feed(dataset, recipe).batch(step).real, feed(dataset, still).batch(step).real
        for a, b in zip(one, other, strict=True):
            assert torch.equal(a, b) or torch.equal(a, b.flip(2))
            plain += torch.equal(a, b)
            mirrored += not torch.equal(a, b)
    assert mirrored / (mirrored + plain) == pytest.approx(0.5, abs=0.15)


def test_fixed_subset_is_evenly_spaced_and_not_mirrored(dataset: Dataset, recipe: Recipe) -> None:
    images, vectors = feed(dataset, recipe).fixed_subset(3)
    rows = [0, 130 // 3, 2 * 130 // 3]
    expected = dataset.images[rows].astype(np.float32).transpose(0, 3, 1, 2) * 2 / 255 - 1
    np.testing.assert_allclose(images.numpy(), expected, atol=1e-6)
    np.testing.assert_array_equal(vectors, dataset.vectors[rows])
    assert len(feed(dataset, recipe, 5).fixed_subset(9)[0]) == 5


def test_batch_with_prefetch_is_the_same_in_any_order(dataset: Dataset, recipe: Recipe) -> None:
    rows = np.arange(130, dtype=np.int64)
    plain = BatchSource(dataset.images, dataset.vectors, rows, recipe, CPU, prefetch=False)
    ahead = BatchSource(dataset.images, dataset.vectors, rows, recipe, CPU, prefetch=True)
    for step in (0, 1, 2, 40, 41, 7, 7, 0):  # across the end of an epoch, back, and the same again
        one, other = plain.batch(step), ahead.batch(step)
        assert torch.equal(one.real, other.real)
        assert torch.equal(one.condition, other.condition)
        assert torch.equal(one.noise((8,)), other.noise((8,)))


def test_streams_are_independent() -> None:
    draws = {
        tuple(random_stream(seed, stream, index).integers(2**62, size=2))
        for seed in range(3)
        for stream in range(3)
        for index in range(3)
    }
    assert len(draws) == 27


@settings(max_examples=30)
@given(st.lists(st.integers(0, 20), max_size=12))
def test_prefetcher_get_any_order_gives_the_value_of_the_step(steps: list[int]) -> None:
    prefetcher = Prefetcher(lambda step: step * step)
    assert [prefetcher.get(step) for step in steps] == [step * step for step in steps]


def test_prefetcher_get_starts_the_next_step() -> None:
    started = threading.Event()
    prefetcher = Prefetcher(lambda step: started.set() if step == 4 else None)
    prefetcher.get(3)
    assert started.wait(timeout=10)


def test_prefetcher_get_in_order_computes_each_step_once_in_one_thread() -> None:
    calls: list[tuple[int, int]] = []
    prefetcher = Prefetcher(lambda step: calls.append((step, threading.get_ident())))
    for step in range(6):
        prefetcher.get(step)
    assert [step for step, _ in calls][:6] == list(range(6))
    assert len({thread for _, thread in calls} - {threading.get_ident()}) == 1


def test_prefetcher_get_raises_the_error_of_its_step() -> None:
    prefetcher = Prefetcher(lambda step: 1 // (step - 2))
    assert prefetcher.get(1) == -1
    with pytest.raises(ZeroDivisionError):
        prefetcher.get(2)
    assert prefetcher.get(3) == 1
