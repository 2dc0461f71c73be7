"""Results of a batcher, its arguments and its end."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganport_runtime import Batcher, ClosedError, ConditionError, Generator, RequestError
from ganport_runtime.bundle import Bundle

PINK = {"hair": "pink", "eyes": "green"}
CONDITIONS = st.sampled_from([PINK, "black hair", {}, {"hair": {"pink": 0.5, "dark red": 0.5}}])
ARGUMENTS = st.fixed_dictionaries(
    {"conditions": CONDITIONS, "seed": st.integers(0, 2**64 - 1), "count": st.integers(1, 50)},
    optional={"temperature": st.sampled_from([0.5, 1.0, 2.0])},
)


@given(requests=st.lists(ARGUMENTS, min_size=1, max_size=12), max_batch=st.integers(1, 20))
@settings(max_examples=40)
def test_submit_shared_runs_return_the_bytes_of_generate(
    generator: Generator, requests: list[dict[str, Any]], max_batch: int
) -> None:
    with Batcher(generator, max_batch=max_batch) as batcher:
        futures = [batcher.submit(**arguments) for arguments in requests]
        for arguments, future in zip(requests, futures, strict=True):
            assert future.result().images.tobytes() == generator.generate(**arguments).tobytes()


def test_result_has_images_seeds_device_and_times(generator: Generator) -> None:
    started = monotonic()
    with Batcher(generator) as batcher:
        result = batcher.submit(PINK, seed=7, count=40).result()
    assert result.images.shape == (40, 8, 8, 3)
    assert result.images.dtype == np.uint8
    assert list(result.seeds) == list(range(7, 47))
    assert result.device == "cpu"
    assert result.queue_seconds >= 0
    assert result.compute_seconds > 0
    assert result.queue_seconds + result.compute_seconds <= monotonic() - started


def test_submit_lists_of_conditions_seeds_and_noise(generator: Generator) -> None:
    z = generator.noise([3, 9])
    with Batcher(generator) as batcher:
        from_seeds = batcher.submit([PINK, {}], seeds=[3, 9]).result()
        from_noise = batcher.submit([PINK, {}], z=z).result()
    assert np.array_equal(from_seeds.images, generator.generate([PINK, {}], seeds=[3, 9]))
    assert np.array_equal(from_noise.images, from_seeds.images)
    assert list(from_noise.seeds) == []


def test_submit_without_seed_reports_the_random_seeds(generator: Generator) -> None:
    with Batcher(generator) as batcher:
        result = batcher.submit(PINK, count=2).result()
    assert np.array_equal(result.images, generator.generate(PINK, seeds=result.seeds))


def test_submit_request_translation_returns_the_images_of_translate(data: Path) -> None:
    translator = Generator.load(data / "tiny-translator.ganport", device="cpu")
    images = np.arange(3 * 8 * 8 * 3, dtype=np.uint8).reshape(3, 8, 8, 3)
    with Batcher(translator, max_batch=2) as batcher:
        result = batcher.submit_request(translator.prepare_translation(images)).result()
    assert np.array_equal(result.images, translator.translate(images))


def test_submit_single_request_runs_at_once_and_later_ones_share_a_run(blocking: Any) -> None:
    with Batcher(blocking) as batcher:
        blocking.gate.clear()
        single = batcher.submit(PINK, seed=1)
        blocking.wait_for_runs()
        later = [batcher.submit(PINK, seed=seed, count=2) for seed in range(5)]
        blocking.gate.set()
        assert [len(future.result().images) for future in (single, *later)] == [1, 2, 2, 2, 2, 2]
    assert [sum(number for _, number in run) for run in blocking.runs] == [1, 10]


def test_submit_single_image_shares_the_next_run_of_a_large_request(blocking: Any) -> None:
    with Batcher(blocking, max_batch=16) as batcher:
        blocking.gate.clear()
        large = batcher.submit(PINK, seed=0, count=1000)
        blocking.wait_for_runs()
        single = blocking.prepare(PINK, seed=5)
        future = batcher.submit_request(single)
        blocking.gate.set()
        assert np.array_equal(future.result().images, blocking.generate(PINK, seed=5))
        expected = blocking.generate(PINK, seed=0, count=1000)
        assert np.array_equal(large.result().images, expected)
    assert (single, 1) in blocking.runs[1]
    assert len(blocking.runs) == 63


def test_result_images_share_no_memory_with_other_requests(blocking: Any) -> None:
    with Batcher(blocking) as batcher:
        blocking.gate.clear()
        batcher.submit(PINK, seed=1)
        blocking.wait_for_runs()
        first, second = batcher.submit(PINK, seed=2), batcher.submit(PINK, seed=3)
        blocking.gate.set()
        # A view would keep the memory of the whole run alive.
        assert not isinstance(first.result().images.base, np.ndarray)
        first.result().images[:] = 0
        assert np.array_equal(second.result().images, blocking.generate(PINK, seed=3))


def test_submit_many_threads_returns_every_image_once(generator: Generator) -> None:
    with Batcher(generator) as batcher, ThreadPoolExecutor(32) as threads:
        results = list(
            threads.map(lambda seed: batcher.submit(PINK, seed=seed).result(), range(300))
        )
        stats = batcher.stats()
    expected = generator.generate(PINK, seed=0, count=300)
    assert np.array_equal(np.concatenate([result.images for result in results]), expected)
    assert (stats.requests, stats.images, stats.queued_images) == (300, 300, 0)
    assert sum(size * runs for size, runs in stats.batch_sizes.items()) == 300
    assert sum(stats.batch_sizes.values()) == stats.batches


def test_submit_invalid_request_raises_before_it_waits(generator: Generator) -> None:
    with Batcher(generator) as batcher:
        with pytest.raises(ConditionError, match="pink"):
            batcher.submit({"hair": "pinkk"})
        with pytest.raises(RequestError, match="count"):
            batcher.submit(PINK, count=0)
        assert batcher.stats().requests == 0


@pytest.mark.parametrize("timeout", ["soon", -1, float("nan"), True, 10**400])
def test_submit_invalid_timeout_raises_request_error(generator: Generator, timeout: float) -> None:
    with Batcher(generator) as batcher, pytest.raises(RequestError) as caught:
        batcher.submit(PINK, timeout=timeout)
    assert caught.value.place == "timeout"


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_batch", 0), ("max_batch", 65), ("max_queue", 0), ("stall_timeout", "never")],
)
def test_batcher_invalid_argument_raises_request_error(
    generator: Generator, name: str, value: Any
) -> None:
    with pytest.raises(RequestError) as caught:
        Batcher(generator, **{name: value})
    assert caught.value.place == name


def test_batcher_default_max_batch_is_the_preferred_batch_size(generator: Generator) -> None:
    with Batcher(generator) as batcher:
        assert batcher.max_batch == generator.preferred_batch_size
        assert batcher.healthy()


def test_close_completes_waiting_requests_and_rejects_new_ones(blocking: Any) -> None:
    batcher = Batcher(blocking, max_batch=4)
    blocking.gate.clear()
    futures = [batcher.submit(PINK, seed=seed, count=3) for seed in range(8)]
    threading.Timer(0.05, blocking.gate.set).start()
    batcher.close()
    assert all(len(future.result(0).images) == 3 for future in futures)
    assert not batcher.healthy()
    with pytest.raises(ClosedError) as caught:
        batcher.submit(PINK)
    assert caught.value.place == "batcher"
    batcher.close()


def test_close_with_timeout_fails_the_remaining_requests(blocking: Any) -> None:
    batcher = Batcher(blocking, max_batch=4)
    blocking.gate.clear()
    futures = [batcher.submit(PINK, seed=seed, count=3) for seed in range(8)]
    batcher.close(timeout=0.05)
    assert all(isinstance(future.exception(0), ClosedError) for future in futures)
    assert batcher.stats().failed == 8


def test_close_from_a_callback_returns(generator: Generator) -> None:
    batcher = Batcher(generator)
    closed = threading.Event()
    future = batcher.submit(PINK, seed=1)
    future.add_done_callback(lambda _: (batcher.close(), closed.set()))
    assert closed.wait(30)
    batcher.close()
    assert not batcher.healthy()


def batcher_threads() -> set[threading.Thread]:
    names = ("ganport-batcher", "ganport-deadlines")
    return {thread for thread in threading.enumerate() if thread.name in names}


def test_garbage_collected_batcher_completes_its_requests_and_ends(data: Path) -> None:
    generator = Generator(Bundle.open(data / "tiny.ganport"), "cpu")
    before = batcher_threads()
    future = Batcher(generator).submit(PINK, seed=7, count=100)
    assert len(future.result(30).images) == 100
    end = monotonic() + 30
    while batcher_threads() - before and monotonic() < end:
        sleep(0.005)
    assert batcher_threads() <= before


@pytest.mark.parametrize("value", ["starter", None, 3])
def test_batcher_of_no_generator_is_a_request_error(value: Any) -> None:
    with pytest.raises(RequestError, match=r"Generator\.load"):
        Batcher(value)
