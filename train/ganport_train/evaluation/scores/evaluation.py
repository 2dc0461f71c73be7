"""A bundle before its judge: what every kind of bundle is measured by, and the report."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ganport_runtime.conditions import Conditions
from ganport_runtime.generator import Generator
from ganport_train.data import Dataset
from ganport_train.evaluation.judge.accuracy import joint
from ganport_train.evaluation.judge.assessment import assess
from ganport_train.evaluation.judge.judge import Judge, Look
from ganport_train.evaluation.report.page import Sheet
from ganport_train.evaluation.scores import (
    condition_accuracy,
    misclassified,
    prompt_lists,
    quality,
    sheets,
    warnings,
)
from ganport_train.evaluation.scores.compatibility import usable
from ganport_train.evaluation.scores.diversity import Rows
from ganport_train.evaluation.scores.extractors import Extractor, cached
from ganport_train.evaluation.scores.flow import Likelihood
from ganport_train.evaluation.scores.metric import Figure
from ganport_train.evaluation.scores.sampling import Drawn, spaced

SCHEMA_VERSION = 1
_WORST = 16
_UNCONDITIONAL = "an unconditional bundle: nothing was asked of it, so nothing says what it follows"


@dataclass(frozen=True)
class Options:
    """How a bundle is scored; the same options, bundle, data and judge give the same figures."""

    count: int = 2000
    """Pictures a round, at least 20."""
    rounds: int = 3
    """Each with noise, or with source pictures, of its own."""
    seed: int = 0
    held_out: float = 0.05
    """The share of the data set that the generator's training never saw."""
    draws: int = prompt_lists.DRAWS
    """How often each test list is drawn."""


@dataclass
class Report:
    """The parts of report.json as they come, and the sheets of its page."""

    fields: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Figure] = field(default_factory=dict)
    sheets: list[Sheet] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What could not be measured, and why."""

    def to_json(self) -> dict[str, Any]:
        """The whole of report.json."""
        return {
            "schema_version": SCHEMA_VERSION,
            "kind": "score",
            **self.fields,
            "headline": warnings.headline(self.figures),
            "figures": {key: figure.to_json() for key, figure in self.figures.items()},
            "warnings": warnings.warnings(self.figures, self.fields["accuracy"]),
            "notes": self.notes,
        }


class Scoring(ABC):
    """One bundle, one data set, one judge, and what is drawn and seen on the way.

    The vectors of `dataset` are in the judge's layout. Raises ScoreError when the three do not go
    together. `cache` is the folder of the cache of features, else that of data sets; `likelihood`
    that of the run that a flow came from.
    """

    def __init__(
        self,
        generator: Generator,
        dataset: Dataset,
        judge: Judge,
        options: Options,
        extractors: Sequence[Extractor] = (),
        cache: Path | None = None,
        likelihood: Likelihood | None = None,
        say: Callable[[str], None] = print,
    ) -> None:
        self.generator, self.dataset, self.judge, self.options = generator, dataset, judge, options
        self.extractors: list[Extractor] = [judge, *extractors]
        self.cache, self.likelihood, self.say = cache, likelihood, say
        self.usable = usable(generator, dataset, judge)
        # Nothing was asked of an unconditional generator: there is nothing for it to follow.
        asks = bool(generator.conditions.groups)
        self.conditions = judge.conditions if asks else Conditions()
        self.vectors = dataset.vectors[self.usable][:, : self.conditions.size]
        self.report = Report(notes=[] if asks else [_UNCONDITIONAL])
        self._stage = 0

    @property
    @abstractmethod
    def stages(self) -> int:
        """How many stages are announced."""

    @abstractmethod
    def run(self) -> Report:
        """Measure everything; the order is that of the report."""

    def _begin(self, stage: str) -> None:
        self._stage += 1
        self.say(f"{self._stage}/{self.stages} {stage}")

    def _look(self, rounds: Sequence[Drawn]) -> list[Look]:
        self._begin("asking the judge what they show")
        return [self.judge.look(drawn.images, progress=True) for drawn in rounds]

    def _follow(self, rounds: Sequence[Drawn], looks: Sequence[Look]) -> None:
        rows, look = self._look_at_real()
        real = assess(self.conditions, look.outputs, self.dataset.vectors[rows])
        self.report.fields["accuracy"] = condition_accuracy.section(
            self.conditions, rounds, looks, real
        )
        self.report.figures |= condition_accuracy.figures(self.conditions, rounds, looks, real)
        whole = joint(self.conditions, look.outputs, self.dataset.vectors[rows]).share
        self.report.figures |= condition_accuracy.whole(self.conditions, rounds, looks, whole)
        worst = misclassified.worst(self.conditions, rounds[0], looks[0], _WORST)
        self.report.fields["worst"] = [mistake.to_json() for mistake in worst]
        if worst:
            self.report.sheets.append(sheets.mistakes(rounds[0], worst))

    def _look_at_real(self) -> tuple[Rows, Look]:
        """The judge on real pictures that its training never saw, or on all if it saw them all."""
        _, held = self.dataset.split(float(self.judge.card["settings"]["held_out"]))
        rows = np.intersect1d(held, self.usable)
        rows = rows if len(rows) else self.usable
        return rows, self.judge.look(self.dataset.images[rows])

    def _real_share(self) -> float:
        """What the judge gets on real pictures, all groups together."""
        parts = [part["real"] for part in self.report.fields["accuracy"].values()]
        total = sum(part["count"] for part in parts)
        return float(sum(part["value"] * part["count"] for part in parts) / max(1, total))

    def _compare(self, rounds: Sequence[Drawn], looks: Sequence[Look]) -> None:
        self._begin(f"comparing with {len(self.usable):,} real pictures")
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
        some = self.usable[spaced(len(self.usable), min(options.count, len(self.usable)))]
        pictures = [drawn.images for drawn in rounds]
        self.report.figures |= quality.fineness(pictures, self.dataset.images[some])

    def _held_out(self) -> Rows:
        """The rows that training never saw and that the bundle can be asked for."""
        _, held = self.dataset.split(self.options.held_out)
        return np.intersect1d(held, self.usable)
