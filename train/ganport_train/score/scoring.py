"""A bundle before its judge: every measurement in turn, and the report that comes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.generator import Generator
from ganport_train.data import Dataset
from ganport_train.judge.assessment import assess
from ganport_train.judge.file import JudgeError
from ganport_train.judge.judge import Judge, Look
from ganport_train.score import collapse, copying, following, quality, sheets, trials, verdicts
from ganport_train.score.drawing import Drawn, captions, draw, sample, sayable
from ganport_train.score.extractors import Extractor, cached
from ganport_train.score.figure import Figure
from ganport_train.score.report.page import Sheet

SCHEMA_VERSION = 1
_WORST = 16


@dataclass(frozen=True)
class Options:
    """How a bundle is scored; the same options, bundle, data and judge give the same figures."""

    count: int = 2000
    """Pictures a round."""
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
        figures = {key: figure.to_json() for key, figure in self.figures.items()}
        return {
            "schema_version": SCHEMA_VERSION,
            "kind": "score",
            **self.fields,
            "headline": verdicts.headline(self.figures),
            "figures": figures,
            "warnings": verdicts.warnings(self.figures),
        }


class Scoring:
    """One bundle, one data set, one judge, and what is drawn and seen on the way."""

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
        self.usable = _usable(generator, dataset, judge)
        self.report = Report()

    def run(self) -> Report:
        """Measure everything; the order is that of the report."""
        self.say(f"drawing {self.options.rounds} x {self.options.count:,} pictures")
        rounds = self._draw_rounds()
        looks = [self.judge.look(drawn.images, progress=True) for drawn in rounds]
        self._follow(rounds, looks)
        self._try_lists()
        self._compare(rounds)
        self._vary(rounds[0])
        self._find_copies(rounds[0])
        return self.report

    @property
    def _next_seed(self) -> int:
        # Past the rounds, so that no picture is drawn twice.
        return (self.options.seed + self.options.rounds * self.options.count) % 2**64

    def _draw_rounds(self) -> list[Drawn]:
        vectors = sample(self.dataset.vectors[self.usable], self.options.count)
        return [
            draw(
                self.generator,
                self.judge.conditions,
                vectors,
                (self.options.seed + number * self.options.count) % 2**64,
                progress=True,
            )
            for number in range(self.options.rounds)
        ]

    def _follow(self, rounds: Sequence[Drawn], looks: Sequence[Look]) -> None:
        conditions = self.judge.conditions
        real = self._assess_real()
        self.report.fields["accuracy"] = following.section(conditions, rounds, looks, real)
        self.report.figures |= following.figures(conditions, rounds, looks, real)
        worst = following.worst(conditions, rounds[0], looks[0], _WORST)
        self.report.fields["worst"] = [words for _, words in worst]
        if worst:
            self.report.sheets.append(sheets.mistakes(rounds[0], worst))

    def _assess_real(self) -> Mapping[str, Any]:
        """The judge on real pictures that its training never saw."""
        _, held = self.dataset.split(float(self.judge.card["settings"]["held_out"]))
        rows = np.intersect1d(held, self.usable)
        rows = rows if len(rows) else self.usable
        look = self.judge.look(self.dataset.images[rows])
        return assess(self.judge.conditions, look.outputs, self.dataset.vectors[rows])

    def _try_lists(self) -> None:
        self.report.fields["trials"] = {}
        if not self.dataset.trials:
            return
        self.say(f"drawing the test lists {self.options.draws} times")
        found, first = trials.run(
            self.generator,
            self.judge,
            self.dataset.trials,
            self._next_seed,
            draws=self.options.draws,
            progress=True,
        )
        self.report.fields["trials"] = found
        for name, drawn in first.items():
            self.report.sheets.append(sheets.trial(self.judge.conditions, name, drawn))

    def _compare(self, rounds: Sequence[Drawn]) -> None:
        vectors = self.dataset.vectors[self.usable]
        for extractor in self.extractors:
            self.say(f"comparing with {len(self.usable):,} real pictures ({extractor.name})")
            real = cached(extractor, self.dataset.images, self.dataset.digest, self.cache)
            reference = quality.Reference.of(
                real[self.usable], vectors, self.options.count, self.options.seed
            )
            drawn = [extractor.features(round_.images, progress=True) for round_ in rounds]
            self.report.figures |= quality.figures(extractor.name, drawn, reference)
            if extractor is self.judge:
                self.report.fields["conditions"] = quality.by_label(
                    self.judge.conditions, rounds[0].vectors, drawn, reference
                )

    def _vary(self, drawn: Drawn) -> None:
        self.say("looking for repetition")
        conditions, images = self.judge.conditions, self._images(self.usable)
        plan = collapse.Plan.of(conditions, self.dataset.vectors[self.usable])
        again = draw(self.generator, conditions, plan.vectors, (self._next_seed + 2**32) % 2**64)
        self.report.figures |= collapse.figures(plan, again.images, images, self.judge.features)
        same = slice(0, min(len(drawn), len(images)))
        spaced = images[np.linspace(0, len(images) - 1, same.stop).astype(np.int64)]
        self.report.figures["near_duplicates"] = collapse.duplicates(drawn.images[same], spaced)
        rows = zip(plan.drawn, plan.real, strict=True)
        shown = [
            (list(ours), list(theirs), captions(conditions, plan.vectors[ours[:1]])[0])
            for ours, theirs in rows
        ]
        if plan.shared:
            self.report.sheets.insert(
                0, sheets.side_by_side(conditions, again.images, images, shown)
            )

    def _find_copies(self, drawn: Drawn) -> None:
        self.say("looking for copies of training pictures")
        train, held = self.dataset.split(self.options.held_out)
        if not len(held):
            return
        train_images = self._images(train)
        found, nearest = copying.figures(drawn.images, train_images, self._images(held))
        self.report.figures |= found
        self.report.sheets.append(sheets.neighbours(drawn.images, train_images, nearest))

    def _images(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        return self.dataset.images[rows]


def _usable(generator: Generator, dataset: Dataset, judge: Judge) -> NDArray[np.int64]:
    """The rows of a data set whose conditions a bundle can be asked for; raises JudgeError."""
    rows = np.flatnonzero(sayable(generator, judge.conditions, dataset.vectors))
    if not len(rows):
        raise JudgeError(
            "bundle and judge",
            expected=f"conditions that both know: {_words(judge)}",
            found=", ".join(generator.conditions.fields) or "an unconditional generator",
            fix="Take a judge of the data set that the bundle was trained on.",
        )
    return rows


def _words(judge: Judge) -> str:
    return ", ".join(f"{group.name} ({group.kind})" for group in judge.conditions.groups)
