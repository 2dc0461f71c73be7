"""The evaluation of image-to-image bundles: what they change, and what they keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np

from ganport_runtime.conditions import Conditions, OneHot
from ganport_runtime.values import sanitize
from ganport_train.data.dataset import Images, Rows, Vectors
from ganport_train.evaluation.judge.judge import Prediction
from ganport_train.evaluation.metrics.diversity import change_labels, evenly_spaced
from ganport_train.evaluation.scores.edits import (
    MAX_RECONSTRUCTIONS,
    Edits,
    Reconstructions,
    edit_metrics,
    reconstruction_metrics,
)
from ganport_train.evaluation.scores.evaluation import Evaluation, EvaluationReport
from ganport_train.evaluation.scores.sampling import (
    GeneratedRound,
    encodable,
    sample_vectors,
    translate_images,
)
from ganport_train.evaluation.scores.sheets import domain_sheet

MAX_DOMAINS = 24
"""Largest number of labels in the domain sheet, in addition to the image's own condition."""
_SHEET_ROWS, _SHEET_IMAGES = 8, 96
_MAX_NAME = 40
_NO_NOISE = (
    "an image-to-image bundle has no noise: spread, near-duplicates, and copies do not apply"
)
_NONE_HELD_OUT = "no image was held out: training images were translated, which flatters the bundle"


@dataclass(frozen=True, eq=False)
class TranslatedRound:
    """A round: the rows of the source images, their own vectors, and the translations."""

    rows: Rows
    own: Vectors
    generated: GeneratedRound


class TranslationEvaluation(Evaluation):
    """The evaluation of a bundle that translates held-out images to conditions of other images."""

    num_stages = 5

    def run(self) -> EvaluationReport:
        """Measure everything, in the order of the report."""
        report, options = self.report, self.options
        report.notes += [_NO_NOISE] if self._has_held_out else [_NO_NOISE, _NONE_HELD_OUT]
        self._log_stage(f"translating {options.rounds} x {options.count:,} images")
        rounds = [self._translate_round(index) for index in range(options.rounds)]
        generated = [part.generated for part in rounds]
        predictions = self._predict(generated)
        self._measure_accuracy(generated, predictions)
        self._log_stage("reading the source images with the judge")
        self._measure_edits(rounds, predictions)
        self._compare(generated, predictions)
        self._log_stage("translating to the images' own conditions, and back")
        reconstructions = [self._reconstruct(part) for part in rounds]
        report.metrics |= reconstruction_metrics(reconstructions, self.judge.features)
        self._add_domain_sheet()
        report.fields |= {"prompt_lists": {}, "sources": len(self._sources)}
        return report

    @cached_property
    def _has_held_out(self) -> bool:
        return len(self._held_out_rows()) > 0

    @cached_property
    def _sources(self) -> Rows:
        return self._held_out_rows() if self._has_held_out else self.usable

    @cached_property
    def _targets(self) -> Vectors:
        return sample_vectors(self.vectors, self.options.count)

    def _translate_round(self, index: int) -> TranslatedRound:
        """Translate every source image in turn, each time to another of the targets."""
        random = np.random.Generator(np.random.Philox([self.options.seed, index]))
        repeats = -(-self.options.count // len(self._sources))
        order = [random.permutation(self._sources) for _ in range(repeats)]
        rows = np.concatenate(order)[: self.options.count]
        images = self._translate(self.dataset.images[rows], self._targets)
        origins = [f"image {name}" for name in self._names(rows)]
        generated = GeneratedRound(images, self._targets, origins)
        return TranslatedRound(rows, self._own_vectors(rows), generated)

    def _names(self, rows: Rows) -> list[str]:
        return [sanitize(self.dataset.ids[row], _MAX_NAME) for row in rows]

    def _own_vectors(self, rows: Rows) -> Vectors:
        return self.dataset.vectors[rows][:, : self.conditions.size]

    def _measure_edits(
        self, rounds: Sequence[TranslatedRound], predictions: Sequence[Prediction]
    ) -> None:
        before = self.judge.predict(self.dataset.images[self._sources]).outputs
        edits = [
            Edits(
                self.conditions,
                part.own,
                part.generated.vectors,
                before[np.searchsorted(self._sources, part.rows)],
                prediction.outputs,
            )
            for part, prediction in zip(rounds, predictions, strict=True)
        ]
        self.report.metrics |= edit_metrics(edits, self._real_accuracy())

    def _reconstruct(self, part: TranslatedRound) -> Reconstructions:
        first = slice(0, MAX_RECONSTRUCTIONS)
        source, own = self.dataset.images[part.rows[first]], part.own[first]
        moved = part.generated.images[first]
        return Reconstructions(
            source, self._translate(source, own), moved, self._translate(moved, own)
        )

    def _translate(self, images: Images, vectors: Vectors) -> Images:
        return translate_images(self.generator, self.conditions, images, vectors)

    def _add_domain_sheet(self) -> None:
        count = min(_SHEET_ROWS, len(self._sources))
        rows = self._sources[evenly_spaced(len(self._sources), count)]
        domains = domain_vectors(self.conditions, self._own_vectors(rows))
        rows = rows[: _SHEET_IMAGES // (1 + len(domains))]
        images = self.dataset.images[rows]
        columns = {"source": images} | {
            name: self._translate(images, vectors[: len(rows)])
            for name, vectors in domains.items()
            if encodable(self.generator, self.conditions, vectors).all()
        }
        self.report.sheets.insert(0, domain_sheet(columns, self._names(rows)))


def domain_vectors(conditions: Conditions, own: Vectors) -> dict[str, Vectors]:
    """Return named conditions (N, C) for images with the conditions `own` (N, C).

    The first are their own. Each other one sets one label of a one-hot group, or toggles one label
    of a multi-hot group; the remaining condition stays.
    """
    domains = {"own condition": own}
    for group, label, vectors in islice(change_labels(conditions, own), MAX_DOMAINS):
        # Hair and eyes may share a label.
        domains[f"{label} {group.name}" if isinstance(group, OneHot) else label] = vectors
    return domains
