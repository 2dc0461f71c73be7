"""Runs that fail, workers that end, runs that do not, processes that fork and programs that end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from time import monotonic, sleep
from typing import Any

import numpy as np
import pytest

from ganport_runtime import Batcher, BundleError, ClosedError, GanportError
from ganport_runtime.batching.pending import Ticket

PINK = {"hair": "pink"}


def eventually(condition: Callable[[], bool], seconds: float = 1.0) -> bool:
    end = monotonic() + seconds
    while not condition() and monotonic() < end:
        sleep(0.005)
    return condition()


def fault(text: str = "no memory") -> BundleError:
    return BundleError("graph", expected="a graph that runs", found=text, fix="Try again.")


def test_the_run_after_one_that_failed_is_drawn(held: Any) -> None:
    """infinity #242: an exception ended the worker, and every later request waited for ever."""
    bad = held.job(PINK, seed=1)
    held.faults[bad] = RuntimeError("not ours")
    with Batcher(held) as batcher:
        with pytest.raises(RuntimeError, match="not ours"):
            batcher.submit_job(bad).result(30)
        assert np.array_equal(
            batcher.submit(PINK, seed=2).result(30).images, held.generate(PINK, seed=2)
        )
        assert batcher.healthy()
        assert (batcher.stats().failed, batcher.stats().requests) == (1, 2)


def test_only_the_guilty_fails_of_those_drawn_together(held: Any) -> None:
    jobs = [held.job(PINK, seed=seed, count=2) for seed in range(5)]
    held.faults[jobs[2]] = fault()
    with Batcher(held, max_batch=16) as batcher:
        held.gate.clear()
        first = batcher.submit(PINK)
        held.until_running()
        futures = [batcher.submit_job(job) for job in jobs]
        held.gate.set()
        first.result(30)
        with pytest.raises(BundleError, match="no memory"):
            futures[2].result(30)
        for seed in (0, 1, 3, 4):
            expected = held.generate(PINK, seed=seed, count=2)
            assert np.array_equal(futures[seed].result(30).images, expected)
        assert batcher.stats().failed == 1
    assert [len(run) for run in held.runs] == [1, 5, 1, 1, 1, 1, 1]


def test_a_request_of_several_runs_fails_once_and_leaves_the_queue(held: Any) -> None:
    bad = held.job(PINK, seed=0, count=40)
    held.faults[bad] = fault()
    with Batcher(held, max_batch=4) as batcher:
        with pytest.raises(BundleError):
            batcher.submit_job(bad).result(30)
        batcher.submit(PINK).result(30)
        assert batcher.stats().failed == 1
    assert len(held.runs) == 2


def test_when_all_fail_each_has_an_error_of_its_own(held: Any) -> None:
    jobs = [held.job(PINK, seed=seed) for seed in range(3)]
    held.faults |= {job: fault(f"fault {index}") for index, job in enumerate(jobs)}
    with Batcher(held) as batcher:
        held.gate.clear()
        batcher.submit(PINK)
        held.until_running()
        futures = [batcher.submit_job(job) for job in jobs]
        held.gate.set()
        errors = [str(future.exception(30)) for future in futures]
    assert all(f"fault {index}" in error for index, error in enumerate(errors))


def test_who_gives_up_meanwhile_is_not_drawn_again(held: Any) -> None:
    bad, patient, hasty = (held.job(PINK, seed=seed) for seed in range(3))
    held.faults[bad] = fault()
    with Batcher(held) as batcher:
        held.gate.clear()
        batcher.submit(PINK)
        held.until_running()
        futures = [batcher.submit_job(job) for job in (bad, patient, hasty)]
        futures[0].add_done_callback(lambda _: futures[2].cancel())
        held.gate.set()
        assert len(futures[1].result(30).images) == 1
        assert futures[2].cancelled()
    assert held.runs[1:] == [[(bad, 1), (patient, 1), (hasty, 1)], [(bad, 1)], [(patient, 1)]]


