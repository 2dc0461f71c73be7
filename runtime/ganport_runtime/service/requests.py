"""Reading a request: its fields, its time limit, and the disconnect of its client."""

from __future__ import annotations

import asyncio
import json
import re
from math import ceil
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive

from ganport_runtime.errors import DeadlineError, RequestError
from ganport_runtime.images.decode import decode_image
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.service.bodies import ClientDisconnectError, too_large_error
from ganport_runtime.service.responses import BodyError
from ganport_runtime.service.schemas import TranslateBody
from ganport_runtime.service.settings import MAX_JSON_BYTES, MAX_JSON_ELEMENTS
from ganport_runtime.strictjson import unique_names
from ganport_runtime.values import format_choices, repr_short, sanitize, suggestion

_LISTEN_DELAY = 0.05
"""Seconds before a listener starts; most responses are sent by then, and a listener costs time."""
_GRACE = 0.25
"""Seconds after the deadline; the batcher keeps deadlines itself unless it is stalled."""
_MAX_SEED_DIGITS = 20  # of 2^64
_MAX_QUERY_FIELDS = 32
_MAX_QUICK_BYTES, _MAX_QUICK_QUOTES = 1 << 16, 4096  # at most a few ms
# The messages of msgspec.ValidationError.
_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_WRONG_TYPE = re.compile(r"Expected (.+), got (.+)")
_LOCATED = re.compile(r"(.*) - at `\$\.?(.*)`", re.DOTALL)
_NAMES = re.compile(rb'"(\w+)":')
Body = TypeVar("Body")
_TRANSLATE = msgspec.json.Decoder(TranslateBody)


class DisconnectGuard:
    """Cancels the work inside it when the client disconnects or after `seconds`.

    Raises `ClientDisconnectError` or `DeadlineError`. No other code may call `receive` meanwhile.
    """

    def __init__(self, receive: Receive, seconds: float) -> None:
        self._receive = receive
        self._seconds = seconds
        self._timeout = asyncio.timeout(None)
        self._listener: asyncio.Task[None] | None = None
        self._disconnected = False

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + max(self._seconds, _LISTEN_DELAY) + _GRACE
        self._timer = self._loop.call_later(_LISTEN_DELAY, self._start_listener)
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if self._listener is not None:
            self._listener.cancel()
        try:
            await self._timeout.__aexit__(kind, error, traceback)
        except TimeoutError:
            if self._disconnected:
                raise ClientDisconnectError from None
            raise _deadline_error(self._seconds) from None

    def _start_listener(self) -> None:
        self._timeout.reschedule(self._deadline)
        self._listener = self._loop.create_task(self._listen())

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._disconnected = True
        self._timeout.reschedule(self._loop.time())


def remaining_time(seconds: float, start: float) -> float:
    """Return the rest of `seconds` since `start` (`time.perf_counter`).

    Raises `DeadlineError` if no time remains.
    """
    remaining = seconds - (perf_counter() - start)
    if remaining <= 0.0:
        raise _deadline_error(seconds)
    return remaining


def parse_seed(place: str, value: int | str) -> int:
    """Return a seed as an integer; the generator checks its range."""
    if isinstance(value, int):
        return value
    if not (value.isascii() and value.isdigit() and len(value) <= _MAX_SEED_DIGITS):
        expected = "an integer from 0 to 2^64 - 1"
        raise RequestError(place, expected, repr_short(value), "Send a number.")
    return int(value)


def check_elements(body: bytes | bytearray, limit: int = MAX_JSON_ELEMENTS) -> None:
    """Raise `RequestError` if a JSON text has more than `limit` values in its lists and objects.

    All values but the first of a list or an object follow a comma, so a count bounds what a
    decoder builds before it builds anything. The types of the decoders bound the depth.
    """
    if body.count(b",") >= limit:
        raise RequestError("body", f"at most {limit} JSON values", "more", "Split the request.")


