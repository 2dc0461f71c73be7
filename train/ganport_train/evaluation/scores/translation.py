"""The scoring of image-to-image bundles: what they change, and what stays as it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ganport_runtime.values import sanitize
from ganport_train.evaluation.judge.judge import Look
from ganport_train.evaluation.scores import edits, reconstruction, sheets
from ganport_train.evaluation.scores.diversity import Rows
from ganport_train.evaluation.scores.domains import domains
from ganport_train.evaluation.scores.edits import Edits
from ganport_train.evaluation.scores.evaluation import Report, Scoring
from ganport_train.evaluation.scores.reconstruction import Ways
from ganport_train.evaluation.scores.sampling import (
    Drawn,
    Images,
    Vectors,
    sample,
    sayable,
    spaced,
    translate,
)

_ROWS, _SHOWN = 8, 96  # pictures that are shown translated, and with their translations at most
_NAME = 40  # letters
_NO_NOISE = "an image-to-image bundle has no noise: spread, near-duplicates and copies say nothing"
_ALL_KNOWN = "no picture that training never saw: known ones were translated, which flatters it"


@dataclass(frozen=True, eq=False)
class Job:
    """A round: the rows of source pictures, their own vectors, and the translations."""

    rows: Rows
    own: Vectors
    drawn: Drawn


class Translation(Scoring):
    """A bundle that translates; real held-out pictures are brought to conditions of others."""

    @property
    def stages(self) -> int:
        """How many stages are announced."""
        return 5

    def run(self) -> Report:
        """Measure everything; the order is that of the report."""
        self.report.notes += [_NO_NOISE] if self._strange else [_NO_NOISE, _ALL_KNOWN]
        self._begin(f"translating {self.options.rounds} x {self.options.count:,} pictures")
        jobs = [self._translate(number) for number in range(self.options.rounds)]
        rounds = [job.drawn for job in jobs]
        looks = self._look(rounds)
        self._follow(rounds, looks)
        self._begin("asking the judge what they showed before")
        self._edit(jobs, looks)
        self._compare(rounds, looks)
        self._begin("translating to the pictures' own conditions, and there and back")
        self._return(jobs)
        self._show()
        self.report.fields |= {"trials": {}, "sources": len(self._sources)}
        return self.report

    @cached_property
    def _strange(self) -> bool:
        """Whether there are pictures that training never saw."""
        return len(self._held_out()) > 0

    @cached_property
    def _sources(self) -> Rows:
        return self._held_out() if self._strange else self.usable

    @cached_property
    def _targets(self) -> Vectors:
        return sample(self.vectors, self.options.count)

    def _translate(self, number: int) -> Job:
        """Every source picture in turn, each time to another of the conditions there are."""
        random = np.random.Generator(np.random.Philox([self.options.seed, number]))
        turns = -(-self.options.count // len(self._sources))
        order = [random.permutation(self._sources) for _ in range(turns)]
        rows = np.concatenate(order)[: self.options.count]
        images = self._to(self.dataset.images[rows], self._targets)
        origins = [f"picture {name}" for name in self._names(rows)]
        return Job(rows, self._own(rows), Drawn(images, self._targets, origins))

    def _names(self, rows: Rows) -> list[str]:
        return [sanitize(self.dataset.ids[row], _NAME) for row in rows]

    def _own(self, rows: Rows) -> Vectors:
        return self.dataset.vectors[rows][:, : self.conditions.size]

    def _edit(self, jobs: Sequence[Job], looks: Sequence[Look]) -> None:
        known = self.judge.look(self.dataset.images[self._sources]).outputs
        found = [
            Edits(
                self.conditions,
                job.own,
                job.drawn.vectors,
                known[np.searchsorted(self._sources, job.rows)],
                look.outputs,
            )
            for job, look in zip(jobs, looks, strict=True)
        ]
        self.report.figures |= edits.figures(found, self._real_share())

    def _return(self, jobs: Sequence[Job]) -> None:
        found = [self._ways(job) for job in jobs]
        self.report.figures |= reconstruction.figures(found, self.judge.features)

    def _ways(self, job: Job) -> Ways:
        few = slice(0, reconstruction.MOST)
        source, own, moved = self.dataset.images[job.rows[few]], job.own[few], job.drawn.images[few]
        return Ways(source, self._to(source, own), moved, self._to(moved, own))

    def _to(self, images: Images, vectors: Vectors) -> Images:
        return translate(self.generator, self.conditions, images, vectors, progress=True)

    def _show(self) -> None:
        count = min(_ROWS, len(self._sources))
        rows = self._sources[spaced(len(self._sources), count)]
        columns = domains(self.conditions, self._own(rows))
        rows = rows[: _SHOWN // (1 + len(columns))]
        images = self.dataset.images[rows]
        shown = {"as it came": images} | {
            name: self._to(images, vectors[: len(rows)])
            for name, vectors in columns.items()
            if sayable(self.generator, self.conditions, vectors).all()
        }
        self.report.sheets.insert(0, sheets.domains(shown, self._names(rows)))
