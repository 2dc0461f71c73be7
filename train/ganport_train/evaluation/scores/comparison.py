"""Runs and reports side by side: what each was made from, how far it came, how good it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganport_runtime.errors import GanportError, RequestError
from ganport_runtime.values import repr_short, sanitize
from ganport_train.evaluation.report.formatting import flat, name_of, number
from ganport_train.evaluation.report.run_history import Course
from ganport_train.evaluation.scores.score_folder import JSON
from ganport_train.runs import jsonl_log
from ganport_train.runs.run_dir import CONFIG, read_config

SCHEMA_VERSION = 1
SCORE = "score"
"""The folder of a run's own report."""

# What a run was made with and no one chose; the digest of its data is compared by itself.
_INCIDENTAL = (
    "data_digest",
    "judge_digest",
    "threads",
    "python_version",
    "torch_version",
    "numpy_version",
)
_NO_OPTIONS = ("title", "source", "palette")  # a palette is a table of its own, not an option
_LONGEST = 200  # characters of a name


@dataclass(frozen=True, eq=False)
class Entry:
    """A run, or a report alone, as far as it is there: what is missing is empty."""

    name: str
    path: Path
    title: str = ""
    """The recipe's, or the name of the bundle that a lone report is of."""
    options: Mapping[str, str] = field(default_factory=dict)
    data_digest: str = ""
    course: Course = field(default_factory=Course)
    report: Mapping[str, Any] = field(default_factory=dict)

    @property
    def images(self) -> float | None:
        """Pictures seen."""
        return self._latest("images")

    @property
    def minutes(self) -> float | None:
        """Minutes of training."""
        seconds = self._latest("seconds")
        return None if seconds is None else seconds / 60

    @property
    def light_scores(self) -> list[float]:
        """Every light score that may be compared with the last one, in order."""
        found = (
            number(row.get("score")) for row in self.course.scores if _scale(row) == self.scale
        )
        return [value for value in found if value is not None]

    @property
    def scale(self) -> tuple[str, str]:
        """What the last light score looked with, and at how many pictures."""
        return _scale(self.course.scores[-1]) if self.course.scores else ("", "")

    @property
    def collapsed(self) -> bool:
        """Whether its last light score found it collapsed."""
        return bool(self.course.scores and self.course.scores[-1].get("collapsed"))

    @property
    def headline(self) -> dict[str, Mapping[str, Any]]:
        """The figures of its report that are shown first."""
        figures = self.report.get("figures", {})
        return {key: figures[key] for key in self.report.get("headline", []) if key in figures}

    def _latest(self, key: str) -> float | None:
        return number(self.course.records[-1].get(key)) if self.course.records else None


def read(paths: Sequence[Path]) -> list[Entry]:
    """The entries of run folders and of folders of reports, under names that differ.

    Raises RequestError for a folder that is neither or comes twice and when none holds anything
    yet, and GanportError for damaged records or reports.
    """
    names = _names([path.resolve() for path in paths])
    entries = [_read(path, name) for path, name in zip(paths, names, strict=True)]
    if not any(entry.course.records or entry.report for entry in entries):
        raise RequestError(
            ", ".join(map(str, paths)),
            expected="a run with records, or a report",
            found="none yet",
            fix="Wait for a run's first record.",
        )
    return entries


def differing(entries: Sequence[Entry]) -> dict[str, list[str]]:
    """The options that are not equal in all runs: a value for each entry, "" for a lone report."""
    tables = [entry.options for entry in entries if entry.options]
    keys = dict.fromkeys(key for table in tables for key in table)
    return {
        key: [entry.options.get(key, "") for entry in entries]
        for key in keys
        if len({table.get(key, "") for table in tables}) > 1
    }


def to_json(entries: Sequence[Entry], notes: Sequence[str]) -> dict[str, Any]:
    """The whole of compare.json."""
    options = differing(entries)
    runs = [
        {
            "name": entry.name,
            "path": str(entry.path),
            "title": entry.title,
            "options": {key: values[place] for key, values in options.items()},
            "images": entry.images,
            "minutes": entry.minutes,
            "score": _score(entry),
            "figures": entry.headline,
        }
        for place, entry in enumerate(entries)
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "comparison",
        "runs": runs,
        "notes": list(notes),
    }


def _score(entry: Entry) -> dict[str, Any]:
    scores = entry.light_scores
    if not scores:
        return {}
    return {"extractor": entry.scale[0], "last": scores[-1], "best": max(scores)}


def _scale(score: Mapping[str, Any]) -> tuple[str, str]:
    # More pictures are covered the better: coverage depends on their count.
    return str(score.get("extractor", "")), str(score.get("pictures", ""))


def _names(paths: Sequence[Path]) -> list[str]:
    """The last part of each path, and as many before it as tell it from its namesakes."""
    if len(set(paths)) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise RequestError(
            str(twice), expected="each run once", found="it twice", fix="Name it once."
        )
    return [_name(path, [other for other in paths if other != path]) for path in paths]


def _name(path: Path, others: Sequence[Path]) -> str:
    for count in range(1, len(path.parts)):
        tail = path.parts[-count:]
        if all(other.parts[-count:] != tail for other in others):
            return sanitize("/".join(tail), _LONGEST)
    return sanitize(str(path), _LONGEST)


def _read(path: Path, name: str) -> Entry:
    if (path / CONFIG).is_file():
        return _read_run(path, name)
    if (path / JSON).is_file():
        report = _read_report(path / JSON)
        return Entry(name, path, title=name_of(report), report=report)
    raise RequestError(
        str(path),
        expected=f"a run with its {CONFIG}, or a folder with a {JSON}",
        found="another folder" if path.is_dir() else "a file" if path.exists() else "nothing there",
        fix="Name what train-gan --out or eval-gan score --out made.",
    )


def _read_run(path: Path, name: str) -> Entry:
    recipe, surroundings = read_config(path)
    run = {key: value for key, value in vars(surroundings).items() if key not in _INCIDENTAL}
    tables = {key: value for key, value in recipe.to_json().items() if key not in _NO_OPTIONS}
    report = path / SCORE / JSON
    return Entry(
        name,
        path,
        title=recipe.title,
        options=dict(flat({**tables, "run": run})),
        data_digest=surroundings.data_digest,
        course=Course(jsonl_log.read(path), jsonl_log.read(path, jsonl_log.SCORES)),
        report=_read_report(report) if report.is_file() else {},
    )


def _read_report(path: Path) -> dict[str, Any]:
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        good = isinstance(report, dict) and report["kind"] == "score" and _has_figures(report)
    except (ValueError, KeyError, TypeError, RecursionError):
        good = False
    if not good:
        raise GanportError(
            str(path),
            expected="a report as eval-gan score writes it",
            found=repr_short(path.read_bytes()[:60]),
            fix="Score the run or bundle again.",
        )
    return dict(report)


def _has_figures(report: Mapping[str, Any]) -> bool:
    figures, headline = report["figures"], report["headline"]
    return (
        isinstance(figures, dict)
        and all(isinstance(figure, dict) and "value" in figure for figure in figures.values())
        and isinstance(headline, list)
        and all(isinstance(key, str) for key in headline)
    )