def test_a_result_too_large_to_keep_fails_its_own_request(
    held: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = Ticket.keep

    def no_room(ticket: Ticket, *arguments: Any) -> bool:
        if ticket.count == 7:
            raise MemoryError("no room")
        return keep(ticket, *arguments)

    monkeypatch.setattr(Ticket, "keep", no_room)
    with Batcher(held, max_batch=4) as batcher:
        with pytest.raises(MemoryError, match="no room"):
            batcher.submit(PINK, count=7).result(30)
        assert len(batcher.submit(PINK, count=6).result(30).images) == 6


def test_a_worker_that_ends_is_told_at_once_and_nobody_waits_for_it(held: Any) -> None:
    last = held.job(PINK, seed=1)
    held.faults[last] = SystemExit(3)
    batcher = Batcher(held, max_batch=2)
    held.gate.clear()
    futures = [batcher.submit_job(last), *(batcher.submit(PINK) for _ in range(4))]
    assert batcher.healthy()
    held.gate.set()
    for future in futures:
        with pytest.raises(ClosedError, match=r"one whose worker ended with SystemExit\(3\)"):
            future.result(30)
    assert isinstance(futures[0].exception().__cause__, SystemExit)
    assert eventually(lambda: not batcher.healthy())
    with pytest.raises(ClosedError, match="SystemExit"):
        batcher.submit(PINK)
    batcher.close()


def test_a_run_that_does_not_end_makes_it_unhealthy(held: Any) -> None:
    with Batcher(held, stuck_after=0.05) as batcher:
        held.gate.clear()
        future = batcher.submit(PINK)
        held.until_running()
        assert eventually(lambda: not batcher.healthy())
        held.gate.set()
        future.result(30)
        assert eventually(batcher.healthy)


def test_a_callback_may_ask_for_more(held: Any) -> None:
    with Batcher(held) as batcher, ThreadPoolExecutor(1) as threads:
        more: list[Any] = []
        future = batcher.submit(PINK, seed=1)
        future.add_done_callback(lambda _: more.append(batcher.submit(PINK, seed=2)))
        assert threads.submit(future.result, 30).result(30)
        assert eventually(lambda: bool(more))
        assert len(more[0].result(30).images) == 1


def python(script: str, data: Any) -> subprocess.CompletedProcess[str]:
    """The script in an interpreter of its own, which may take ten seconds to end."""
    return subprocess.run(
        [sys.executable, "-c", script, str(data / "tiny.ganport")],
        capture_output=True,
        text=True,
        timeout=10,
    )


START = """
import os, sys
from ganport_runtime import Batcher, ClosedError, Generator
batcher = Batcher(Generator.load(sys.argv[1], device="cpu"), max_queue=2**20)
"""


def test_a_program_that_ends_waits_for_the_run_but_not_for_the_queue(data: Any) -> None:
    waiting = (
        "future = batcher.submit(count=2**20 - 1)\nprint(len(batcher.submit().result().images))"
    )
    ended = python(START + waiting, data)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "1\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system that does not fork")
def test_a_fork_is_told_that_nobody_draws_there(data: Any) -> None:
    child = """
batcher.submit().result()
if os.fork() == 0:
    print(batcher.healthy(), flush=True)
    try:
        batcher.submit()
    except ClosedError as error:
        print(error.found, flush=True)
    batcher.close()
    os._exit(0)  # as multiprocessing does; onnxruntime hangs a child that ends otherwise
print(os.waitpid(-1, 0)[1], len(batcher.submit().result().images))
batcher.close()
"""
    ended = python(START + child, data)
    expected = "False\none made before this process was forked\n0 1\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, expected, "")


def test_every_request_has_one_end_whatever_happens(held: Any) -> None:
    """Callers that give up, time out, are refused or hold a bad job, all at once."""
    bad = held.job(PINK, count=3)
    held.faults[bad] = fault()

    def ask(number: int) -> str:
        chance = Random(number)
        job = bad if chance.random() < 0.1 else held.job(PINK, count=chance.randint(1, 12))
        try:
            future = batcher.submit_job(job, chance.choice([None, 0.002, 5.0]))
            if chance.random() < 0.2 and future.cancel():
                return "cancelled"
            return "drawn" if len(future.result(30).images) == len(job) else "short"
        except GanportError as error:
            return type(error).__name__

    with Batcher(held, max_batch=8, max_queue=60) as batcher, ThreadPoolExecutor(16) as threads:
        ends = Counter(threads.map(ask, range(1200)))
        stats = batcher.stats()
    assert ends["short"] == 0
    assert ends["drawn"] > 0
    assert ends["BundleError"] == stats.failed > 0
    assert ends["DeadlineError"] == stats.expired
    assert ends["cancelled"] == stats.cancelled > 0
    assert ends["QueueFullError"] == stats.rejected
    assert stats.requests == 1200 - stats.rejected
    assert stats.queued_images == 0
