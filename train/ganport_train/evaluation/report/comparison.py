"""Comparison of runs and reports: what each was made from, its progress, and its metrics."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganport_runtime.errors import GanportError, RequestError
from ganport_runtime.values import repr_short, sanitize
from ganport_train.evaluation.report.charts import RunHistory
from ganport_train.evaluation.report.formatting import (
    as_number,
    flatten,
    headline_metrics,
    report_title,
)
from ganport_train.evaluation.report.page import JSON
from ganport_train.runs.metrics import SCORES, read_log
from ganport_train.runs.run_dir import CONFIG, read_config

SCHEMA_VERSION = 2
SCORE = "score"
"""The folder of a run's own report."""

# Facts of a run that are not options. The digest of its data is compared separately.
_NOT_CHOSEN = (
    "data_digest",
    "judge_digest",
    "threads",
    "python_version",
    "torch_version",
    "numpy_version",
)
_NOT_OPTIONS = ("title", "source", "palette")
_MAX_NAME = 200


@dataclass(frozen=True, eq=False)
class Entry:
    """A run or a single report; parts that do not exist yet are empty."""

    name: str
    path: Path
    title: str = ""
    """The title of the recipe, or of the bundle of a single report."""
    options: Mapping[str, str] = field(default_factory=dict)
    data_digest: str = ""
    history: RunHistory = field(default_factory=RunHistory)
    report: Mapping[str, Any] = field(default_factory=dict)

    @property
    def images(self) -> float | None:
        """The number of training images seen."""
        return self._latest("images")

    @property
    def minutes(self) -> float | None:
        """The duration of the training, in minutes."""
        seconds = self._latest("seconds")
        return None if seconds is None else seconds / 60

    @property
    def validation_scores(self) -> list[float]:
        """The validation scores on the scale of the last one, in order."""
        scores = [row for row in self.history.scores if _score_scale(row) == self.score_scale]
        values = [as_number(row.get("score")) for row in scores]
        return [value for value in values if value is not None]

    @property
    def score_scale(self) -> tuple[str, str]:
        """The extractor and the number of images of the last validation score."""
        return _score_scale(self.history.scores[-1]) if self.history.scores else ("", "")

    @property
    def collapsed(self) -> bool:
        """Whether the last validation score reported a collapse."""
        return bool(self.history.scores and self.history.scores[-1].get("collapsed"))

    @property
    def headline(self) -> dict[str, Mapping[str, Any]]:
        """The headline metrics of the report."""
        return headline_metrics(self.report)

    def _latest(self, key: str) -> float | None:
        return as_number(self.history.records[-1].get(key)) if self.history.records else None


def read_entries(paths: Sequence[Path]) -> list[Entry]:
    """Read run folders and report folders, with distinct names.

    Raises RequestError for another folder, for a folder given twice, and if no entry has content;
    raises GanportError for corrupt records or reports.
    """
    names = _short_names([path.resolve() for path in paths])
    entries = [_read_entry(path, name) for path, name in zip(paths, names, strict=True)]
    if not any(entry.history.records or entry.report for entry in entries):
        raise RequestError(
            ", ".join(map(str, paths)),
            "a run with records, or a report",
            "none yet",
            "Wait for the first record of a run.",
        )
    return entries


def differing_options(entries: Sequence[Entry]) -> dict[str, list[str]]:
    """Return the options that differ between runs: one value per entry, "" for a report."""
    tables = [entry.options for entry in entries if entry.options]
    keys = dict.fromkeys(key for table in tables for key in table)
    return {
        key: [entry.options.get(key, "") for entry in entries]
        for key in keys
        if len({table.get(key, "") for table in tables}) > 1
    }


