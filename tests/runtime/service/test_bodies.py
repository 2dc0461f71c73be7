"""Request bodies: chunks, limits, media types, and the memory that all bodies share."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.errors import QueueFullError
from ganport_runtime.service.bodies import (
    BodyBudget,
    ClientDisconnectError,
    check_json,
    media_type_of,
)
from ganport_runtime.service.responses import MediaTypeError, SlowBodyError, TooLargeError
from ganport_runtime.service.settings import MAX_JSON_BYTES


async def read_body(
    receive: Any, headers: dict[bytes, bytes], seconds: float, limit: int = MAX_JSON_BYTES
) -> bytes | bytearray:
    with BodyBudget(1 << 20).reserve() as reservation:
        return await reservation.read(receive, headers, seconds, limit)


def sending(*messages: dict[str, Any], pause: float = 0.0) -> Callable[[], Awaitable[Any]]:
    remaining = iter(messages)

    async def receive() -> Any:
        await asyncio.sleep(pause)
        return next(remaining)

    return receive


def then_stalling(message: dict[str, Any]) -> Callable[[], Awaitable[Any]]:
    remaining = iter([message])

    async def receive() -> Any:
        if (message := next(remaining, None)) is None:
            await asyncio.sleep(3600.0)
        return message

    return receive


def chunk(body: bytes, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


@given(st.binary(max_size=50), st.lists(st.integers(0, 50), max_size=5))
def test_read_body_any_chunks_return_the_same_body(body: bytes, cuts: list[int]) -> None:
    positions = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    parts = [body[start:stop] for start, stop in pairwise(positions)]
    messages = [chunk(part, True) for part in parts[:-1]] + [chunk(parts[-1], False)]
    assert asyncio.run(read_body(sending(*messages), {}, 5.0)) == body


def test_read_body_slow_body_raises() -> None:
    chunks = sending(*[chunk(b"a", True)] * 100, pause=0.02)
    with pytest.raises(SlowBodyError, match=r"0\.1 s"):
        asyncio.run(read_body(chunks, {}, 0.1))


def test_read_body_disconnect_raises() -> None:
    chunks = sending(chunk(b"a", True), {"type": "http.disconnect"})
    with pytest.raises(ClientDisconnectError):
        asyncio.run(read_body(chunks, {}, 5.0))


@pytest.mark.parametrize("length", [b"", b"11", b"9" * 40])
def test_read_body_above_the_limit_raises(length: bytes) -> None:
    headers = {b"content-length": length}
    parts = [chunk(b"a" * 6, True), chunk(b"a" * 5, False)]
    with pytest.raises(TooLargeError, match="at most 10 bytes"):
        asyncio.run(read_body(sending(*parts), headers, 5.0, 10))
    assert asyncio.run(read_body(sending(*parts), {}, 5.0, 11)) == b"a" * 11


def test_read_body_one_message_above_the_limit_raises() -> None:
    with pytest.raises(TooLargeError):
        asyncio.run(read_body(sending(chunk(b"a" * 11, False)), {}, 5.0, 10))


@pytest.mark.parametrize(
    ("header", "media_type"),
    [
        (b"image/PNG", "image/png"),
        (b"Application/JSON ; charset=utf-8", "application/json"),
        (b"", ""),
        (b"\xff", "\xff"),
    ],
)
def test_media_type_of_is_lower_case_without_parameters(header: bytes, media_type: str) -> None:
    assert media_type_of({b"content-type": header}) == media_type


def test_check_json_accepts_only_json() -> None:
    check_json({b"content-type": b"application/json;charset=utf-8"})
    with pytest.raises(MediaTypeError, match="none"):
        check_json({})
    with pytest.raises(MediaTypeError, match=r"'text/\\x1b'"):
        check_json({b"content-type": b"text/\x1b"})


def pieces(size: int, number: int) -> list[dict[str, Any]]:
    return [chunk(bytes(size), True)] * (number - 1) + [chunk(bytes(size), False)]


async def read_in(budget: BodyBudget, receive: Any, hold: float = 0.0) -> int:
    with budget.reserve() as reservation:
        body = await reservation.read(receive, {}, 30.0, 1 << 30)
        await asyncio.sleep(hold)
        return len(body)


def test_budget_is_free_again_after_bodies_end_or_fail() -> None:
    budget = BodyBudget(1 << 20)

    async def main() -> None:
        assert await read_in(budget, sending(*pieces(100_000, 5))) == 500_000
        with pytest.raises(ClientDisconnectError):
            disconnect = {"type": "http.disconnect"}
            await read_in(budget, sending(chunk(bytes(900_000), True), disconnect))
        assert budget.used == 0

    asyncio.run(main())


def test_budget_gives_up_the_body_that_stalled_longest() -> None:
    budget = BodyBudget(1 << 20)

    async def main() -> None:
        stalled = [
            asyncio.create_task(read_in(budget, then_stalling(chunk(bytes(size), True))))
            for size in (300_000, 400_000)
        ]
        await asyncio.sleep(1.3)
        assert await read_in(budget, sending(*pieces(100_000, 6))) == 600_000
        with pytest.raises(SlowBodyError, match="other bodies"):
            await stalled[0]
        assert not stalled[1].done()
        stalled[1].cancel()
        await asyncio.wait(stalled)
        assert budget.used == 0

    asyncio.run(main())


def test_budget_refuses_a_body_while_the_others_make_progress() -> None:
    budget = BodyBudget(1 << 20)

    async def main() -> None:
        complete = asyncio.create_task(read_in(budget, sending(*pieces(500_000, 1)), hold=1.6))
        active = asyncio.create_task(read_in(budget, sending(*pieces(100_000, 5), pause=0.3)))
        await asyncio.sleep(1.3)
        with pytest.raises(QueueFullError, match="1048576"):
            await read_in(budget, sending(*pieces(200_000, 3)))
        assert await read_in(budget, sending(*pieces(30_000, 2))) == 60_000  # small: not counted
        assert await complete + await active == 1_000_000
        assert budget.used == 0

    asyncio.run(main())
