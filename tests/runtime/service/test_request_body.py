import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.errors import RequestError
from ganport_runtime.service.errors import BodyError, MediaTypeError, SlowBodyError
from ganport_runtime.service.request_body import (
    check_json,
    media_type_of,
    parsed,
    parsed_query,
    read_body,
)
from ganport_runtime.service.requests import GenerateBody, TranslateQuery
from ganport_runtime.service.timeouts import ClientLeftError

LAST = {"type": "http.request", "body": b"", "more_body": False}
GENERATE = msgspec.json.Decoder(GenerateBody)


def sending(*messages: dict[str, Any], pause: float = 0.0) -> Callable[[], Awaitable[Any]]:
    left = iter(messages)

    async def receive() -> Any:
        await asyncio.sleep(pause)
        return next(left)

    return receive


def piece(body: bytes, more: bool) -> dict[str, Any]:
    return LAST | {"body": body, "more_body": more}


@given(st.binary(max_size=50), st.lists(st.integers(0, 50), max_size=5))
def test_a_body_is_the_same_in_however_many_pieces(body: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    pieces = [body[a:b] for a, b in pairwise(places)]
    messages = [piece(part, True) for part in pieces[:-1]] + [piece(pieces[-1], False)]
    assert asyncio.run(read_body(sending(*messages), 5.0)) == body


def test_a_body_that_takes_too_long() -> None:
    pieces = sending(*[piece(b"a", True)] * 100, pause=0.02)
    with pytest.raises(SlowBodyError, match=r"the whole of it within 0\.1 s; found a part"):
        asyncio.run(read_body(pieces, 0.1))


def test_a_client_that_leaves_in_the_middle() -> None:
    pieces = sending(piece(b"a", True), {"type": "http.disconnect"})
    with pytest.raises(ClientLeftError):
        asyncio.run(read_body(pieces, 5.0))


@pytest.mark.parametrize(
    ("given_type", "found"),
    [
        (b"image/PNG", "image/png"),
        (b"Application/JSON ; charset=utf-8", "application/json"),
        (b"", ""),
        (b"\xff", "\xff"),
    ],
)
def test_the_type_of_a_body(given_type: bytes, found: str) -> None:
    assert media_type_of({b"content-type": given_type}) == found


def test_only_json_is_json() -> None:
    check_json({b"content-type": b"application/json;charset=utf-8"})
    with pytest.raises(MediaTypeError, match=r"expected application/json; found none"):
        check_json({})
    with pytest.raises(MediaTypeError, match=r"found 'text/\\x1b'"):
        check_json({b"content-type": b"text/\x1b"})


def test_a_field_that_is_wrong_is_named() -> None:
    with pytest.raises(RequestError) as caught:
        parsed(GENERATE, b'{"count": "two"}')
    assert str(caught.value) == (
        "count: expected int | null; found str. Send a value of that type."
    )
    with pytest.raises(RequestError, match=r"\Abody: expected object; found array"):
        parsed(GENERATE, b"[]")
    with pytest.raises(RequestError, match=r"\Atimeout: .* found Number out of range"):
        parsed(GENERATE, b'{"timeout": 1e999}')


def test_a_field_that_nobody_knows_is_named_safely() -> None:
    with pytest.raises(RequestError) as caught:
        parsed(GENERATE, b'{"cou\\u001bnt": 2}')
    assert caught.value.place == "cou\\x1bnt"
    assert "one of the fields bundle, output" in caught.value.expected
    assert str(caught.value).isprintable()


def test_what_is_no_json_says_where() -> None:
    with pytest.raises(BodyError, match=r"expected valid JSON; found JSON is malformed.*byte 9"):
        parsed(GENERATE, b'{"seed": x}')


def test_a_query_is_read_as_text_is_meant() -> None:
    query = b"bundle=a%20b&quality=80&whole=true&timeout=2.5&conditions=pink+hair"
    assert parsed_query(TranslateQuery, query) == TranslateQuery(
        bundle="a b", quality=80, whole=True, timeout=2.5, conditions="pink hair"
    )
    assert parsed_query(TranslateQuery, b"") == TranslateQuery()


@given(st.binary(max_size=40))
def test_no_query_ends_in_a_traceback(query: bytes) -> None:
    try:
        parsed_query(TranslateQuery, query)
    except RequestError as error:
        assert str(error).isprintable()