def comparison_json(entries: Sequence[Entry], notes: Sequence[str]) -> dict[str, Any]:
    """Return the content of compare.json."""
    options = differing_options(entries)
    runs = [
        {
            "name": entry.name,
            "path": str(entry.path),
            "title": entry.title,
            "options": {key: values[index] for key, values in options.items()},
            "images": entry.images,
            "minutes": entry.minutes,
            "score": _score_json(entry),
            "metrics": entry.headline,
        }
        for index, entry in enumerate(entries)
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "comparison",
        "runs": runs,
        "notes": list(notes),
    }


def _score_json(entry: Entry) -> dict[str, Any]:
    scores = entry.validation_scores
    if not scores:
        return {}
    return {"extractor": entry.score_scale[0], "last": scores[-1], "best": max(scores)}


def _score_scale(score: Mapping[str, Any]) -> tuple[str, str]:
    # Coverage depends on the number of images.
    return str(score.get("extractor", "")), str(score.get("eval_images", ""))


def _short_names(paths: Sequence[Path]) -> list[str]:
    """Return the shortest tail of each path that no other path shares."""
    if len(set(paths)) < len(paths):
        repeated = next(path for path in paths if paths.count(path) > 1)
        raise RequestError(str(repeated), "each run once", "it twice", "Name it once.")
    return [_short_name(path, [other for other in paths if other != path]) for path in paths]


def _short_name(path: Path, others: Sequence[Path]) -> str:
    for count in range(1, len(path.parts)):
        tail = path.parts[-count:]
        if all(other.parts[-count:] != tail for other in others):
            return sanitize("/".join(tail), _MAX_NAME)
    return sanitize(str(path), _MAX_NAME)


def _read_entry(path: Path, name: str) -> Entry:
    if (path / CONFIG).is_file():
        return _read_run(path, name)
    if (path / JSON).is_file():
        report = _read_report(path / JSON)
        return Entry(name, path, title=report_title(report), report=report)
    raise RequestError(
        str(path),
        f"a run with its {CONFIG}, or a folder with a {JSON}",
        "another folder" if path.is_dir() else "a file" if path.exists() else "no such folder",
        "Name the --out of train-gan or of eval-gan score.",
    )


def _read_run(path: Path, name: str) -> Entry:
    recipe, environment = read_config(path)
    run = {key: value for key, value in vars(environment).items() if key not in _NOT_CHOSEN}
    tables = {key: value for key, value in recipe.to_json().items() if key not in _NOT_OPTIONS}
    report = path / SCORE / JSON
    return Entry(
        name,
        path,
        title=recipe.title,
        options=dict(flatten({**tables, "run": run})),
        data_digest=environment.data_digest,
        history=RunHistory(read_log(path), read_log(path, SCORES)),
        report=_read_report(report) if report.is_file() else {},
    )


def _read_report(path: Path) -> dict[str, Any]:
    try:
        report = _migrate(json.loads(path.read_text(encoding="utf-8")))
        if report["kind"] == "score" and _has_metrics(report):
            return report
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise GanportError(
        str(path),
        "a report of eval-gan score",
        repr_short(path.read_bytes()[:60]),
        "Score the run or bundle again.",
    )


def _migrate(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report under the names of today; schema 1 had other names."""
    migrated = dict(report)
    if "figures" in migrated:
        figures = migrated.pop("figures")
        migrated["metrics"] = {_metric_key(key): metric for key, metric in figures.items()}
        migrated["headline"] = [_metric_key(key) for key in migrated["headline"]]
    options = migrated.get("options")
    if isinstance(options, dict) and "held_out" in options:
        migrated["options"] = {**options, "val_fraction": options["held_out"]}
    return migrated


def _metric_key(key: str) -> str:
    return f"prompts_{key.removeprefix('trial_')}" if key.startswith("trial_") else key


def _has_metrics(report: Mapping[str, Any]) -> bool:
    metrics, headline = report["metrics"], report["headline"]
    return (
        isinstance(metrics, dict)
        and all(isinstance(metric, dict) and "value" in metric for metric in metrics.values())
        and isinstance(headline, list)
        and all(isinstance(key, str) for key in headline)
    )
