"""Failing runs, dead workers, stalled runs, forked processes and program exit."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from time import monotonic, sleep
from typing import Any

import numpy as np
import pytest

from ganport_runtime import Batcher, BundleError, ClosedError, GanportError
from ganport_runtime.batching.queue import PendingRequest

PINK = {"hair": "pink"}


def eventually(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    end = monotonic() + seconds
    while not condition() and monotonic() < end:
        sleep(0.005)
    return condition()


def bundle_error(found: str = "no memory") -> BundleError:
    return BundleError("graph", "a graph that runs", found, "Try again.")


def test_run_after_a_failed_run_succeeds(blocking: Any) -> None:
    """An exception must not end the worker (infinity #242)."""
    bad = blocking.prepare(PINK, seed=1)
    blocking.failures[bad] = RuntimeError("foreign error")
    with Batcher(blocking) as batcher:
        with pytest.raises(RuntimeError, match="foreign error"):
            batcher.submit_request(bad).result(30)
        result = batcher.submit(PINK, seed=2).result(30)
        assert np.array_equal(result.images, blocking.generate(PINK, seed=2))
        assert batcher.healthy()
        assert (batcher.stats().failed, batcher.stats().requests) == (1, 2)


def test_shared_run_failing_request_fails_alone(blocking: Any) -> None:
    requests = [blocking.prepare(PINK, seed=seed, count=2) for seed in range(5)]
    blocking.failures[requests[2]] = bundle_error()
    with Batcher(blocking, max_batch=16) as batcher:
        blocking.gate.clear()
        first = batcher.submit(PINK)
        blocking.wait_for_runs()
        futures = [batcher.submit_request(request) for request in requests]
        blocking.gate.set()
        first.result(30)
        with pytest.raises(BundleError, match="no memory"):
            futures[2].result(30)
        for seed in (0, 1, 3, 4):
            expected = blocking.generate(PINK, seed=seed, count=2)
            assert np.array_equal(futures[seed].result(30).images, expected)
        assert batcher.stats().failed == 1
    assert [len(run) for run in blocking.runs] == [1, 5, 1, 1, 1, 1, 1]


def test_failing_request_of_several_runs_fails_once_and_leaves_the_queue(blocking: Any) -> None:
    bad = blocking.prepare(PINK, seed=0, count=40)
    blocking.failures[bad] = bundle_error()
    with Batcher(blocking, max_batch=4) as batcher:
        with pytest.raises(BundleError):
            batcher.submit_request(bad).result(30)
        batcher.submit(PINK).result(30)
        assert batcher.stats().failed == 1
    assert len(blocking.runs) == 2


def test_shared_run_all_requests_fail_with_their_own_errors(blocking: Any) -> None:
    requests = [blocking.prepare(PINK, seed=seed) for seed in range(3)]
    blocking.failures |= {
        request: bundle_error(f"fault {index}") for index, request in enumerate(requests)
    }
    with Batcher(blocking) as batcher:
        blocking.gate.clear()
        batcher.submit(PINK)
        blocking.wait_for_runs()
        futures = [batcher.submit_request(request) for request in requests]
        blocking.gate.set()
        errors = [str(future.exception(30)) for future in futures]
    assert all(f"fault {index}" in error for index, error in enumerate(errors))


def test_shared_run_canceled_request_is_not_retried(blocking: Any) -> None:
    bad, patient, canceled = (blocking.prepare(PINK, seed=seed) for seed in range(3))
    blocking.failures[bad] = bundle_error()
    with Batcher(blocking) as batcher:
        blocking.gate.clear()
        batcher.submit(PINK)
        blocking.wait_for_runs()
        futures = [batcher.submit_request(request) for request in (bad, patient, canceled)]
        futures[0].add_done_callback(lambda _: futures[2].cancel())
        blocking.gate.set()
        assert len(futures[1].result(30).images) == 1
        assert futures[2].cancelled()
    retries = [[(bad, 1), (patient, 1), (canceled, 1)], [(bad, 1)], [(patient, 1)]]
    assert blocking.runs[1:] == retries


def test_result_out_of_memory_fails_its_own_request(
    blocking: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = PendingRequest.store

    def fail_for_seven(request: PendingRequest, *arguments: Any) -> bool:
        if request.count == 7:
            raise MemoryError("no space")
        return store(request, *arguments)

    monkeypatch.setattr(PendingRequest, "store", fail_for_seven)
    with Batcher(blocking, max_batch=4) as batcher:
        with pytest.raises(MemoryError, match="no space"):
            batcher.submit(PINK, count=7).result(30)
        assert len(batcher.submit(PINK, count=6).result(30).images) == 6


def test_dead_worker_fails_all_requests_with_its_error(blocking: Any) -> None:
    last = blocking.prepare(PINK, seed=1)
    blocking.failures[last] = SystemExit(3)
    batcher = Batcher(blocking, max_batch=2)
    blocking.gate.clear()
    futures = [batcher.submit_request(last), *(batcher.submit(PINK) for _ in range(4))]
    assert batcher.healthy()
    blocking.gate.set()
    for future in futures:
        with pytest.raises(ClosedError, match=r"SystemExit\(3\)"):
            future.result(30)
    assert isinstance(futures[0].exception().__cause__, SystemExit)
    assert eventually(lambda: not batcher.healthy())
    with pytest.raises(ClosedError, match="SystemExit"):
        batcher.submit(PINK)
    batcher.close()


def test_healthy_stalled_run_returns_false_until_it_ends(blocking: Any) -> None:
    with Batcher(blocking, stall_timeout=0.05) as batcher:
        blocking.gate.clear()
        future = batcher.submit(PINK)
        blocking.wait_for_runs()
        assert eventually(lambda: not batcher.healthy())
        blocking.gate.set()
        future.result(30)
        assert eventually(batcher.healthy)


def test_submit_from_a_callback_succeeds(blocking: Any) -> None:
    with Batcher(blocking) as batcher, ThreadPoolExecutor(1) as threads:
        more: list[Any] = []
        future = batcher.submit(PINK, seed=1)
        future.add_done_callback(lambda _: more.append(batcher.submit(PINK, seed=2)))
        assert threads.submit(future.result, 30).result(30)
        assert eventually(lambda: bool(more))
        assert len(more[0].result(30).images) == 1


def run_python(script: str, data: Path) -> tuple[int, str, str]:
    """Run a script in a new interpreter that must end within a minute."""
    process = subprocess.run(
        [sys.executable, "-c", script, str(data / "tiny.ganport")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    return process.returncode, process.stdout, process.stderr


START = """
import os, sys
from ganport_runtime import Batcher, ClosedError, Generator
batcher = Batcher(Generator.load(sys.argv[1], device="cpu"), max_queue=2**20)
"""


def test_program_exit_waits_for_the_run_and_drops_the_queue(data: Path) -> None:
    script = """
future = batcher.submit(count=2**20 - 1)
print(len(batcher.submit().result().images))
"""
    assert run_python(START + script, data) == (0, "1\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_forked_child_is_unhealthy_and_rejects_requests(data: Path) -> None:
    script = """
batcher.submit().result()
if os.fork() == 0:
    print(batcher.healthy(), flush=True)
    try:
        batcher.submit()
    except ClosedError as error:
        print("forked" in error.found, flush=True)
    batcher.close()
    os._exit(0)  # as multiprocessing does; onnxruntime blocks any other exit of a child
print(os.waitpid(-1, 0)[1], len(batcher.submit().result().images))
batcher.close()
"""
    assert run_python(START + script, data) == (0, "False\nTrue\n0 1\n", "")


def test_concurrent_callers_each_request_ends_once(blocking: Any) -> None:
    """Callers cancel, time out, are rejected or submit a failing request at the same time."""
    bad = blocking.prepare(PINK, count=3)
    blocking.failures[bad] = bundle_error()

    def call(number: int) -> str:
        random = Random(number)
        request = (
            bad if random.random() < 0.1 else blocking.prepare(PINK, count=random.randint(1, 12))
        )
        try:
            future = batcher.submit_request(request, random.choice([None, 0.002, 5.0]))
            if random.random() < 0.2 and future.cancel():
                return "canceled"
            return "complete" if len(future.result(30).images) == len(request) else "incomplete"
        except GanportError as error:
            return type(error).__name__

    with Batcher(blocking, max_batch=8, max_queue=60) as batcher, ThreadPoolExecutor(16) as pool:
        ends = Counter(pool.map(call, range(1200)))
        stats = batcher.stats()
    assert ends["incomplete"] == 0
    assert ends["complete"] > 0
    assert ends["BundleError"] == stats.failed > 0
    assert ends["DeadlineError"] == stats.expired
    assert ends["canceled"] == stats.cancelled > 0
    assert ends["QueueFullError"] == stats.rejected
    assert stats.requests == 1200 - stats.rejected
    assert stats.queued_images == 0
