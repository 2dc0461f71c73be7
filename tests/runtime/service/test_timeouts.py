import asyncio
import time
from typing import Any

import pytest

from ganport_runtime.errors import DeadlineError
from ganport_runtime.service.timeouts import ClientLeftError, Watch


async def silent() -> Any:
    await asyncio.sleep(60.0)


async def leaving() -> Any:
    await asyncio.sleep(0.1)
    return {"type": "http.disconnect"}


async def working(receive: Any, seconds: float, work: float) -> str:
    with Watch(receive, seconds):
        await asyncio.sleep(work)
    return "done"


@pytest.mark.parametrize("work", [0.0, 0.2])
def test_work_in_time_is_left_alone(work: float) -> None:
    async def main() -> tuple[str, int]:
        done = await working(silent, 5.0, work)
        await asyncio.sleep(0)
        return done, len(asyncio.all_tasks())

    assert asyncio.run(main()) == ("done", 1)  # no listener stays behind


def test_a_client_that_leaves_ends_the_work() -> None:
    start = time.monotonic()
    with pytest.raises(ClientLeftError):
        asyncio.run(working(leaving, 30.0, 30.0))
    assert time.monotonic() - start < 5.0


def test_work_that_takes_too_long_is_ended() -> None:
    start = time.monotonic()
    with pytest.raises(DeadlineError, match=r"expected an answer within 0\.1 s; found none"):
        asyncio.run(working(silent, 0.1, 30.0))
    assert 0.1 <= time.monotonic() - start < 5.0


def test_a_task_that_others_cancel_is_cancelled() -> None:
    async def main() -> None:
        task = asyncio.create_task(working(silent, 30.0, 30.0))
        await asyncio.sleep(0.1)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())


def test_an_error_of_the_work_comes_through() -> None:
    async def main() -> None:
        with Watch(silent, 5.0):
            raise KeyError("its own")

    with pytest.raises(KeyError, match="its own"):
        asyncio.run(main())


def test_a_task_goes_on_after_its_client_left() -> None:
    async def main() -> str:
        with pytest.raises(ClientLeftError):
            await working(leaving, 30.0, 30.0)
        await asyncio.sleep(0.01)  # would raise if the task were still being cancelled
        return "counted"

    assert asyncio.run(main()) == "counted"
