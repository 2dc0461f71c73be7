"""A bundle before its judge: every measurement in turn, and the report that comes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ganport_runtime.conditions import Conditions
from ganport_runtime.generator import Generator
from ganport_train.data import Dataset
from ganport_train.judge.assessment import assess
from ganport_train.judge.judge import Judge, Look
from ganport_train.score import (
    collapse,
    copying,
    following,
    mistakes,
    quality,
    sheets,
    trials,
    verdicts,
)
from ganport_train.score.collapse import Rows
from ganport_train.score.drawing import (
    Drawn,
    Images,
    Rounds,
    captions,
    rows_with,
    sample,
    spaced,
)
from ganport_train.score.extractors import Extractor, cached
from ganport_train.score.figure import Figure
from ganport_train.score.fitting import usable
from ganport_train.score.report.page import Sheet

SCHEMA_VERSION = 1
STAGES = 6
_WORST = 16
_FEW = 4  # pictures a condition needs to be shown


@dataclass(frozen=True)
class Options:
    """How a bundle is scored; the same options, bundle, data and judge give the same figures."""

    count: int = 2000
    """Pictures a round, at least 20."""
    rounds: int = 3
    """Each with noise of its own."""
    seed: int = 0
    held_out: float = 0.05
    """The share of the data set that the generator's training never saw."""
    draws: int = trials.DRAWS
    """How often each test list is drawn."""


