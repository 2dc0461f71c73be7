"""The errors that ganport raises: each names a place, what was expected, what was found, a fix."""

from __future__ import annotations

from typing import ClassVar, Self


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

    default_fix = "Use a value that the group allows."


class BundleError(GanportError):
    """A bundle, manifest or graph that is damaged, untrusted or not usable."""

    default_fix = "The bundle is damaged or was changed: copy it again or export it again."


class DeviceError(GanportError):
    """A device that was requested by name and is not available."""


class QueueFullError(GanportError):
    """The queue has no capacity for a request; `retry_after` is the time to wait in seconds."""

    def __init__(self, place: str, *, expected: str, found: str, fix: str, retry_after: float):
        super().__init__(place, expected, found, fix)
        self.retry_after = retry_after


class DeadlineError(GanportError, TimeoutError):
    """A request that was not served within its timeout."""


class ClosedError(GanportError):
    """A batcher or service that is closed and takes no requests."""


class MissingExtraError(GanportError):
    """A package of an optional extra is not installed."""

    exit_code: int = 6

    @classmethod
    def for_packages(cls, extra: str, *packages: str) -> Self:
        """Return the error for absent `packages`, with the pip line of `extra`."""
        return cls(
            f"extra {extra!r}",
            "its packages to be installed",
            f"no {', no '.join(packages)}",
            f"Run: pip install 'ganport[{extra}]'",
        )


class GanportWarning(UserWarning):
    """A problem that a user should know about and that does not stop the work."""
