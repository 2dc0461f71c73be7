"""Start a command, or say in one line which extra it lacks. Standard library only."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from typing import Any, TextIO

from ganport_runtime.errors import GanportError, GanportWarning, MissingExtraError

ROOM_EXTRAS = {
    "ganport_runtime": "tools",
    "ganport_models": "train",
    "ganport_train": "train",
    "ganport_export": "export",
}


def launch(target: str, *, extra: str, needs: tuple[str, ...]) -> None:
    """Run the click command at `target` ("module:attribute") and exit with its code.

    A package of `needs` that is not installed ends in exit code 6 and the exact pip line of
    `extra`. A `GanportError`, an `OSError` and an interrupt end in one line on stderr, never in a
    traceback.
    """
    warnings.showwarning = _show_warning
    try:
        require(extra, needs)
        module, _, attribute = target.partition(":")
        getattr(import_module(module), attribute)()
    except GanportError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:  # while the module was imported; later ones click sees to
        print("Aborted!", file=sys.stderr)
        sys.exit(1)


def require(extra: str, needs: tuple[str, ...]) -> None:
    """Raise `MissingExtraError` naming the packages of `needs` that are not installed."""
    missing = [name for name in needs if not _installed(name)]
    if missing:
        raise missing_extra(extra, *missing)


def missing_extra(extra: str, *packages: str) -> MissingExtraError:
    """The error for absent `packages`, with the exact pip line of `extra`."""
    return MissingExtraError(
        f"extra {extra!r}",
        expected="its packages to be installed",
        found=f"no {', no '.join(packages)}",
        fix=f"Run: pip install 'ganport[{extra}]'",
    )


def load_entry(entry: EntryPoint) -> Any:
    """What an entry point of one of our rooms names.

    Raises `MissingExtraError` with the room's pip line when a package it needs is not there.
    """
    try:
        return entry.load()
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        extra = ROOM_EXTRAS.get(entry.module.partition(".")[0])
        if extra is None or package in ROOM_EXTRAS:
            raise  # a fault of the code, not of the installation
        raise missing_extra(extra, package) from error


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except (ModuleNotFoundError, ValueError):
        return False


_show_other_warning = warnings.showwarning


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    # Our own warnings speak to the person at the terminal: no source line for them.
    if issubclass(category, GanportWarning):
        print(f"warning: {message}", file=file or sys.stderr)
    else:
        _show_other_warning(message, category, filename, lineno, file, line)
