"""What a service refuses before a generator sees it, and the HTTP status of every refusal."""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus

from ganport_runtime.errors import (
    ClosedError,
    DeadlineError,
    GanportError,
    QueueFullError,
    RequestError,
)
from ganport_runtime.values import closest_match, format_choices, repr_short


class BodyError(RequestError):
    """A body that is not what its type says."""


class TooLargeError(RequestError):
    """A body of more bytes than are taken."""


class MediaTypeError(RequestError):
    """A body, or an answer, of a type that is not known."""


class SlowBodyError(RequestError):
    """A body that did not arrive in time."""


class UnknownBundleError(RequestError):
    """A name that no bundle of the service has."""


class KeyMissingError(RequestError):
    """A request without a key that the service knows."""


# The first that fits counts: the narrow ones stand before those they are kinds of.
_STATUSES: tuple[tuple[type[GanportError], HTTPStatus], ...] = (
    (BodyError, HTTPStatus.BAD_REQUEST),
    (KeyMissingError, HTTPStatus.UNAUTHORIZED),
    (UnknownBundleError, HTTPStatus.NOT_FOUND),
    (SlowBodyError, HTTPStatus.REQUEST_TIMEOUT),
    (TooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (MediaTypeError, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (RequestError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (QueueFullError, HTTPStatus.TOO_MANY_REQUESTS),
    (ClosedError, HTTPStatus.SERVICE_UNAVAILABLE),
    (DeadlineError, HTTPStatus.GATEWAY_TIMEOUT),
)


def status_of(error: GanportError) -> int:
    """The HTTP status that says what kind of error it is; 500 for what is no caller's fault."""
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return int(status)
    return int(HTTPStatus.INTERNAL_SERVER_ERROR)


def unknown_bundle(name: str, names: Collection[str]) -> UnknownBundleError:
    near = closest_match(name, names)
    return UnknownBundleError(
        "bundle",
        expected=f"one of {format_choices(names)}",
        found=repr_short(name),
        fix=f"Did you mean {near!r}?",
    )
