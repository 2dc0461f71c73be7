"""Helper processes: results, errors, and their end."""

import asyncio
import os
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from ganport_runtime.errors import RequestError
from ganport_runtime.service.helpers import HelperPool

FOLDER = Path(__file__).parent


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
        result = await helpers.run(int, functions.length, b"abc", 2)
        return result, first, await helpers.run(int, functions.process_id, b"")

    result, first, second = asyncio.run(main())
    assert result == 6
    assert first == second != os.getpid()


@pytest.mark.skipif(not hasattr(os, "nice"), reason="needs priorities")
def test_helper_runs_at_a_lower_priority(functions: ModuleType) -> None:
    pool = HelperPool(1, 512 << 20, niceness=3)
    assert asyncio.run(pool.run(int, functions.niceness, b"")) == min(os.nice(0) + 3, 19)
    pool.close()


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
