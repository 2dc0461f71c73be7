import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.errors import DeadlineError, RequestError
from ganport_runtime.service.outputs import OutputOptions
from ganport_runtime.service.requests import (
    ClientDisconnectError,
    DisconnectGuard,
    check_json,
    decode_json,
    decode_query,
    media_type_of,
    read_body,
)
from ganport_runtime.service.responses import (
    BodyError,
    MediaTypeError,
    SlowBodyError,
    TooLargeError,
)
from ganport_runtime.service.schemas import GenerateBody, TranslateQuery

GENERATE = msgspec.json.Decoder(GenerateBody)


def sending(*messages: dict[str, Any], pause: float = 0.0) -> Callable[[], Awaitable[Any]]:
    remaining = iter(messages)

    async def receive() -> Any:
        await asyncio.sleep(pause)
        return next(remaining)

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


@pytest.mark.parametrize(
    ("body", "place", "found"),
    [
        (b'{"count": "two"}', "count", "str"),
        (b"[]", "body", "array"),
        (b'{"timeout": 1e999}', "timeout", "out of range"),
    ],
)
def test_decode_json_invalid_field_is_named(body: bytes, place: str, found: str) -> None:
    with pytest.raises(RequestError) as caught:
        decode_json(GENERATE, body)
    assert caught.value.place == place
    assert found in caught.value.found


def test_decode_json_unknown_field_is_named_safely() -> None:
    with pytest.raises(RequestError) as caught:
        decode_json(GENERATE, b'{"cou\\u001bnt": 2}')
    assert caught.value.place == "cou\\x1bnt"
    assert "bundle, output" in caught.value.expected
    assert str(caught.value).isprintable()


def test_decode_json_malformed_body_names_the_position() -> None:
    with pytest.raises(BodyError, match="byte 9"):
        decode_json(GENERATE, b'{"seed": x}')


def test_decode_query_converts_values() -> None:
    query = b"bundle=a%20b&quality=80&whole=true&timeout=2.5&conditions=pink+hair"
    assert decode_query(TranslateQuery, query) == TranslateQuery(
        bundle="a b", quality=80, whole=True, timeout=2.5, conditions="pink hair"
    )
    assert decode_query(TranslateQuery, b"") == TranslateQuery()


@given(st.binary(max_size=40))
def test_decode_query_any_bytes_return_or_raise_request_error(query: bytes) -> None:
    try:
        decode_query(TranslateQuery, query)
    except RequestError as error:
        assert str(error).isprintable()


def test_output_options_accept_header_selects_an_absent_container() -> None:
    body = GenerateBody(output="webp", quality=80)
    assert body.output_options(b"multipart/mixed") == OutputOptions("webp", "multipart", None, 80)
    assert GenerateBody(container="json").output_options(b"application/zip").container == "json"


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
