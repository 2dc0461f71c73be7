import asyncio
from typing import Any

import pytest

from ganport_runtime.errors import DeadlineError
from ganport_runtime.service.timeouts import ClientDisconnectError, DisconnectGuard


async def connected() -> Any:
    await asyncio.sleep(60.0)


async def disconnecting() -> Any:
    await asyncio.sleep(0.1)
    return {"type": "http.disconnect"}


async def guarded_sleep(receive: Any, seconds: float, work: float) -> str:
    async with DisconnectGuard(receive, seconds):
        await asyncio.sleep(work)
    return "done"


@pytest.mark.parametrize("work", [0.0, 0.2])
def test_guard_work_in_time_completes_and_leaves_no_task(work: float) -> None:
    async def main() -> tuple[str, int]:
        done = await guarded_sleep(connected, 30.0, work)
        await asyncio.sleep(0)
        return done, len(asyncio.all_tasks())

    assert asyncio.run(main()) == ("done", 1)


def test_guard_disconnect_cancels_the_work() -> None:
    with pytest.raises(ClientDisconnectError):
        asyncio.run(guarded_sleep(disconnecting, 60.0, 60.0))


@pytest.mark.parametrize("seconds", [0.01, 0.1])
def test_guard_deadline_cancels_the_work(seconds: float) -> None:
    with pytest.raises(DeadlineError, match=str(seconds)):
        asyncio.run(guarded_sleep(connected, seconds, 60.0))


def test_guard_cancellation_by_another_task_is_kept() -> None:
    async def main() -> None:
        task = asyncio.create_task(guarded_sleep(connected, 30.0, 30.0))
        await asyncio.sleep(0.1)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())


@pytest.mark.parametrize("error", [KeyError("own"), TimeoutError("own")], ids=repr)
def test_guard_error_of_the_work_is_kept(error: Exception) -> None:
    async def main() -> None:
        async with DisconnectGuard(connected, 5.0):
            raise error

    with pytest.raises(type(error), match="own") as caught:
        asyncio.run(main())
    assert caught.value is error


def test_guard_task_continues_after_a_disconnect() -> None:
    async def main() -> str:
        with pytest.raises(ClientDisconnectError):
            await guarded_sleep(disconnecting, 30.0, 30.0)
        await asyncio.sleep(0.01)  # would raise if the cancellation were still pending
        return "continued"

    assert asyncio.run(main()) == "continued"
