"""The HTML page of a score, one file without scripts or links, and the folder of a report."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from ganport_runtime.files import atomic_directory, check_folder
from ganport_train.evaluation.report import charts, formatting
from ganport_train.evaluation.report.charts import RunHistory, run_charts
from ganport_train.evaluation.scores.sampling import ScoreError
from ganport_train.evaluation.scores.sheets import Sheet

JSON, HTML, SHEETS = "report.json", "report.html", "sheets"
_IGNORE = "# Holds real images of the data set, which do not belong in the repository.\n*\n"


def render_score(
    report: Mapping[str, Any],
    sheets: Sequence[Sheet],
    records: Sequence[Mapping[str, Any]],
    scores: Sequence[Mapping[str, Any]],
) -> str:
    """Return the HTML of a score; equal input gives equal bytes.

    `report` is the content of report.json. `records` and `scores` are the lines of the run's
    stats.jsonl and scores.jsonl, empty for a bundle. Missing parts are left out.
    """
    return render_page(
        "score.html",
        name=formatting.report_title(report) or "Score",
        report=report,
        sheets=sheets,
        charts=run_charts(RunHistory(records, scores)),
    )


def render_page(template: str, **values: Any) -> str:
    """Return one of the templates of this package, filled in and escaped."""
    # Names of bundles and labels may come from strangers: everything is escaped.
    environment = Environment(
        loader=PackageLoader("ganport_train.evaluation.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"chart": charts, "tables": formatting}
    environment.filters |= {
        "data_uri": data_uri,
        "interval": formatting.format_interval,
        "number": formatting.format_number,
    }
    return environment.get_template(template).render(**values)


def data_uri(image: Image.Image) -> str:
    """Return an image as a PNG data URI."""
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def check_target(out: Path, *, force: bool) -> None:
    """Check the folder of a report before any work is done.

    Raises ScoreError for a folder with other files, or with a report unless `force` is set, and
    RequestError for a missing parent folder.
    """
    check_folder(out.parent)
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    place, expected = f"--out {out}", "a new folder"
    if not (out / JSON).is_file():
        raise ScoreError(place, expected, "other files", "Choose another folder.")
    if not force:
        fix = "Choose another folder, or replace the report with --force."
        raise ScoreError(place, expected, "a report", fix)


def write_report(out: Path, report: Mapping[str, Any], html: str, sheets: Sequence[Sheet]) -> None:
    """Write the folder of a report as a whole; on an error write nothing and raise ScoreError."""
    try:
        with atomic_directory(out) as folder:
            text = json.dumps(report, indent=1, sort_keys=True, allow_nan=False) + "\n"
            (folder / JSON).write_bytes(text.encode())
            # A name may hold an unpaired surrogate, which UTF-8 cannot encode.
            (folder / HTML).write_bytes(html.encode(errors="replace"))
            (folder / ".gitignore").write_text(_IGNORE)
            (folder / SHEETS).mkdir()
            for number, sheet in enumerate(sheets, 1):
                sheet.image.save(folder / SHEETS / f"{number}-{_file_name(sheet.title)}.png")
    except OSError as error:
        raise ScoreError(
            f"--out {out}",
            "a writable folder",
            error.strerror or str(error),
            "Free some space or choose another folder.",
        ) from None


def _file_name(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60]
