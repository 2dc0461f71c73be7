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
REQUESTS = st.sampled_from([PINK, "black hair", {}, {"hair": {"pink": 0.5, "dark red": 0.5}}])
ASKED = st.fixed_dictionaries(
    {"conditions": REQUESTS, "seed": st.integers(0, 2**64 - 1), "count": st.integers(1, 50)},
    optional={"temperature": st.sampled_from([0.5, 1.0, 2.0])},
)


@given(plan=st.lists(ASKED, min_size=1, max_size=12), max_batch=st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_same_seed_same_bytes_with_whomever_it_is_drawn(
    generator: Generator, plan: list[dict[str, Any]], max_batch: int
) -> None:
    with Batcher(generator, max_batch=max_batch) as batcher:
        futures = [batcher.submit(**asked) for asked in plan]
        for asked, future in zip(plan, futures, strict=True):
            assert future.result().images.tobytes() == generator.generate(**asked).tobytes()


def test_what_comes_back(generator: Generator) -> None:
    begun = monotonic()
    with Batcher(generator) as batcher:
        drawn = batcher.submit(PINK, seed=7, count=40).result()
    assert drawn.images.shape == (40, 8, 8, 3)
    assert drawn.images.dtype == np.uint8
    assert list(drawn.seeds) == list(range(7, 47))
    assert drawn.device == "cpu"
    assert drawn.queued >= 0
    assert drawn.computed > 0
    assert drawn.queued + drawn.computed <= monotonic() - begun


def test_a_list_of_requests_seeds_and_noise(generator: Generator) -> None:
    z = generator.noise([3, 9])
    with Batcher(generator) as batcher:
        many = batcher.submit([PINK, {}], seeds=[3, 9]).result()
        given_noise = batcher.submit([PINK, {}], z=z).result()
    assert np.array_equal(many.images, generator.generate([PINK, {}], seeds=[3, 9]))
    assert np.array_equal(given_noise.images, many.images)
    assert list(given_noise.seeds) == []


def test_without_a_seed_one_is_drawn_and_told(generator: Generator) -> None:
    with Batcher(generator) as batcher:
        drawn = batcher.submit(PINK, count=2).result()
    assert np.array_equal(drawn.images, generator.generate(PINK, seeds=drawn.seeds))


def test_jobs_of_translations(data: Path) -> None:
    translator = Generator.load(data / "tiny-translator.ganport", device="cpu")
    pictures = np.arange(3 * 8 * 8 * 3, dtype=np.uint8).reshape(3, 8, 8, 3)
    with Batcher(translator, max_batch=2) as batcher:
        drawn = batcher.submit_job(translator.translation_job(pictures)).result()
    assert np.array_equal(drawn.images, translator.translate(pictures))


def test_a_lone_request_waits_for_nobody_and_those_that_come_meanwhile_go_together(
    held: Any,
) -> None:
    with Batcher(held) as batcher:
        held.gate.clear()
        lone = batcher.submit(PINK, seed=1)
        held.until_running()
        others = [batcher.submit(PINK, seed=seed, count=2) for seed in range(5)]
        held.gate.set()
        assert [len(each.result().images) for each in (lone, *others)] == [1, 2, 2, 2, 2, 2]
    assert [sum(number for _, number in run) for run in held.runs] == [1, 10]


def test_a_picture_is_not_behind_a_thousand(held: Any) -> None:
    with Batcher(held, max_batch=16) as batcher:
        held.gate.clear()
        thousand = batcher.submit(PINK, seed=0, count=1000)
        held.until_running()
        lone = held.job(PINK, seed=5)
        future = batcher.submit_job(lone)
        held.gate.set()
        assert np.array_equal(future.result().images, held.generate(PINK, seed=5))
        assert np.array_equal(thousand.result().images, held.generate(PINK, seed=0, count=1000))
    assert (lone, 1) in held.runs[1]
    assert len(held.runs) == 63


def test_pictures_are_the_callers_own(held: Any) -> None:
    with Batcher(held) as batcher:
        held.gate.clear()
        batcher.submit(PINK, seed=1)
        held.until_running()
        first, second = batcher.submit(PINK, seed=2), batcher.submit(PINK, seed=3)
        held.gate.set()
        # Nor does one picture that is kept hold the memory of all that were drawn with it.
        assert not isinstance(first.result().images.base, np.ndarray)
        first.result().images[:] = 0
        assert np.array_equal(second.result().images, held.generate(PINK, seed=3))


def test_many_threads(generator: Generator) -> None:
    with Batcher(generator) as batcher, ThreadPoolExecutor(32) as threads:
        results = list(
            threads.map(lambda seed: batcher.submit(PINK, seed=seed).result(), range(300))
        )
        stats = batcher.stats()
    expected = generator.generate(PINK, seed=0, count=300)
    assert np.array_equal(np.concatenate([drawn.images for drawn in results]), expected)
    assert (stats.requests, stats.images, stats.queued_images) == (300, 300, 0)
    assert sum(size * runs for size, runs in stats.batch_sizes.items()) == 300
    assert sum(stats.batch_sizes.values()) == stats.batches


def test_bad_requests_are_refused_before_they_wait(generator: Generator) -> None:
    with Batcher(generator) as batcher:
        with pytest.raises(ConditionError, match="Did you mean 'pink'"):
            batcher.submit({"hair": "pinkk"})
        with pytest.raises(RequestError, match="count"):
            batcher.submit(PINK, count=0)
        with pytest.raises(RequestError, match="seconds, 0 or more; found 'soon'"):
            batcher.submit(PINK, timeout="soon")  # type: ignore[arg-type]
        assert batcher.stats().requests == 0


@pytest.mark.parametrize("timeout", [-1, float("nan"), True, 10**400])
def test_times_that_are_none(generator: Generator, timeout: float) -> None:
    with Batcher(generator) as batcher, pytest.raises(RequestError, match=r"timeout.*seconds"):
        batcher.submit(PINK, timeout=timeout)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"max_batch": 0}, "max_batch: expected an integer from 1 to 64"),
        ({"max_batch": 65}, "max_batch"),
        ({"max_queue": 0}, "max_queue"),
        ({"stuck_after": "never"}, "stuck_after"),
    ],
)
def test_sizes_that_are_none(generator: Generator, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        Batcher(generator, **asked)


def test_it_runs_what_the_device_does_best_unless_told(generator: Generator) -> None:
    with Batcher(generator) as batcher:
        assert batcher.max_batch == generator.best_batch
        assert batcher.healthy()


def test_closing_draws_what_waits_and_takes_no_more(held: Any) -> None:
    batcher = Batcher(held, max_batch=4)
    held.gate.clear()
    futures = [batcher.submit(PINK, seed=seed, count=3) for seed in range(8)]
    threading.Timer(0.05, held.gate.set).start()
    batcher.close()
    assert all(len(future.result(0).images) == 3 for future in futures)
    assert not batcher.healthy()
    with pytest.raises(ClosedError, match=r"batcher: .* found one that was closed\. Make a new"):
        batcher.submit(PINK)
    batcher.close()


def test_closing_in_a_given_time_gives_the_rest_up(held: Any) -> None:
    batcher = Batcher(held, max_batch=4)
    held.gate.clear()
    futures = [batcher.submit(PINK, seed=seed, count=3) for seed in range(8)]
    batcher.close(timeout=0.05)
    for future in futures:
        with pytest.raises(ClosedError, match="before it had drawn everything"):
            future.result(0)
    assert batcher.stats().failed == 8


def test_closing_from_a_callback(generator: Generator) -> None:
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


def test_one_that_is_forgotten_draws_what_it_was_asked_and_ends(data: Path) -> None:
    generator = Generator(Bundle.open(data / "tiny.ganport"), "cpu")
    before = batcher_threads()
    future = Batcher(generator).submit(PINK, seed=7, count=100)
    assert len(future.result(30).images) == 100
    end = monotonic() + 30
    while batcher_threads() - before and monotonic() < end:
        sleep(0.005)
    assert batcher_threads() <= before
