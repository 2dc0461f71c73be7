"""Around every route: who may ask, how large a body may be, errors as JSON, and a count."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from itertools import count

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ganport_runtime.errors import ClosedError, GanportError
from ganport_runtime.service.auth import Keys
from ganport_runtime.service.errors import TooLargeError, status_of
from ganport_runtime.service.metrics import LEFT, Meter
from ganport_runtime.service.responses import answer_error, closing
from ganport_runtime.service.timeouts import ClientLeftError

OPEN = frozenset({"/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"})
"""Paths that need no key: whoever watches over the process has none."""
_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
_log = logging.getLogger("ganport.service")


class Front:
    """Middleware in plain ASGI, since it stands before every picture."""

    def __init__(
        self, app: ASGIApp, direct: Mapping[str, ASGIApp], keys: Keys, max_body: int, meter: Meter
    ) -> None:
        self._app = app
        # POST to these paths passes by the router: 8 of the 50 us that a small answer costs here.
        self._direct = direct
        self._keys = keys
        self._max_body = max_body
        self._meter = meter
        self._start = secrets.token_hex(4)
        self._numbers = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        direct = self._direct.get(path) if scope["method"] == "POST" else None
        headers = dict(scope["headers"])
        exchange = _Exchange(receive, send, self._max_body, self._id(headers))
        try:
            if path not in OPEN:
                self._keys.check(headers)
            exchange.check_length(headers)
            await (direct or self._app)(scope, exchange.receive, exchange.send)
        except ClientLeftError:
            exchange.status = LEFT
        except (Exception, asyncio.CancelledError) as error:
            await self._refuse(error, exchange, scope)
        finally:
            # What no route takes is one row, or strangers could make rows without end.
            route = path if direct else getattr(scope.get("route"), "path", "other")
            self._meter.answered(route, exchange.status)

    async def _refuse(self, error: BaseException, exchange: _Exchange, scope: Scope) -> None:
        shown = _shown(error)
        if exchange.status or status_of(shown) == HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("request %s failed", exchange.id.decode(), exc_info=error)
        if exchange.status:
            raise error  # the answer is half out: all that can be done is to cut it off
        await answer_error(exchange.send, shown, scope["path"])

    def _id(self, headers: Mapping[bytes, bytes]) -> bytes:
        given = headers.get(b"x-request-id")
        if given is not None and _ID.fullmatch(given):
            return given
        return f"{self._start}-{next(self._numbers)}".encode()


class _Exchange:
    """One request and its answer: counts what comes in, marks what goes out."""

    __slots__ = ("_left", "_limit", "_receive", "_send", "id", "status")

    def __init__(self, receive: Receive, send: Send, limit: int, name: bytes) -> None:
        self._receive = receive
        self._send = send
        self._limit = self._left = limit
        self.id = name
        self.status = 0

    def check_length(self, headers: Mapping[bytes, bytes]) -> None:
        length = headers.get(b"content-length")
        if length is not None and length.isdigit() and int(length[:20]) > self._limit:
            raise self._too_large()

    async def receive(self) -> Message:
        message = await self._receive()
        # The header need not be there, nor be true.
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise self._too_large()
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), (b"x-request-id", self.id)]
        await self._send(message)

    def _too_large(self) -> TooLargeError:
        return TooLargeError(
            "body",
            expected=f"at most {self._limit} bytes",
            found="more",
            fix="Send less, or start the service with a higher --max-body.",
        )


def _shown(error: BaseException) -> GanportError:
    """What a caller is told of an error: nothing of the paths and words inside for a fault."""
    # A server cancels what it cannot wait for any longer when it ends.
    if isinstance(error, ClosedError | asyncio.CancelledError):
        return closing()
    if isinstance(error, GanportError) and status_of(error) != HTTPStatus.INTERNAL_SERVER_ERROR:
        return error
    return GanportError(
        "service",
        expected="an answer",
        found="a fault of its own",
        fix="Tell whoever runs it; the log has this request's id.",
    )
