"""What ganport raises: each error says where, what was expected, what came, what to do next."""

from __future__ import annotations


class GanportError(Exception):
    """Base of every error a user can cause.

    `place` names the file, option or tensor; `expected` and `found` are short phrases;
    `fix` is the next step, a whole sentence. `exit_code` is what a command exits with.
    """

    exit_code = 1

    def __init__(self, place: str, *, expected: str, found: str, fix: str) -> None:
        super().__init__(f"{place}: expected {expected}; found {found}. {fix}")
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
        super().__init__(place, expected=expected, found=found, fix=fix)
        self.retry_after = retry_after


class DeadlineError(GanportError, TimeoutError):
    """A request that could not be drawn in the time it was given."""


class ClosedError(GanportError):
    """A batcher or service that takes no more requests."""


class MissingExtraError(GanportError):
    """A package of an optional extra is not installed."""

    exit_code = 6


class GanportWarning(UserWarning):
    """Something a user should know and that did not stop the work."""
