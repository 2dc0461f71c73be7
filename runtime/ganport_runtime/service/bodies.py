"""Request bodies: their media types, how they arrive, and the memory that all of them share."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from ctypes import CDLL
from time import monotonic
from typing import Self

from starlette.types import Receive

from ganport_runtime.errors import QueueFullError
from ganport_runtime.service.responses import MediaTypeError, SlowBodyError, TooLargeError
from ganport_runtime.service.settings import MAX_JSON_BYTES
from ganport_runtime.values import sanitize

_SMALL = 1 << 16
"""Bytes of a body that need no memory of the budget; a server buffers this much in any case."""
_STALLED = 1.0
"""Seconds for 64 KiB; a body that arrives slower loses its memory if another one needs it."""
_RETRY = 2.0
_TRIM_BYTES = 16 << 20
"""Bytes of bodies after which the C library returns its free memory to the system."""


class ClientDisconnectError(Exception):
    """The client closed its connection before the response."""


class BodyBudget:
    """The memory for request bodies of more than 64 KiB in one process.

    A body counts from its arrival to the end of its use. If `limit` bytes are in use, the body
    that has stalled longest is given up. If none has stalled, the new bytes are refused.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = self._peak = 0
        self._receiving: dict[BodyReservation, None] = {}

    def reserve(self) -> BodyReservation:
        """Return the reservation of a request; use it in a `with` statement."""
        return BodyReservation(self)

    def grow(self, reservation: BodyReservation, size: int) -> None:
        """Count `size` more bytes; raises `QueueFullError` if there is no memory for them."""
        while self.used + size > self.limit:
            stalled = [other for other in self._receiving if other.stalled]
            if not stalled or stalled[0] is reservation:
                raise QueueFullError(
                    "body",
                    expected=f"at most {self.limit} bytes of bodies at a time",
                    found="more",
                    fix="Retry in a few seconds, or send a smaller body.",
                    retry_after=_RETRY,
                )
            stalled[0].give_up()
        self.used += size
        self._peak = max(self._peak, self.used)

    def record_progress(self, reservation: BodyReservation, *, complete: bool) -> None:
        """Move a body to the end of the order, or out of it if it is complete."""
        self._receiving.pop(reservation, None)
        if not complete:
            self._receiving[reservation] = None

    def release(self, reservation: BodyReservation, size: int) -> None:
        """Return the memory of a body."""
        self._receiving.pop(reservation, None)
        self.used -= size
        if not self.used and self._peak >= _TRIM_BYTES:
            self._peak = 0
            asyncio.get_running_loop().call_later(_STALLED, _trim_heap)


def _trim_heap() -> None:
    with suppress(AttributeError, OSError, TypeError):  # only glibc has this function
        CDLL(None).malloc_trim(0)


class BodyReservation:
    """The memory of one request body."""

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._counted = self._marked = 0
        self._last_progress = monotonic()
        self._timeout = asyncio.timeout(None)
        self._given_up = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._counted:
            self._budget.release(self, self._counted)
            self._counted = 0

    @property
    def stalled(self) -> bool:
        """Return whether the last 64 KiB took too long."""
        return monotonic() - self._last_progress > _STALLED

    def give_up(self) -> None:
        """Return the memory and end the request, which waits for its body."""
        self._given_up = True
        self._budget.release(self, self._counted)
        self._counted = 0
        self._timeout.reschedule(asyncio.get_running_loop().time())

    async def read(
        self,
        receive: Receive,
        headers: Mapping[bytes, bytes],
        seconds: float,
        max_bytes: int,
    ) -> bytes | bytearray:
        """Return the complete body of a request.

        Raises `SlowBodyError` after `seconds`, or if another body needs the memory of a stalled
        one; `TooLargeError` above `max_bytes`, `QueueFullError`, and `ClientDisconnectError`.
        """
        check_content_length(headers, max_bytes)
        self._timeout = asyncio.timeout(seconds)
        try:
            async with self._timeout:
                chunk, more = await _read_chunk(receive)
                if not more and len(chunk) <= min(max_bytes, _SMALL):  # the common case
                    return chunk
                body = bytearray(chunk)
                self._count(len(body), max_bytes, more)
                while more:
                    chunk, more = await _read_chunk(receive)
                    self._count(len(body) + len(chunk), max_bytes, more)
                    body += chunk
                return body
        except TimeoutError:
            expected = f"the whole body within {seconds:g} s"
            if self._given_up:
                expected = "a faster body, while other bodies need its memory"
            raise SlowBodyError("body", expected, "a part of it", "Send it again.") from None

    def _count(self, received: int, max_bytes: int, more: bool) -> None:
        if received > max_bytes:
            raise too_large_error(max_bytes)
        if received <= _SMALL and not self._counted:
            return
        self._budget.grow(self, received - self._counted)
        self._counted = received
        if received >= self._marked + _SMALL or not more:
            self._marked, self._last_progress = received, monotonic()
            self._budget.record_progress(self, complete=not more)


def check_content_length(headers: Mapping[bytes, bytes], max_bytes: int) -> None:
    """Raise `TooLargeError` if the headers announce a body above `max_bytes`."""
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length[:20]) > max_bytes:
        raise too_large_error(max_bytes)


def too_large_error(max_bytes: int) -> TooLargeError:
    """Return the error for a body above `max_bytes`."""
    fix = "Send less, or start the service with a higher --max-body."
    if max_bytes == MAX_JSON_BYTES:
        fix = "Split the request."
    return TooLargeError("body", f"at most {max_bytes} bytes", "a larger body", fix)


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


async def _read_chunk(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnectError
    return message.get("body", b""), message.get("more_body", False)
