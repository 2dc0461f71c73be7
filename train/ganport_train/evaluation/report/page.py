"""The pages of scores and comparisons: one file that needs no other, no network, no script."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from ganport_train.evaluation.report import chart, formatting, run_history, tables
from ganport_train.evaluation.report.run_history import Course


@dataclass(frozen=True, eq=False)
class Sheet:
    """A picture of the page, under a title, with a note on what it shows."""

    title: str
    note: str
    picture: Image.Image


def render(
    report: Mapping[str, Any],
    sheets: Sequence[Sheet],
    records: Sequence[Mapping[str, Any]],
    scores: Sequence[Mapping[str, Any]],
) -> str:
    """The HTML of a score, the same bytes for the same input.

    `report` is what stands in report.json; `records` and `scores` are the lines of the run's
    stats.jsonl and scores.jsonl, none for a bundle without its run. What is missing is left out.
    """
    return page(
        "score.html",
        name=formatting.name_of(report) or "Score",
        report=report,
        sheets=sheets,
        charts=run_history.of_run(Course(records, scores)),
    )


def page(template: str, **values: Any) -> str:
    """One of the templates of this folder, filled in and escaped."""
    return _templates().get_template(template).render(**values)


def data_uri(picture: Image.Image) -> str:
    """A picture as a PNG that stands in the page itself."""
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def _templates() -> Environment:
    # Names of bundles and labels are a stranger's: everything is escaped.
    environment = Environment(
        loader=PackageLoader("ganport_train.evaluation.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"chart": chart, "tables": tables}
    environment.filters |= {
        "data_uri": data_uri,
        "interval": formatting.interval,
        "measure": formatting.measure,
    }
    return environment