@dataclass
class Report:
    """The parts of report.json as they come, and the sheets of its page."""

    fields: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Figure] = field(default_factory=dict)
    sheets: list[Sheet] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The whole of report.json."""
        return {
            "schema_version": SCHEMA_VERSION,
            "kind": "score",
            **self.fields,
            "headline": verdicts.headline(self.figures),
            "figures": {key: figure.to_json() for key, figure in self.figures.items()},
            "warnings": verdicts.warnings(self.figures, self.fields["accuracy"]),
        }


class Scoring:
    """One bundle, one data set, one judge, and what is drawn and seen on the way.

    The vectors of `dataset` are in the judge's layout. Raises ScoreError when the three do not go
    together. `cache` is the folder of the cache of features, else that of data sets.
    """

    def __init__(
        self,
        generator: Generator,
        dataset: Dataset,
        judge: Judge,
        options: Options,
        extractors: Sequence[Extractor] = (),
        cache: Path | None = None,
        say: Callable[[str], None] = print,
    ) -> None:
        self.generator, self.dataset, self.judge, self.options = generator, dataset, judge, options
        self.extractors: list[Extractor] = [judge, *extractors]
        self.cache, self.say = cache, say
        self.usable = usable(generator, dataset, judge)
        # Nothing was asked of an unconditional generator: there is nothing for it to follow.
        asks = bool(generator.conditions.groups)
        self.conditions = judge.conditions if asks else Conditions()
        self.vectors = dataset.vectors[self.usable][:, : self.conditions.size]
        self.report = Report()
        self._stage = 0

    def run(self) -> Report:
        """Measure everything; the order is that of the report."""
        self._begin(f"drawing {self.options.rounds} x {self.options.count:,} pictures")
        rounds = self._draw(self._rounds)
        self._begin("asking the judge what they show")
        looks = [self.judge.look(drawn.images, progress=True) for drawn in rounds]
        self._follow(rounds, looks)
        self._try_lists()
        self._begin(f"comparing with {len(self.usable):,} real pictures")
        self._compare(rounds, looks)
        self._begin("looking for repetition")
        self._vary(rounds)
        self._begin("looking for copies of training pictures")
        self._find_copies(rounds)
        return self.report

    def _begin(self, stage: str) -> None:
        self._stage += 1
        self.say(f"{self._stage}/{STAGES} {stage}")

    @property
    def _rounds(self) -> Rounds:
        vectors = sample(self.vectors, self.options.count)
        return Rounds(vectors, self.options.seed, self.options.rounds)

    def _draw(self, rounds: Rounds) -> list[Drawn]:
        return [
            rounds.draw(self.generator, self.conditions, number, progress=True)
            for number in range(rounds.count)
        ]

    def _follow(self, rounds: Sequence[Drawn], looks: Sequence[Look]) -> None:
        real = self._assess_real()
        self.report.fields["accuracy"] = following.section(self.conditions, rounds, looks, real)
        self.report.figures |= following.figures(self.conditions, rounds, looks, real)
        worst = mistakes.worst(self.conditions, rounds[0], looks[0], _WORST)
        self.report.fields["worst"] = [mistake.to_json() for mistake in worst]
        if worst:
            self.report.sheets.append(sheets.mistakes(rounds[0], worst))

    def _assess_real(self) -> Mapping[str, Any]:
        """The judge on real pictures that its training never saw, or on all if it saw them all."""
        _, held = self.dataset.split(float(self.judge.card["settings"]["held_out"]))
        rows = np.intersect1d(held, self.usable)
        rows = rows if len(rows) else self.usable
        look = self.judge.look(self.dataset.images[rows])
        return assess(self.conditions, look.outputs, self.dataset.vectors[rows])

    def _try_lists(self) -> None:
        lists = self.dataset.trials if self.conditions.groups else {}
        names = ", ".join(lists)
        self._begin(f"drawing {names} {self.options.draws} times" if lists else "no test lists")
        found = trials.run(
            self.generator,
            self.judge,
            lists,
            self._rounds.next_seed,
            draws=self.options.draws,
            progress=True,
        )
        self.report.fields["trials"] = {name: trial.to_json() for name, trial in found.items()}
        for name, trial in found.items():
            self.report.figures[f"trial_{name}"] = trial.figure(name, self._real_share())
            self.report.sheets.append(sheets.trial(self.conditions, name, trial.first))

    def _real_share(self) -> float:
        """What the judge gets on real pictures, all groups together."""
        parts = [part["real"] for part in self.report.fields["accuracy"].values()]
        total = sum(part["count"] for part in parts)
        return float(sum(part["value"] * part["count"] for part in parts) / max(1, total))

    def _compare(self, rounds: Sequence[Drawn], looks: Sequence[Look]) -> None:
        options = self.options
        for extractor in self.extractors:
            real = cached(extractor, self.dataset, self.cache)[self.usable]
            reference = quality.Reference.of(real, self.vectors, options.count, options.seed)
            if extractor is self.judge:
                drawn = [look.features for look in looks]
                by_label = quality.by_label(self.conditions, rounds[0].vectors, drawn, reference)
                self.report.fields["conditions"] = by_label
            else:
                drawn = [extractor.features(part.images, progress=True) for part in rounds]
            self.report.figures |= quality.figures(extractor.name, drawn, reference)
            self.report.fields["compared"] = reference.counts()

    def _vary(self, rounds: Sequence[Drawn]) -> None:
        images = self.dataset.images
        plan = collapse.Plan.of(self.conditions, self.vectors)
        seed = (self._rounds.next_seed + 2**32) % 2**64  # past those of the test lists
        again = self._draw(Rounds(plan.vectors, seed, len(rounds)))
        pictures = [drawn.images for drawn in again]
        real = images[self.usable[plan.rows]]
        self.report.figures |= collapse.figures(plan, pictures, real, self.judge.features)
        count = min(self.options.count, len(self.usable))
        self.report.figures["near_duplicates"] = collapse.duplicates(
            [drawn.images[spaced(len(drawn), count)] for drawn in rounds],
            images[self.usable[spaced(len(self.usable), count)]],
        )
        if plan.shared:
            self._show(pictures[0], plan.drawn, plan.real, self._captions(plan))
        else:
            ours = rows_with(self.conditions, rounds[0].vectors)
            theirs = rows_with(self.conditions, self.vectors)
            names = [f"{label} {group}" for group, label in ours]
            self._show(rounds[0].images, list(ours.values()), list(theirs.values()), names)

    def _captions(self, plan: collapse.Plan) -> list[str]:
        if not self.conditions.groups:
            return [""]
        return captions(self.conditions, plan.vectors[[rows[0] for rows in plan.drawn]])

    def _show(
        self, drawn: Images, ours: Sequence[Rows], theirs: Sequence[Rows], names: Sequence[str]
    ) -> None:
        rows = [
            (list(mine), list(self.usable[real]), name)
            for mine, real, name in zip(ours, theirs, names, strict=True)
            if min(len(mine), len(real)) >= _FEW
        ]
        if rows:
            sheet = sheets.side_by_side(drawn, self.dataset.images, rows)
            self.report.sheets.insert(0, sheet)

    def _find_copies(self, rounds: Sequence[Drawn]) -> None:
        train, held = self.dataset.split(self.options.held_out)
        if not len(held):
            return
        images = self.dataset.images
        pictures = [drawn.images for drawn in rounds]
        found, nearest = copying.figures(pictures, images, train, held)
        self.report.figures |= found
        self.report.sheets.append(sheets.neighbours(pictures[0], images, nearest))
