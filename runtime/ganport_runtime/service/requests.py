"""Requests for images: their fields, and the checked reading of bodies and queries."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct
from starlette.types import Receive

from ganport_runtime.errors import RequestError
from ganport_runtime.service.outputs import OutputOptions, container_from_accept
from ganport_runtime.service.responses import BodyError, MediaTypeError, SlowBodyError
from ganport_runtime.service.settings import Settings
from ganport_runtime.service.timeouts import ClientDisconnectError
from ganport_runtime.values import closest_match, format_choices, repr_short, sanitize

ConditionsField = dict[str, Any] | str | list[dict[str, Any] | str] | None
Seed = int | str
"""A string for languages without 64-bit integers, such as JavaScript."""
_MAX_SEED_DIGITS = 20  # of 2^64
_MAX_QUERY_FIELDS = 32
# The messages of msgspec.ValidationError.
_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_WRONG_TYPE = re.compile(r"Expected (.+), got (.+)")
_LOCATED = re.compile(r"(.*) - at `\$\.?(.*)`", re.DOTALL)
Body = TypeVar("Body")


class BaseRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """The fields of every request for images."""

    bundle: str | None = None
    output: str = "png"
    container: str | None = None
    columns: int | None = None
    quality: int | None = None
    timeout: float | None = None

    def time_limit(self, settings: Settings) -> float:
        """Return the time limit in seconds; raises `RequestError` if it is out of range."""
        if self.timeout is None:
            return settings.timeout
        if not 0.0 < self.timeout <= settings.max_timeout:
            raise RequestError(
                "timeout",
                expected=f"a number of seconds above 0, at most {settings.max_timeout:g}",
                found=f"{self.timeout:g}",
                fix="Choose a timeout in that range.",
            )
        return self.timeout

    def output_options(self, accept: bytes) -> OutputOptions:
        """Return the output options; an `Accept` header selects a container if no field does."""
        container = self.container
        if container is None and accept:
            container = container_from_accept(accept.decode("latin-1"), self.output)
        return OutputOptions(self.output, container, self.columns, self.quality)


class GenerateBody(BaseRequest, kw_only=True):
    """The body of `POST /v1/generate`."""

    conditions: ConditionsField = None
    seed: Seed | None = None
    seeds: list[Seed] | None = None
    count: int | None = None
    temperature: float | None = None

    def check_count(self, limit: int) -> None:
        """Raise `RequestError` if the request is for more than `limit` images."""
        check_count("count", self.count, limit)
        check_count("seeds", None if self.seeds is None else len(self.seeds), limit)
        if isinstance(self.conditions, list):
            check_count("conditions", len(self.conditions), limit)


class TranslateQuery(BaseRequest, kw_only=True):
    """The query of `POST /v1/translate` if the body is one image."""

    conditions: str | None = None
    whole: bool = False


class TranslateBody(BaseRequest, kw_only=True):
    """The JSON body of `POST /v1/translate`; `images` are image files in base64."""

    images: list[bytes]
    conditions: ConditionsField = None
    whole: bool = False


def check_count(place: str, number: int | None, limit: int) -> None:
    """Raise `RequestError` if `number` images exceed the limit of one request."""
    if number is not None and number > limit:
        fix = "Split the images over several requests."
        raise RequestError(place, f"at most {limit} images", repr_short(number), fix)


def parse_seed(place: str, value: Seed) -> int:
    """Return a seed as an integer; the generator checks its range."""
    if isinstance(value, int):
        return value
    if not (value.isascii() and value.isdigit() and len(value) <= _MAX_SEED_DIGITS):
        raise RequestError(
            place, "an integer from 0 to 2^64 - 1", repr_short(value), "Send a number."
        )
    return int(value)


async def read_body(receive: Receive, seconds: float) -> bytes:
    """Return the complete body of a request.

    Raises `SlowBodyError` after `seconds`, and `ClientDisconnectError`.
    """
    try:
        async with asyncio.timeout(seconds):
            body, more = await _read_chunk(receive)
            if not more:  # the common case
                return body
            chunks = [body]
            while more:
                body, more = await _read_chunk(receive)
                chunks.append(body)
            return b"".join(chunks)
    except TimeoutError:
        expected = f"the whole body within {seconds:g} s"
        raise SlowBodyError("body", expected, "a part of it", "Send it again.") from None


def media_type_of(headers: Mapping[bytes, bytes]) -> str:
    """Return the media type of a body in lower case without parameters; "" if none is given."""
    return headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")


def check_json(headers: Mapping[bytes, bytes]) -> None:
    """Raise `MediaTypeError` unless the content type is JSON.

    This check is a security measure: a browser sends forms and plain text to any origin without
    a preflight request, so any web page could call a service on the same machine.
    """
    if headers.get(b"content-type") == b"application/json":
        return
    if (found := media_type_of(headers)) != "application/json":
        raise unsupported_type(found, "application/json")


def unsupported_type(found: str, expected: str) -> MediaTypeError:
    """Return the error for a content type that the route does not support."""
    quoted = f"'{sanitize(found)}'" if found else "none"
    fix = f"Send the header 'Content-Type: {expected}'."
    return MediaTypeError("Content-Type", expected, quoted, fix)


def decode_json(decoder: msgspec.json.Decoder[Body], body: bytes) -> Body:
    """Return the checked fields of a JSON body.

    Raises `BodyError` for invalid JSON, and `RequestError` with the field for an invalid value.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _field_error(str(error), decoder.type) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        found = sanitize(str(error), 200) if body else "nothing"
        raise BodyError("body", "valid JSON", found, "Send JSON.") from None


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


async def _read_chunk(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnectError
    return message.get("body", b""), message.get("more_body", False)


def _field_error(message: str, kind: object) -> RequestError:
    """Convert a message of msgspec to an error that names the field."""
    located = _LOCATED.fullmatch(message)
    reason, place = (located[1], sanitize(located[2])) if located else (message, "body")
    if unknown := _UNKNOWN_FIELD.fullmatch(reason):
        fields = getattr(kind, "__struct_fields__", ())
        fix = f"Did you mean {closest_match(unknown[1], fields)!r}?"
        expected = f"one of the fields {format_choices(fields)}"
        return RequestError(sanitize(unknown[1]) or "''", expected, "an unknown field", fix)
    if wrong := _WRONG_TYPE.fullmatch(reason):
        expected, found = wrong[1].replace("`", ""), sanitize(wrong[2].replace("`", ""))
        return RequestError(place, expected, found, "Send a value of that type.")
    return RequestError(place, "a valid value", sanitize(reason), "Send another value.")
