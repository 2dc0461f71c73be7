"""What a request carries, read within limits of size and time, and checked field by field."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import partial
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive

from ganport_runtime.errors import RequestError
from ganport_runtime.service.errors import BodyError, MediaTypeError, SlowBodyError
from ganport_runtime.service.timeouts import Alarm, ClientLeftError
from ganport_runtime.values import closest_match, format_choices, sanitize

_MOST_FIELDS = 32
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_EXPECTED = re.compile(r"Expected (.+), got (.+)")
_PLACE = re.compile(r"(.*) - at `\$\.?(.*)`", re.DOTALL)
Body = TypeVar("Body")


async def read_body(receive: Receive, seconds: float) -> bytes:
    """The whole body of a request.

    Raises `SlowBodyError` when it takes longer than `seconds`, and `ClientLeftError`.
    """
    with Alarm(seconds, partial(_slow, seconds)):
        body, more = await _next(receive)
        if not more:  # as nearly all are
            return body
        chunks = [body]
        while more:
            body, more = await _next(receive)
            chunks.append(body)
        return b"".join(chunks)


def media_type_of(headers: Mapping[bytes, bytes]) -> str:
    """The type a request gives its body, in lower case, without parameters; "" for none."""
    return headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")


def check_json(headers: Mapping[bytes, bytes]) -> None:
    """Raise `MediaTypeError` for a body that is not called JSON.

    Not pedantry: without this, any web page could ask a service of the same machine for pictures,
    since browsers send plain forms and texts to any origin without asking.
    """
    if headers.get(b"content-type") == b"application/json":
        return
    if (found := media_type_of(headers)) != "application/json":
        raise unknown_type(found, "application/json")


def unknown_type(found: str, expected: str) -> MediaTypeError:
    shown = f"'{sanitize(found)}'" if found else "none"
    fix = f"Send the header 'Content-Type: {expected}'."
    return MediaTypeError("Content-Type", expected=expected, found=shown, fix=fix)


def parsed(decoder: msgspec.json.Decoder[Body], body: bytes) -> Body:
    """The checked fields of a body in JSON.

    Raises `BodyError` for what is no JSON and `RequestError`, naming the field, for what is not
    as its type says.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _wrong(str(error), decoder.type) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        found = sanitize(str(error), 200) if body else "nothing"
        raise BodyError("body", expected="valid JSON", found=found, fix="Send JSON.") from None


def parsed_query(kind: type[Body], query: bytes) -> Body:
    """The checked fields of a query; raises `RequestError` naming the field."""
    try:
        pairs = parse_qsl(query.decode("latin-1"), True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise _bad("query", f"at most {_MOST_FIELDS} fields", "more", "Leave some out.") from None
    values = dict(pairs)
    if len(values) != len(pairs):
        raise _bad("query", "each field once", "one of them twice", "Leave it out.")
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _wrong(str(error), kind) from None


def _slow(seconds: float) -> SlowBodyError:
    expected = f"the whole of it within {seconds:g} s"
    return SlowBodyError("body", expected=expected, found="a part", fix="Send it again.")


async def _next(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientLeftError
    return message.get("body", b""), message.get("more_body", False)


def _wrong(words: str, kind: object) -> RequestError:
    """Our form of what msgspec says of a value."""
    located = _PLACE.fullmatch(words)
    what, place = (located[1], sanitize(located[2])) if located else (words, "body")
    if unknown := _UNKNOWN.fullmatch(what):
        return _unknown(unknown[1], getattr(kind, "__struct_fields__", ()))
    if expected := _EXPECTED.fullmatch(what):
        found = sanitize(expected[2].replace("`", ""))
        return _bad(place, expected[1].replace("`", ""), found, "Send a value of that type.")
    return _bad(place, "a value that can be read", sanitize(what), "Send another value.")


def _unknown(name: str, fields: Collection[str]) -> RequestError:
    fix = f"Did you mean {closest_match(name, fields)!r}?"
    return _bad(
        sanitize(name) or "''", f"one of the fields {format_choices(fields)}", "another", fix
    )


def _bad(place: str, expected: str, found: str, fix: str) -> RequestError:
    return RequestError(place, expected=expected, found=found, fix=fix)
