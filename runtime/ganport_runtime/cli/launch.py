"""Start a command, or say in one line which extra it lacks. Standard library only."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from typing import TextIO

from ganport_runtime.errors import GanportError, GanportWarning
from ganport_runtime.extras import require_packages


def launch(target: str, *, extra: str, needs: tuple[str, ...]) -> None:
    """Run the click command at `target` ("module:attribute") and exit with its code.

    A package of `needs` that is not installed ends in exit code 6 and the exact pip line of
    `extra`. A `GanportError`, an `OSError` and an interrupt end in one line on stderr, never in a
    traceback.
    """
    warnings.showwarning = _show_warning
    try:
        require_packages(extra, needs)
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
