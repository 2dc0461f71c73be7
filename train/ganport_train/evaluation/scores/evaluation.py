"""The evaluation of a bundle: the measurements common to all kinds of bundles, and the report."""

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
from ganport_train.evaluation.judge.accuracy import Vectors
from ganport_train.evaluation.judge.judge import Judge, Prediction
from ganport_train.evaluation.metrics import Metric, quality
from ganport_train.evaluation.metrics.diversity import Rows, evenly_spaced
from ganport_train.evaluation.metrics.grain import grain_metrics
from ganport_train.evaluation.scores import condition_accuracy
from ganport_train.evaluation.scores.extractors import Extractor, cached_features
from ganport_train.evaluation.scores.flow import FlowLikelihood
from ganport_train.evaluation.scores.sampling import GeneratedRound, usable_rows
from ganport_train.evaluation.scores.sheets import Sheet, misclassified_sheet
from ganport_train.evaluation.scores.warnings import find_warnings, headline_keys

SCHEMA_VERSION = 2
DEFAULT_PROMPT_ROUNDS = 50
_MAX_MISCLASSIFIED = 16
_UNCONDITIONAL = "an unconditional bundle has no accuracy: it takes no request"


@dataclass(frozen=True)
class EvaluationOptions:
    """Options of an evaluation; equal options, bundle, data, and judge give equal metrics."""

    count: int = 2000
    """Images per round, at least 20."""
    rounds: int = 3
    """Rounds, each with its own noise or source images."""
    seed: int = 0
    val_fraction: float = 0.05
    """Fraction of the data set that was held out from the generator's training."""
    prompt_rounds: int = DEFAULT_PROMPT_ROUNDS
    """Rounds of each prompt list."""


@dataclass
class EvaluationReport:
    """The parts of report.json, filled step by step, and the sheets of the page."""

    fields: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Metric] = field(default_factory=dict)
    sheets: list[Sheet] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Measurements that were not possible, with the reason."""

    def to_json(self) -> dict[str, Any]:
        """Return the measured part of report.json."""
        return {
            "schema_version": SCHEMA_VERSION,
            "kind": "score",
            **self.fields,
            "headline": headline_keys(self.metrics),
            "metrics": {key: metric.to_json() for key, metric in self.metrics.items()},
            "warnings": find_warnings(self.metrics, self.fields["accuracy"]),
            "notes": self.notes,
        }


class Evaluation(ABC):
    """The evaluation of one bundle on one data set with one judge.

    The vectors of `dataset` are in the judge's layout. `cache` is the folder of cached features, by
    default that of data sets. `likelihood` is that of the run a flow was exported from. Raises
    ScoreError if bundle, data set, and judge do not fit together.
    """

    def __init__(
        self,
        generator: Generator,
        dataset: Dataset,
        judge: Judge,
        options: EvaluationOptions,
        extractors: Sequence[Extractor] = (),
        cache: Path | None = None,
        likelihood: FlowLikelihood | None = None,
        log: Callable[[str], None] = print,
    ) -> None:
        self.generator, self.dataset, self.judge, self.options = generator, dataset, judge, options
        self.extractors: list[Extractor] = [judge, *extractors]
        self.cache, self.likelihood, self.log = cache, likelihood, log
        self.usable = usable_rows(generator, dataset, judge)
        conditional = bool(generator.conditions.groups)
        self.conditions = judge.conditions if conditional else Conditions()
        self.vectors = dataset.vectors[self.usable][:, : self.conditions.size]
        self.report = EvaluationReport(notes=[] if conditional else [_UNCONDITIONAL])
        self._stage = 0

    @property
    @abstractmethod
    def num_stages(self) -> int:
        """The number of logged stages."""

    @abstractmethod
    def run(self) -> EvaluationReport:
        """Measure everything, in the order of the report."""

    def _log_stage(self, stage: str) -> None:
        self._stage += 1
        self.log(f"{self._stage}/{self.num_stages} {stage}")

    def _predict(self, rounds: Sequence[GeneratedRound]) -> list[Prediction]:
        self._log_stage("reading the images with the judge")
        return [self.judge.predict(generated.images, progress=True) for generated in rounds]

    def _measure_accuracy(
        self, rounds: Sequence[GeneratedRound], predictions: Sequence[Prediction]
    ) -> None:
        report, conditions = self.report, self.conditions
        metrics, report.fields["accuracy"] = condition_accuracy.measure_accuracy(
            conditions, rounds, predictions, *self._predict_real()
        )
        report.metrics |= metrics
        errors = condition_accuracy.find_misclassified(
            conditions, rounds[0], predictions[0], _MAX_MISCLASSIFIED
        )
        report.fields["misclassified"] = [error.to_json() for error in errors]
        if errors:
            report.sheets.append(misclassified_sheet(rounds[0], errors))

    def _predict_real(self) -> tuple[Vectors, Vectors]:
        """Return outputs and vectors of images held out from the judge, or of all if none."""
        _, held_out = self.dataset.split(self.judge.metadata.val_fraction)
        rows = np.intersect1d(held_out, self.usable)
        rows = rows if len(rows) else self.usable
        outputs = self.judge.predict(self.dataset.images[rows]).outputs
        return outputs, self.dataset.vectors[rows]

    def _real_accuracy(self) -> float:
        """Return the judge's accuracy on real images over all groups."""
        parts = [part["real"] for part in self.report.fields["accuracy"].values()]
        total = sum(part["count"] for part in parts)
        return float(sum(part["value"] * part["count"] for part in parts) / max(1, total))

    def _compare(self, rounds: Sequence[GeneratedRound], predictions: Sequence[Prediction]) -> None:
        self._log_stage(f"comparing with {len(self.usable):,} real images")
        options = self.options
        for extractor in self.extractors:
            real = cached_features(extractor, self.dataset, self.cache)[self.usable]
            reference = quality.Reference.of(real, self.vectors, options.count, options.seed)
            if extractor is self.judge:
                features = [prediction.features for prediction in predictions]
                self.report.fields["labels"] = quality.label_metrics(
                    self.conditions, rounds[0].vectors, features, reference
                )
            else:
                features = [extractor.features(part.images, progress=True) for part in rounds]
            self.report.metrics |= quality.quality_metrics(extractor.name, features, reference)
            self.report.fields["compared"] = reference.counts()
        count = min(options.count, len(self.usable))
        rows = self.usable[evenly_spaced(len(self.usable), count)]
        images = [generated.images for generated in rounds]
        self.report.metrics |= grain_metrics(images, self.dataset.images[rows])

    def _held_out_rows(self) -> Rows:
        """Return the usable rows that were held out from the generator's training."""
        _, held_out = self.dataset.split(self.options.val_fraction)
        return np.intersect1d(held_out, self.usable)
