"""Start of the console commands, without any package outside the standard library."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from typing import TextIO

from ganport_runtime.errors import GanportError, GanportWarning, require_packages


def run_entry_point(target: str, *, extra: str, packages: tuple[str, ...]) -> None:
    """Run the click command at `target` ("module:attribute") and exit with its code.

    If one of `packages` is not installed, exit with code 6 and the pip command of `extra`. Print a
    `GanportError`, an `OSError` or an interrupt as one line on stderr, without traceback.
    """
    warnings.showwarning = _show_warning
    try:
        require_packages(extra, packages)
        module, _, attribute = target.partition(":")
        getattr(import_module(module), attribute)()
    except GanportError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:  # during the import; click handles later ones
        print("Aborted!", file=sys.stderr)
        sys.exit(1)


_show_python_warning = warnings.showwarning


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    # The users of a command do not need the source line of a warning of ganport.
    if issubclass(category, GanportWarning):
        print(f"warning: {message}", file=file or sys.stderr)
    else:
        _show_python_warning(message, category, filename, lineno, file, line)
