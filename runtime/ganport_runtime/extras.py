"""Optional extras: which packages they need, and the pip line that installs them."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from importlib.util import find_spec
from typing import Any

from ganport_runtime.errors import MissingExtraError

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
