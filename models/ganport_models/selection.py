"""Select a checkpoint of a run: the best by its validation score, the latest, or one by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganport_models.metadata import (
    MAX_INTEGER,
    METADATA,
    CheckpointError,
    read_bytes,
    read_metadata,
)
from ganport_models.migrations import migrate_checkpoint
from ganport_runtime import strictjson
from ganport_runtime.errors import GanportError
from ganport_runtime.strictjson import JsonObject
from ganport_runtime.values import repr_short

FOLDER = "checkpoints"
"""The folder of a run that holds its checkpoints, one folder each, named by step."""
BEST, LATEST = "best", "latest"


@dataclass(frozen=True)
class SelectedCheckpoint:
    """An intact checkpoint of a run, its metadata, and the reason for its selection."""

    folder: Path
    metadata: Mapping[str, Any]
    reason: str


@dataclass(frozen=True)
class Score:
    """The validation score of a checkpoint; higher is better.

    Scores are comparable only if their `comparable_key`, the extractor and the number of images,
    is equal.
    """

    value: float
    comparable_key: tuple[str, int]
    collapsed: bool

    @classmethod
    def read(cls, folder: Path) -> Score | None:
        """Read the score of a checkpoint; None if it has none or its metadata is unreadable."""
        path = folder / METADATA
        try:
            metadata = strictjson.parse(read_bytes(path), str(path))
            JsonObject(metadata, str(path)).integer("schema_version", 1, MAX_INTEGER)
            assert isinstance(metadata, dict)
            score = JsonObject(migrate_checkpoint(metadata), str(path)).object("score")
            return cls(
                value=score.number("score"),
                comparable_key=(
                    score.text("extractor"),
                    score.integer("eval_images", 1, MAX_INTEGER),
                ),
                collapsed=score.value("collapsed") is not False,
            )
        except GanportError:
            return None


@dataclass(frozen=True)
class _Entry:
    folder: Path
    score: Score | None


def select_checkpoint(run: Path, which: str = BEST) -> SelectedCheckpoint:
    """Select a checkpoint of a run: `best`, `latest`, or a step.

    The best has the highest score among those comparable with the newest score; collapsed
    checkpoints come after all others. Without any score the latest is the best. Corrupt
    checkpoints are skipped. Raises `CheckpointError`, with the defect of each, if none is left.
    """
    entries = _read_entries(run)
    candidates = _candidates(entries, which, run)
    errors: list[CheckpointError] = []
    for entry in candidates:
        try:
            metadata = read_metadata(entry.folder)
        except CheckpointError as error:
            errors.append(error)
            continue
        skipped = "".join(f"; {e.folder.name} is corrupt" for e in candidates[: len(errors)])
        reason = _reason(entry, entries, which) + skipped
        return SelectedCheckpoint(entry.folder, metadata, reason)
    found = "; ".join(f"{error.place}: {error.found}" for error in errors) or "none"
    fix = "Train first: train-gan RECIPE --data PATH --out RUN."
    if errors:
        fix = "Restore a copy of one of them, or train again with another --out."
    raise CheckpointError(str(run / FOLDER), "an intact checkpoint", found, fix)


def newest(run: Path) -> tuple[Path, Mapping[str, Any]]:
    """Return the newest intact checkpoint folder of a run and its metadata.

    Raises `CheckpointError` if there is none.
    """
    selected = select_checkpoint(run, LATEST)
    return selected.folder, selected.metadata


def best(run: Path) -> Path | None:
    """Return the checkpoint folder with the best score, intact or not; None without a score."""
    ranked = _rank(_read_entries(run))
    return ranked[0].folder if ranked and ranked[0].score else None


def _read_entries(run: Path) -> list[_Entry]:
    """Return the checkpoints of a run, the newest first."""
    folders = sorted((run / FOLDER).glob("[0-9]*"), reverse=True)
    return [_Entry(folder, Score.read(folder)) for folder in folders]


def _candidates(entries: Sequence[_Entry], which: str, run: Path) -> Sequence[_Entry]:
    if which == BEST:
        return _rank(entries)
    if which == LATEST:
        return entries
    named = [
        entry for entry in entries if which.isdecimal() and entry.folder.name == which.zfill(9)
    ]
    if not named:
        steps = ", ".join(entry.folder.name.lstrip("0") or "0" for entry in entries)
        raise CheckpointError(
            str(run / FOLDER),
            f"{BEST}, {LATEST}, or the step of a checkpoint",
            repr_short(which),
            f"The steps are {steps}." if steps else "Train first: there is no checkpoint.",
        )
    return named


def _rank(entries: Sequence[_Entry]) -> list[_Entry]:
    """Sort by the newest comparable scores, then by score; entries without a score come last.

    Scores are rounded to two decimals, the precision of some hundred images. Among equal scores
    the newest comes first.
    """
    keys = [entry.score.comparable_key for entry in entries if entry.score]

    def order(entry: _Entry) -> tuple[int, bool, float]:
        score = entry.score
        if score is None:
            return len(keys), False, 0.0
        return keys.index(score.comparable_key), score.collapsed, -round(score.value, 2)

    return sorted(entries, key=order)


def _reason(entry: _Entry, entries: Sequence[_Entry], which: str) -> str:
    if which not in (BEST, LATEST):
        return "the requested step"
    if which == LATEST:
        return "the latest"
    score = entry.score
    if score is None:
        return "the latest; none has a score"
    scores = [other.score for other in entries if other.score]
    count = sum(other.comparable_key == score.comparable_key for other in scores)
    latest = entries[0].folder
    suffix = ", and the latest" if latest == entry.folder else f"; the latest is {latest.name}"
    collapsed = ", all collapsed" if score.collapsed else ""
    return f"best of {count} by score {score.value:.2f}{collapsed}{suffix}"
