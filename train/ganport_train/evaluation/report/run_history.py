"""The course of a run: its records as the lines of charts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganport_train.evaluation.report.chart import Chart, Line, Points
from ganport_train.evaluation.report.formatting import number

Rows = Sequence[Mapping[str, Any]]
EPOCHS = "epochs"
PICTURES = "thousand pictures seen"
ACCURACY = "accuracy/"

_LOSSES = {
    "d_loss": "discriminator's loss",
    "g_loss": "generator's loss",
    "d_real": "discriminator on real pictures",
    "d_fake": "discriminator on drawn pictures",
}
_SCORES = {
    "score": "light score",
    "coverage": "coverage",
    "spread": "spread within a condition, as a share of the real one",
    "kernel": "kernel distance x 1000",
}
_OPEN = ("kernel",)  # the scores that are no shares


@dataclass(frozen=True)
class Course:
    """What a run recorded: the lines of its stats.jsonl, and those of its scores.jsonl."""

    records: Rows = ()
    scores: Rows = ()

    @property
    def has_epochs(self) -> bool:
        """Whether every line says how often the data set was gone through; old runs do not."""
        return all(number(row.get("epoch")) is not None for row in (*self.records, *self.scores))

    @property
    def groups(self) -> list[str]:
        """The condition groups whose accuracy was ever scored."""
        return sorted({name for row in self.scores for name in _mapping(row.get("accuracy"))})

    def points(self, key: str, across: str) -> Points:
        """The values of `key` (`accuracy/GROUP` for a group's) over EPOCHS or PICTURES."""
        rows = self.records if key in _LOSSES else self.scores
        found = ((_across(row, across), _value(row, key)) for row in rows)
        return [(x, y) for x, y in found if x is not None and y is not None]


def of_run(course: Course) -> list[Chart]:
    """The charts of one run: losses, the discriminator's outputs, accuracy, and light scores."""
    across = EPOCHS if course.has_epochs else PICTURES
    plans = (
        ("Losses", {"generator": "g_loss", "discriminator": "d_loss"}, False),
        ("The discriminator's outputs", {"real": "d_real", "drawn": "d_fake"}, False),
        ("Accuracy", {name: ACCURACY + name for name in course.groups}, True),
        ("Light scores", {key: key for key in ("score", "coverage", "spread")}, True),
        ("Kernel distance x 1000", {"kernel": "kernel"}, False),
    )
    charts = (
        _chart(title, ((name, course.points(key, across)) for name, key in keys.items()), across, p)
        for title, keys, p in plans
    )
    return [chart for chart in charts if chart]


def of_runs(courses: Mapping[str, Course]) -> list[Chart]:
    """A chart for everything recorded, with a line for each run that recorded it."""
    recorded = [course for course in courses.values() if course.records or course.scores]
    across = EPOCHS if all(course.has_epochs for course in recorded) else PICTURES
    groups = sorted({name for course in recorded for name in course.groups})
    titles = _SCORES | {ACCURACY + name: f"accuracy: {name}" for name in groups} | _LOSSES
    charts = (
        _chart(
            title[0].upper() + title[1:],
            ((name, course.points(key, across)) for name, course in courses.items()),
            across,
            key not in _LOSSES and key not in _OPEN,
        )
        for key, title in titles.items()
    )
    return [chart for chart in charts if chart]


def _chart(
    title: str, named: Iterable[tuple[str, Points]], across: str, percent: bool
) -> Chart | None:
    lines = [Line(name, points, place) for place, (name, points) in enumerate(named) if points]
    return Chart(title, lines, across, percent) if lines else None


def _across(row: Mapping[str, Any], across: str) -> float | None:
    if across == EPOCHS:
        return number(row.get("epoch"))
    images = number(row.get("images"))
    return None if images is None else images / 1000


def _value(row: Mapping[str, Any], key: str) -> float | None:
    if key.startswith(ACCURACY):
        return number(_mapping(row.get("accuracy")).get(key.removeprefix(ACCURACY)))
    return number(row.get(key))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
