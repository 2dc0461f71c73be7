"""Middleware around all routes: API keys, body size, errors as JSON, request IDs and counts."""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import secrets
from collections.abc import Iterable, Mapping
from hashlib import sha256
from http import HTTPStatus
from itertools import count
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ganport_runtime.errors import ClosedError, GanportError
from ganport_runtime.service.bodies import ClientDisconnectError, check_content_length
from ganport_runtime.service.generate_routes import GenerationService
from ganport_runtime.service.metrics import CLIENT_CLOSED_REQUEST, AccessLog
from ganport_runtime.service.responses import (
    ForbiddenError,
    KeyMissingError,
    send_error,
    shutting_down_error,
    status_of,
)
from ganport_runtime.values import format_choices, sanitize

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
_FOREIGN_SITES = (b"cross-site", b"same-site")
_log = logging.getLogger("ganport.service")


class ApiKeys:
    """The API keys of a service; without keys, every request is accepted."""

    def __init__(self, keys: Iterable[str]) -> None:
        # Digests have equal lengths, so the comparison time does not depend on a key's length.
        self._digests = [sha256(key.encode()).digest() for key in keys]

    def check(self, headers: Mapping[bytes, bytes]) -> None:
        """Raise `KeyMissingError` unless the headers carry a known key.

        The key is in `X-API-Key` or in `Authorization: Bearer`.
        """
        if not self._digests:
            return
        digest = sha256(_read_key(headers)).digest()
        known = False
        for expected in self._digests:  # no early exit: the time must not reveal the position
            known |= hmac.compare_digest(digest, expected)
        if not known:
            has_key = b"x-api-key" in headers or b"authorization" in headers
            raise KeyMissingError(
                "API key",
                expected="a key that the service knows",
                found="an unknown key" if has_key else "no key",
                fix="Send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'.",
            )


class OriginRules:
    """The hosts and the web origins that a service accepts."""

    def __init__(self, hosts: Iterable[str], origins: Iterable[str]) -> None:
        self._hosts = {host.lower().encode() for host in hosts}
        self._origins = {origin.encode() for origin in origins}

    def check(self, method: str, headers: Mapping[bytes, bytes]) -> None:
        """Raise `ForbiddenError` for a foreign `Host` and for an untyped POST of a foreign page.

        A browser sends a POST without a content type to any service without a preflight request. A
        client that is no browser sends neither `Origin` nor `Sec-Fetch-Site`.
        """
        host = headers.get(b"host", b"")
        if self._hosts and host and _host_name(host) not in self._hosts:
            names = sorted(name.decode() for name in self._hosts)
            found, fix = f"'{_shown(host)}'", "Start the service with --allowed-host NAME."
            raise ForbiddenError("Host", f"one of {format_choices(names)}", found, fix)
        if method != "POST" or b"content-type" in headers or b"*" in self._origins:
            return
        origin, site = headers.get(b"origin"), headers.get(b"sec-fetch-site", b"none")
        if site in _FOREIGN_SITES or (origin is not None and origin not in self._origins):
            found = f"none, from '{_shown(origin or site)}'"
            fix = "Send a content type, and start the service with --cors ORIGIN."
            raise ForbiddenError("Content-Type", "one from a foreign page", found, fix)


def _host_name(host: bytes) -> bytes:
    name, colon, port = host.lower().rpartition(b":")
    return name if colon and port.isdigit() else host.lower()


def _shown(value: bytes) -> str:
    return sanitize(value.decode("latin-1"))


class RequestGuardMiddleware:
    """Pure ASGI middleware that checks each request and reports its errors.

    POST requests to `fast_routes` bypass the router: it takes 8 of the 50 microseconds that a
    small response costs here.
    """

    def __init__(
        self, app: ASGIApp, service: GenerationService, fast_routes: Mapping[str, ASGIApp]
    ) -> None:
        settings = service.settings
        self._app = app
        self._fast_routes = fast_routes
        self._keys = ApiKeys(settings.keys)
        self._rules = OriginRules(settings.hosts, settings.origins)
        self._registry = service.registry
        self._max_body = settings.max_body
        self._public_paths = settings.public_paths
        self._public_prefixes = settings.public_prefixes
        self._metrics = service.metrics
        self._access_log = AccessLog(settings.access_log) if settings.access_log else None
        self._id_prefix = secrets.token_hex(4)
        self._id_numbers = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, path = perf_counter(), scope["path"]
        fast_route = self._fast_routes.get(path) if scope["method"] == "POST" else None
        headers = dict(scope["headers"])
        context = _RequestContext(send, self._request_id(headers))
        try:
            self._rules.check(scope["method"], headers)
            if path not in self._public_paths and not path.startswith(self._public_prefixes):
                self._keys.check(headers)
                if self._registry.rejecting:
                    raise shutting_down_error()
            check_content_length(headers, self._max_body)
            await (fast_route or self._app)(scope, receive, context.send)
        except ClientDisconnectError:
            context.status = CLIENT_CLOSED_REQUEST
        except (Exception, asyncio.CancelledError) as error:
            await self._report(error, context, scope)
        finally:
            # Unknown paths share one row, otherwise clients could create any number of rows.
            route = path if fast_route else getattr(scope.get("route"), "path", "other")
            self._metrics.count_request(route, context.status)
            if self._access_log is not None:
                self._access_log.write(scope, context.id, context.status, context.sent, start)

    async def _report(self, error: BaseException, context: _RequestContext, scope: Scope) -> None:
        public = _public_error(error)
        if context.status or status_of(public) == HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("request %s failed", context.id.decode(), exc_info=error)
        if context.status:
            raise error  # a part of the response is sent, so the connection must be cut
        await send_error(context.send, public, scope["path"])

    def _request_id(self, headers: Mapping[bytes, bytes]) -> bytes:
        given = headers.get(b"x-request-id")
        if given is not None and _REQUEST_ID.fullmatch(given):
            return given
        return f"{self._id_prefix}-{next(self._id_numbers)}".encode()


class _RequestContext:
    """One request: records the status and adds the request ID."""

    __slots__ = ("_send", "id", "sent", "status")

    def __init__(self, send: Send, request_id: bytes) -> None:
        self._send = send
        self.id = request_id
        self.status = self.sent = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), (b"x-request-id", self.id)]
        else:
            self.sent += len(message.get("body", b""))
        await self._send(message)


def _public_error(error: BaseException) -> GanportError:
    """Return the error to report; an internal error must not reveal paths or messages."""
    # At shutdown the server cancels the requests that it cannot wait for.
    if isinstance(error, ClosedError | asyncio.CancelledError):
        return shutting_down_error()
    if isinstance(error, GanportError) and status_of(error) != HTTPStatus.INTERNAL_SERVER_ERROR:
        return error
    return GanportError(
        "service",
        expected="a response",
        found="an internal error",
        fix="Report it to the operator; the log contains the ID of this request.",
    )


def _read_key(headers: Mapping[bytes, bytes]) -> bytes:
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    return headers.get(b"x-api-key", token.strip() if scheme.lower() == b"bearer" else b"")
