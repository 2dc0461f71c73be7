"""The errors that ganport raises: each names a place, what was expected, what was found, a fix.

The functions check optional packages, and name the pip line that installs them.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint
from importlib.util import find_spec
from typing import Any, ClassVar, Self


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


class FileError(GanportError, OSError):
    """A file or folder that cannot be written; `errno` is that of the system."""

    default_fix = "Free some space, check the permissions, or write somewhere else."

    @classmethod
    def from_os_error(cls, error: OSError, path: str) -> Self:
        """Return `error`, which occurred while `path` was written, as an error of this class."""
        made = cls(path, "a path that can be written", error.strerror or str(error))
        made.errno, made.strerror, made.filename = error.errno, error.strerror, error.filename
        return made

    def __str__(self) -> str:
        return str(self.args[0])  # not the text that OSError makes of errno


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


PACKAGE_EXTRAS = {
    "ganport_runtime": "tools",
    "ganport_models": "train",
    "ganport_train": "train",
    "ganport_export": "export",
}
"""The extra that each package of ganport needs for its commands."""


def require_packages(extra: str, packages: tuple[str, ...]) -> None:
    """Raise `MissingExtraError` if any of `packages` is not installed.

    The error names the missing packages and the pip line of `extra`.
    """
    missing = [package for package in packages if not _is_installed(package)]
    if missing:
        raise MissingExtraError.for_packages(extra, *missing)


def load_entry_point(entry: EntryPoint) -> Any:
    """Return the object that an entry point of a ganport package names.

    Raises `MissingExtraError` with the pip line of that package's extra if a package it needs is
    not installed.
    """
    try:
        return entry.load()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        extra = PACKAGE_EXTRAS.get(entry.module.partition(".")[0])
        if extra is None or missing in PACKAGE_EXTRAS:
            raise  # a bug in ganport, not a missing package
        raise MissingExtraError.for_packages(extra, missing) from error


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except (ModuleNotFoundError, ValueError):
        return False
