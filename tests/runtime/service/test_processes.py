"""Worker processes, in an interpreter of its own because it handles signals; helper processes."""

import asyncio
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from ganport_runtime.errors import RequestError
from ganport_runtime.service.processes import HelperPool

FOLDER = Path(__file__).parent
START = """
import multiprocessing, os, signal, sys, threading, time
from functools import partial
from ganport_runtime.errors import GanportError
from ganport_runtime.service.processes import supervise
import stub_workers

def terminate_when(condition):
    def watch():
        while not condition():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
"""


def run_script(script: str) -> subprocess.CompletedProcess[str]:
    source = START + textwrap.dedent(script)
    command = [sys.executable, "-W", "error", "-c", source]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=FOLDER)


def test_supervise_sigterm_ends_all_workers_and_restores_handlers() -> None:
    process = run_script(
        """
        before = signal.getsignal(signal.SIGTERM)
        terminate_when(lambda: len(multiprocessing.active_children()) == 2)
        supervise(stub_workers.serve, 2)
        assert not multiprocessing.active_children()
        assert signal.getsignal(signal.SIGTERM) is before
        print("ended")
        """
    )
    assert (process.returncode, process.stdout, process.stderr) == (0, "ended\n", "")


def test_supervise_workers_that_never_serve_raise_with_their_exit_code() -> None:
    process = run_script(
        """
        try:
            supervise(partial(stub_workers.fail, code=7), 2)
        except GanportError as error:
            print(error.place, "code 7" in error.found)
        """
    )
    assert (process.returncode, process.stdout) == (0, "--workers True\n"), process.stderr


def test_supervise_killed_workers_are_replaced_with_growing_delays(tmp_path: Path) -> None:
    # Each worker leaves a file with its process ID; three of them are killed once they serve.
    process = run_script(
        f"""
        folder = {str(tmp_path)!r}
        times = []

        def kill_thrice():
            for _ in range(3):
                while not (names := os.listdir(folder)):
                    time.sleep(0.01)
                os.remove(os.path.join(folder, names[0]))
                times.append(time.monotonic())
                os.kill(int(names[0]), signal.SIGKILL)
            return True

        terminate_when(kill_thrice)
        supervise(partial(stub_workers.serve, folder=folder), 1)
        first, second = times[1] - times[0], times[2] - times[1]
        print(len(times), first > 0.5, second > 1.0)
        """
    )
    assert (process.returncode, process.stdout) == (0, "3 True True\n"), process.stderr
    assert process.stderr.count("warning: ") >= 2


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return `stub_workers` as helpers import it."""
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.setenv("PYTHONPATH", str(FOLDER))
    return import_module("stub_workers")


@pytest.fixture
def helpers(functions: ModuleType) -> Iterator[HelperPool]:
    pool = HelperPool(1, 512 << 20)
    yield pool
    pool.close()


def test_helper_returns_the_result_and_is_used_again(
    helpers: HelperPool, functions: ModuleType
) -> None:
    async def main() -> tuple[int, int, int]:
        first = await helpers.run(int, functions.process_id, b"")
        result = await helpers.run(int, functions.length, memoryview(b"abc"), 2)
        return result, first, await helpers.run(int, functions.process_id, b"")

    result, first, second = asyncio.run(main())
    assert result == 6
    assert first == second != os.getpid()


def test_helper_of_a_canceled_call_is_killed(helpers: HelperPool, functions: ModuleType) -> None:
    async def main() -> int:
        process_id = await helpers.run(int, functions.process_id, b"")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await helpers.run(int, functions.sleep, b"", 600.0)
        assert await helpers.run(int, functions.length, b"abc", 1) == 3
        return process_id

    wait_until_ended(asyncio.run(main()))


def wait_until_ended(process_id: int) -> None:
    end = time.monotonic() + 20.0
    while Path(f"/proc/{process_id}").exists() and time.monotonic() < end:
        time.sleep(0.02)
    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)


@pytest.mark.parametrize(("function", "arguments"), [("end", ()), ("allocate", (1 << 30,))])
def test_helper_crash_or_lack_of_memory_raises_request_error(
    helpers: HelperPool, functions: ModuleType, function: str, arguments: tuple[int, ...]
) -> None:
    async def main() -> int:
        with pytest.raises(RequestError):
            await helpers.run(int, getattr(functions, function), b"", *arguments)
        return await helpers.run(int, functions.length, b"abc", 1)

    assert asyncio.run(main()) == 3


def test_close_kills_busy_helpers(helpers: HelperPool, functions: ModuleType) -> None:
    async def main() -> int:
        process_id = await helpers.run(int, functions.process_id, b"")
        call = asyncio.create_task(helpers.run(int, functions.sleep, b"", 600.0))
        await asyncio.sleep(0.2)
        helpers.close()
        with pytest.raises(RequestError):
            await call
        return process_id

    wait_until_ended(asyncio.run(main()))
