"""HTTP responses: JSON, errors with their statuses, and the headers of generated images."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from http import HTTPStatus
from math import ceil

import msgspec
from starlette.responses import Response
from starlette.types import Send

from ganport_runtime.batching.results import GenerationResult
from ganport_runtime.errors import (
    ClosedError,
    DeadlineError,
    GanportError,
    QueueFullError,
    RequestError,
)
from ganport_runtime.service.outputs import ResponseBody
from ganport_runtime.service.schemas import Error, ErrorDetails, ProtocolError
from ganport_runtime.values import format_choices, repr_short, suggestion

Headers = list[tuple[bytes, bytes]]
EXPOSED_HEADERS = (
    "Ganport-Device",
    "Ganport-Seeds",
    "Ganport-Shape",
    "Server-Timing",
    "X-Request-Id",
)
"""Response headers that pages of an allowed origin may read."""
_JSON = (b"content-type", b"application/json")
_CLOSE = (b"connection", b"close")
_RESTART_SECONDS = 5
"""Seconds until another process probably replaces a closing one."""
_MAX_LISTED_SEEDS = 100
_encode = msgspec.json.Encoder().encode


class BodyError(RequestError):
    """A request body that does not match its content type."""


class TooLargeError(RequestError):
    """A request body above the size limit."""


class MediaTypeError(RequestError):
    """A request body of an unsupported type."""


class SlowBodyError(RequestError):
    """A request body that did not arrive in time."""


class UnknownBundleError(RequestError):
    """A name that no served bundle has."""

    @classmethod
    def from_name(cls, name: str, names: Collection[str]) -> UnknownBundleError:
        """Return the error for `name`; it lists all `names` and a similar one."""
        fix = suggestion(name, names)
        return cls("bundle", f"one of {format_choices(names)}", repr_short(name), fix)


class KeyMissingError(RequestError):
    """A request without a known API key."""


class ForbiddenError(RequestError):
    """A request of a foreign web page, or for a foreign host."""


# The first match counts, so a subclass precedes its base class.
_STATUSES: tuple[tuple[type[GanportError], HTTPStatus], ...] = (
    (BodyError, HTTPStatus.BAD_REQUEST),
    (KeyMissingError, HTTPStatus.UNAUTHORIZED),
    (ForbiddenError, HTTPStatus.FORBIDDEN),
    (UnknownBundleError, HTTPStatus.NOT_FOUND),
    (SlowBodyError, HTTPStatus.REQUEST_TIMEOUT),
    (TooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (MediaTypeError, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (RequestError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (QueueFullError, HTTPStatus.TOO_MANY_REQUESTS),
    (ClosedError, HTTPStatus.SERVICE_UNAVAILABLE),
    (DeadlineError, HTTPStatus.GATEWAY_TIMEOUT),
)


def json_response(value: object, status: int = HTTPStatus.OK) -> Response:
    """Return a response with `value` as JSON; it may serve as a constant endpoint."""
    return Response(_encode(value), status, media_type="application/json")


async def send_response(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send a complete response; the content length is appended to `headers`."""
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_error(send: Send, error: GanportError, path: str = "") -> None:
    """Send an error in the form that the routes under `path` use."""
    status = status_of(error)
    headers = [_JSON, *_error_headers(error)]
    await send_response(send, status, headers, error_body(error, status, path))


def status_of(error: GanportError) -> int:
    """Return the HTTP status of an error; 500 if the caller did not cause it."""
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return int(status)
    return int(HTTPStatus.INTERNAL_SERVER_ERROR)


def error_body(error: GanportError, status: int, path: str = "") -> bytes:
    """Return an error as JSON: an object, or one string under /v2 (Open Inference Protocol)."""
    if path == "/v2" or path.startswith("/v2/"):
        return _encode(ProtocolError(str(error)))
    details = ErrorDetails(status, error.place, error.expected, error.found, error.fix)
    return _encode(Error(details))


def shutting_down_error() -> ClosedError:
    """Return the error for a request that arrives during the shutdown."""
    return ClosedError(
        "service", "a running service", "a service that shuts down", "Retry in a few seconds."
    )


def result_headers(result: GenerationResult, body: ResponseBody, encode_seconds: float) -> Headers:
    """Return the headers of generated images: type, times, device, seeds, then those of `body`."""
    timing = (
        f"queue;dur={result.queue_seconds * 1e3:.3f}, "
        f"compute;dur={result.compute_seconds * 1e3:.3f}, encode;dur={encode_seconds * 1e3:.3f}"
    )
    headers = [
        (b"content-type", body.media_type.encode()),
        (b"server-timing", timing.encode()),
        (b"ganport-device", result.device.encode()),
    ]
    if seeds := format_seeds(result.seeds):
        headers.append((b"ganport-seeds", seeds.encode()))
    headers += [(name.lower().encode(), value.encode()) for name, value in body.headers]
    return headers


def format_seeds(seeds: Sequence[int]) -> str:
    """Return seeds as `7`, `7..22` (consecutive) or a list; "" for none or more than 100.

    The caller chose a longer list of seeds, so the header need not repeat it.
    """
    if len(seeds) == 1:
        return str(seeds[0])
    if not seeds:
        return ""
    first, last = seeds[0], seeds[-1]
    if all(seed == (first + index) % 2**64 for index, seed in enumerate(seeds)):
        return f"{first}..{last}"
    return ", ".join(map(str, seeds)) if len(seeds) <= _MAX_LISTED_SEEDS else ""


def _error_headers(error: GanportError) -> Headers:
    if isinstance(error, QueueFullError):
        return [(b"retry-after", b"%d" % max(1, ceil(error.retry_after)))]
    if isinstance(error, ClosedError):
        return [(b"retry-after", b"%d" % _RESTART_SECONDS), _CLOSE]
    if isinstance(error, KeyMissingError):
        return [(b"www-authenticate", b"Bearer")]
    if isinstance(error, TooLargeError | SlowBodyError):
        return [_CLOSE]  # an open connection would have to receive the rest of the body
    return []
