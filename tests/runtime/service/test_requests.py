import asyncio
import json
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
    check_names,
    decode_json,
    decode_query,
)
from ganport_runtime.service.responses import (
    BodyError,
)
from ganport_runtime.service.schemas import GenerateBody, TranslateQuery

GENERATE = msgspec.json.Decoder(GenerateBody)


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


@pytest.mark.parametrize(
    "body",
    [
        b'{"seed": 1, "count": 2, "seed": 1}',
        b'{"conditions": {"hair": {"pink": 1, "red": 0, "pink" : 1}}}',
        b'{"conditions": [{}, {"hair": "pink", "h\\u0061ir": "red"}]}',
    ],
)
def test_decode_json_name_twice_in_an_object_raises(body: bytes) -> None:
    with pytest.raises(BodyError, match="twice"):
        decode_json(GENERATE, body)


NAMES = st.text('a:,{}[]"\\ \n\u00e9', max_size=3)
VALUES = st.recursive(
    NAMES | st.integers() | st.none(),
    lambda values: st.lists(values) | st.lists(st.tuples(NAMES, values)).map(tuple),
    max_leaves=12,
)
SPACES = st.sampled_from(["", " ", "\n\t "])


def write_json(value: Any, space: str, escaped: bool) -> str:
    """Return JSON text; a tuple of pairs is an object."""
    if isinstance(value, list):
        return f"[{','.join(write_json(item, space, escaped) for item in value)}{space}]"
    if isinstance(value, tuple):
        pairs = [
            f"{json.dumps(name, ensure_ascii=escaped)}{space}:{write_json(item, space, escaped)}"
            for name, item in value
        ]
        return f"{{{f'{space},'.join(pairs)}}}"
    return json.dumps(value, ensure_ascii=escaped)


def has_repeated_name(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(has_repeated_name, value))
    if isinstance(value, tuple):
        names = [name for name, _ in value]
        return len(set(names)) < len(names) or any(has_repeated_name(item) for _, item in value)
    return False


@given(VALUES, SPACES, st.booleans())
def test_check_names_refuses_exactly_repeated_names(value: Any, space: str, escaped: bool) -> None:
    body = write_json(value, space, escaped).encode()
    if has_repeated_name(value):
        with pytest.raises(BodyError):
            check_names(body)
    else:
        check_names(body)


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
