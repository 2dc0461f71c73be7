"""Run commands one after another in this process: `python calls.py CALLS.json RESULTS.jsonl`.

CALLS maps a name to a command line. RESULTS gets a line `[name, [exit code, stdout, stderr]]` for
each command when it has ended.
"""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import entry_points
from pathlib import Path


def call(words: list[str]) -> tuple[int, str, str]:
    """Run the entry point of a console script; return its exit code and what it wrote."""
    command, *_ = sys.argv = words
    (entry,) = entry_points(group="console_scripts", name=command)
    code: object = 0
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        try:
            entry.load()()
        except SystemExit as end:
            code = end.code
    # As the interpreter does it: no code is 0, and a text is an error.
    code = 0 if code is None else code if isinstance(code, int) else 1
    return code, out.getvalue(), err.getvalue()


def main(calls: Path, results: Path) -> None:
    with results.open("w", encoding="utf-8") as file:
        for name, words in json.loads(calls.read_text()).items():
            file.write(json.dumps([name, call(words)]) + "\n")
            file.flush()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