def is_quick_to_parse(body: bytes | bytearray) -> bool:
    """Return whether JSON is short and has few texts, so that it may be read on the event loop."""
    return len(body) <= _MAX_QUICK_BYTES and body.count(b'"') <= _MAX_QUICK_QUOTES


def decode_json(
    decoder: msgspec.json.Decoder[Body], body: bytes | bytearray, *, names: bool = True
) -> Body:
    """Return the checked fields of a JSON body; without `names`, call `check_names` later.

    Raises `BodyError` for invalid JSON and for a name twice in an object, and `RequestError` with
    the field for an invalid value or too many values.
    """
    check_elements(body)
    try:
        fields = decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _field_error(str(error), decoder.type) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        found = sanitize(str(error), 200) if body else "nothing"
        raise BodyError("body", "valid JSON", found, "Send JSON.") from None
    if names:
        check_names(body)
    return fields


def check_names(body: bytes | bytearray) -> None:
    """Raise `BodyError` if an object of a valid JSON text has the same name twice.

    Decoders take the last value; a proxy in front of the service may have checked the first one.
    """
    names = _NAMES.findall(body)
    # Each colon outside of strings follows a name, so equal counts prove that these are all names.
    if len(set(names)) == len(names) == body.count(b":") and b"\\" not in body:
        return
    try:
        json.loads(body, object_pairs_hook=unique_names, parse_int=float)
    except (ValueError, RecursionError) as error:
        expected, found = "valid JSON, each name once in an object", sanitize(str(error), 200)
        raise BodyError("body", expected, found, "Correct the body.") from None


def parse_translation(data: bytes | bytearray) -> TranslateBody:
    """Return the fields of a JSON body; raises what `decode_json` raises, and `TooLargeError`."""
    body = decode_json(_TRANSLATE, data)
    encoded = sum(4 * ceil(len(image) / 3) for image in body.images)
    if len(data) - encoded > MAX_JSON_BYTES:
        raise too_large_error(MAX_JSON_BYTES)
    return body


def decode_upload(data: bytes, index: int, form: ImageFormat, crop: bool, max_pixels: int) -> bytes:
    """Return the uint8 (height, width, C) pixels of the image file `index` as bytes.

    Raises what `decode_image` raises.
    """
    place = Path(f"images[{index}]")
    return decode_image(data, place, form, crop=crop, max_pixels=max_pixels).tobytes()


def decode_query(kind: type[Body], query: bytes) -> Body:
    """Return the checked fields of a query; raises `RequestError` with the field."""
    try:
        pairs = parse_qsl(query.decode("latin-1"), True, max_num_fields=_MAX_QUERY_FIELDS)
    except ValueError:
        expected = f"at most {_MAX_QUERY_FIELDS} fields"
        raise RequestError("query", expected, "more fields", "Remove some fields.") from None
    values = dict(pairs)
    if len(values) != len(pairs):
        raise RequestError("query", "each field once", "a repeated field", "Remove one of them.")
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _field_error(str(error), kind) from None


def _deadline_error(seconds: float) -> DeadlineError:
    fix = "Request fewer images, raise the timeout, or retry under lower load."
    return DeadlineError("timeout", f"a response within {seconds:g} s", "none", fix)


def _field_error(message: str, kind: object) -> RequestError:
    """Convert a message of msgspec to an error that names the field."""
    located = _LOCATED.fullmatch(message)
    reason, place = (located[1], sanitize(located[2])) if located else (message, "body")
    if unknown := _UNKNOWN_FIELD.fullmatch(reason):
        fields = getattr(kind, "__struct_fields__", ())
        fix = suggestion(unknown[1], fields)
        expected = f"one of the fields {format_choices(fields)}"
        return RequestError(sanitize(unknown[1]) or "''", expected, "an unknown field", fix)
    if wrong := _WRONG_TYPE.fullmatch(reason):
        expected, found = wrong[1].replace("`", ""), sanitize(wrong[2].replace("`", ""))
        return RequestError(place, expected, found, "Send a value of that type.")
    return RequestError(place, "a valid value", sanitize(reason), "Send another value.")
