"""The errors that ganport raises: each names the place, what was expected, what came, the fix."""

from __future__ import annotations

from typing import ClassVar


class GanportError(Exception):
    """Base class of every error that a user can cause.

    `place` names the file, option or tensor. `expected` and `found` are short phrases. `fix` is the
    next step, a full sentence; without it the error shows the `default_fix` of its class. A command
    exits with `exit_code`.
    """

    exit_code: int = 1
    default_fix: ClassVar[str] = ""

    def __init__(self, place: str, expected: str, found: str, fix: str = "") -> None:
        fix = fix or self.default_fix
        super().__init__(f"{place}: expected {expected}; found {found}. {fix}".rstrip())
        self.place = place
        self.expected = expected
        self.found = found
        self.fix = fix


class RequestError(GanportError, ValueError):
    """A seed, count, size or path that cannot be served."""


class ConditionError(RequestError):
    """A request that the condition groups of a bundle do not allow."""


class BundleError(GanportError):
    """A bundle, manifest or graph that cannot be trusted or used."""


class DeviceError(GanportError):
    """A device that was asked for by name and is not there."""


class QueueFullError(GanportError):
    """More pictures are waiting than may; `retry_after` is when to try again, in seconds."""

    def __init__(self, place: str, *, expected: str, found: str, fix: str, retry_after: float):
        super().__init__(place, expected, found, fix)
        self.retry_after = retry_after


class DeadlineError(GanportError, TimeoutError):
    """A request that could not be drawn in the time it was given."""


class ClosedError(GanportError):
    """A batcher or service that takes no more requests."""


class MissingExtraError(GanportError):
    """A package of an optional extra is not installed."""

    exit_code: int = 6


class GanportWarning(UserWarning):
    """Something a user should know and that did not stop the work."""
