"""The folder of a report: report.json for machines, report.html for people, sheets beside them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganport_runtime.files import atomic_directory, check_folder
from ganport_train.evaluation.report.page import Sheet
from ganport_train.evaluation.scores.compatibility import ScoreError

JSON, HTML, SHEETS = "report.json", "report.html", "sheets"
_IGNORE = "# Holds real pictures of the data set, which are not for the repository.\n*\n"


def check_target(out: Path, *, force: bool) -> None:
    """Refuse a place for a report before any work is done for it.

    Raises ScoreError for what is no report, or is one unless `force` is set, and RequestError for
    a missing parent folder.
    """
    check_folder(out.parent)
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / JSON).is_file():
        raise _refuse(out, "something else", "Name another place.")
    if not force:
        raise _refuse(out, "a report", "Name another place, or replace it with --force.")


def write(out: Path, report: Mapping[str, Any], html: str, sheets: Sequence[Sheet]) -> None:
    """Write the whole folder or, on an error, nothing of it; raises ScoreError."""
    try:
        with atomic_directory(out) as folder:
            text = json.dumps(report, indent=1, sort_keys=True, allow_nan=False) + "\n"
            (folder / JSON).write_bytes(text.encode())
            # A name may hold half of a surrogate pair, which no file can.
            (folder / HTML).write_bytes(html.encode(errors="replace"))
            (folder / ".gitignore").write_text(_IGNORE)
            (folder / SHEETS).mkdir()
            for number, sheet in enumerate(sheets, 1):
                sheet.picture.save(folder / SHEETS / f"{number}-{_plain(sheet.title)}.png")
    except OSError as error:
        raise ScoreError(
            f"--out {out}",
            expected="a place that can be written",
            found=error.strerror or str(error),
            fix="Free some space or name another place.",
        ) from None


def _plain(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60]


def _refuse(out: Path, found: str, fix: str) -> ScoreError:
    return ScoreError(f"--out {out}", expected="a new folder", found=found, fix=fix)
