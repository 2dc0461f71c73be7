"""What goes back: JSON, errors in one form, and headers made ready beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from math import ceil

import msgspec
from starlette.types import Send

from ganport_runtime.errors import ClosedError, GanportError, QueueFullError
from ganport_runtime.service.errors import (
    KeyMissingError,
    SlowBodyError,
    TooLargeError,
    status_of,
)

Headers = list[tuple[bytes, bytes]]
_JSON = (b"content-type", b"application/json")
# Seconds after which another process of the service is likely to stand in for this one.
_AFTER_CLOSING = 5
_encode = msgspec.json.Encoder().encode


async def answer(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send a whole answer; its length is added to `headers`."""
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def answer_json(send: Send, value: object, status: int = HTTPStatus.OK) -> None:
    """Send `value` as JSON."""
    await answer(send, status, [_JSON], _encode(value))


async def answer_error(send: Send, error: GanportError, path: str = "") -> None:
    """Send an error in the form that routes under `path` give theirs."""
    status = status_of(error)
    await answer(send, status, [_JSON, *_headers_of(error)], error_body(error, status, path))


def error_body(error: GanportError, status: int, path: str = "") -> bytes:
    """An error as JSON; the Open Inference Protocol, under /v2, wants it as one text."""
    if path == "/v2" or path.startswith("/v2/"):
        return _encode({"error": str(error)})
    return _encode({"error": {"status": status, **_parts(error)}})


def closing() -> ClosedError:
    """The error for a request that comes when the service has closed its bundles."""
    return ClosedError(
        "service",
        expected="one that takes requests",
        found="one that is ending",
        fix="Try again in a few seconds.",
    )


def _parts(error: GanportError) -> Mapping[str, str]:
    return {
        "place": error.place,
        "expected": error.expected,
        "found": error.found,
        "fix": error.fix,
    }


def _headers_of(error: GanportError) -> Headers:
    if isinstance(error, QueueFullError):
        return [(b"retry-after", b"%d" % max(1, ceil(error.retry_after)))]
    if isinstance(error, ClosedError):
        return [(b"retry-after", b"%d" % _AFTER_CLOSING), (b"connection", b"close")]
    if isinstance(error, KeyMissingError):
        return [(b"www-authenticate", b"Bearer")]
    if isinstance(error, TooLargeError | SlowBodyError):
        # Else the rest of a body that nobody reads would have to be taken in.
        return [(b"connection", b"close")]
    return []
