"""Which checkpoint of a run is taken: the best by its light score, the latest, or one by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganport_models.metadata import (
    CARD,
    MOST,
    CheckpointError,
    read_bytes,
    read_card,
)
from ganport_models.migrations import migrate_checkpoint
from ganport_runtime import strictjson
from ganport_runtime.errors import GanportError
from ganport_runtime.strictjson import JsonObject
from ganport_runtime.values import repr_short

FOLDER = "checkpoints"
"""The folder of a run in which its checkpoints lie, one folder each, named by step."""
BEST, LATEST = "best", "latest"


@dataclass(frozen=True)
class Choice:
    """A whole checkpoint of a run, its card, and in words why it was taken."""

    folder: Path
    card: Mapping[str, Any]
    reason: str


@dataclass(frozen=True)
class Score:
    """What a checkpoint's card says of how good it is; higher is better.

    Only scores of one `scale`, the extractor and the number of pictures, can be compared.
    """

    value: float
    scale: tuple[str, int]
    collapsed: bool

    @classmethod
    def of(cls, folder: Path) -> Score | None:
        """The score of a checkpoint; None without one, and where its card cannot be read."""
        path = folder / CARD
        try:
            card = strictjson.parse(read_bytes(path), str(path))
            JsonObject(card, str(path)).integer("schema_version", 1, MOST)
            assert isinstance(card, dict)
            known = JsonObject(migrate_checkpoint(card), str(path)).object("score")
            return cls(
                value=known.number("score"),
                scale=(known.text("extractor"), known.integer("eval_images", 1, MOST)),
                collapsed=known.value("collapsed") is not False,
            )
        except GanportError:
            return None


@dataclass(frozen=True)
class _Entry:
    folder: Path
    score: Score | None


def choose(run: Path, take: str = BEST) -> Choice:
    """The checkpoint of a run to take: `best`, `latest`, or a step.

    The best has the highest score on the scale of the newest one scored, and has not collapsed
    unless all have; without any score it is the latest. Torn ones are passed over. Raises
    CheckpointError, naming what is wrong with each, when none is left.
    """
    entries = _entries(run)
    candidates = _candidates(entries, take, run)
    faults: list[CheckpointError] = []
    for entry in candidates:
        try:
            card = read_card(entry.folder)
        except CheckpointError as error:
            faults.append(error)
            continue
        torn = "".join(f"; {passed.folder.name} is torn" for passed in candidates[: len(faults)])
        return Choice(entry.folder, card, _reason(entry, entries, take) + torn)
    raise _none_whole(run, faults)


def newest(run: Path) -> tuple[Path, Mapping[str, Any]]:
    """The newest whole checkpoint folder of a run, and its card; raises CheckpointError."""
    choice = choose(run, LATEST)
    return choice.folder, choice.card


def best(run: Path) -> Path | None:
    """The checkpoint folder with the best score, whether it is whole or not; None without one."""
    ranked = _ranked(_entries(run))
    return ranked[0].folder if ranked and ranked[0].score else None


def _entries(run: Path) -> list[_Entry]:
    """The checkpoints of a run, the newest first."""
    folders = sorted((run / FOLDER).glob("[0-9]*"), reverse=True)
    return [_Entry(folder, Score.of(folder)) for folder in folders]


def _candidates(entries: Sequence[_Entry], take: str, run: Path) -> Sequence[_Entry]:
    if take == BEST:
        return _ranked(entries)
    if take == LATEST:
        return entries
    named = [entry for entry in entries if take.isdecimal() and entry.folder.name == take.zfill(9)]
    if not named:
        steps = ", ".join(entry.folder.name.lstrip("0") or "0" for entry in entries)
        raise CheckpointError(
            str(run / FOLDER),
            expected=f"{BEST}, {LATEST}, or the step of a checkpoint that is there",
            found=repr_short(take),
            fix=f"There are the steps {steps}." if steps else "There is none yet: train first.",
        )
    return named


def _ranked(entries: Sequence[_Entry]) -> list[_Entry]:
    """The best first: by the newest scale, then by score; those without one last.

    Scores count to two decimals, since some hundred pictures tell no more: of equals the newest.
    """
    scales = [entry.score.scale for entry in entries if entry.score]

    def order(entry: _Entry) -> tuple[int, bool, float]:
        if entry.score is None:
            return len(scales), False, 0.0
        return scales.index(entry.score.scale), entry.score.collapsed, -round(entry.score.value, 2)

    return sorted(entries, key=order)


def _reason(entry: _Entry, entries: Sequence[_Entry], take: str) -> str:
    if take not in (BEST, LATEST):
        return "the step asked for"
    if take == LATEST:
        return "the latest"
    if entry.score is None:
        return "the latest; none has a score"
    rivals = [other for other in entries if other.score and other.score.scale == entry.score.scale]
    latest = entries[0].folder
    place = ", and the latest" if latest == entry.folder else f"; the latest is {latest.name}"
    fallen = ", all collapsed" if entry.score.collapsed else ""
    return f"best of {len(rivals)} by score {entry.score.value:.2f}{fallen}{place}"


def _none_whole(run: Path, faults: Sequence[CheckpointError]) -> CheckpointError:
    return CheckpointError(
        str(run / FOLDER),
        expected="a whole checkpoint",
        found="; ".join(f"{fault.place}: {fault.found}" for fault in faults) or "none",
        fix="Put a good copy of one back, or train again with another --out."
        if faults
        else "Train first: train-gan RECIPE --data PATH --out RUN.",
    )
