"""The evaluation of a bundle: the measurements common to all kinds of bundles, and the report."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ganport_runtime.conditions import Conditions
from ganport_runtime.generator import Generator
from ganport_train.data import Dataset
from ganport_train.data.dataset import Rows, Vectors
from ganport_train.evaluation.judge.judge import Judge, Prediction
from ganport_train.evaluation.metrics import Metric, quality
from ganport_train.evaluation.metrics.diversity import evenly_spaced
from ganport_train.evaluation.metrics.grain import grain_metrics
from ganport_train.evaluation.scores import condition_accuracy
from ganport_train.evaluation.scores.extractors import Extractor, cached_features
from ganport_train.evaluation.scores.flow import FlowLikelihood
from ganport_train.evaluation.scores.sampling import GeneratedRound, usable_rows
from ganport_train.evaluation.scores.sheets import Sheet, misclassified_sheet

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

    num_stages: int
    """The number of logged stages."""

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

    @abstractmethod
    def run(self) -> EvaluationReport:
        """Measure everything, in the order of the report."""

    def _log_stage(self, stage: str) -> None:
        self._stage += 1
        self.log(f"{self._stage}/{self.num_stages} {stage}")

    def _predict(self, rounds: Sequence[GeneratedRound]) -> list[Prediction]:
        self._log_stage("reading the images with the judge")
        return [self.judge.predict(generated.images) for generated in rounds]

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
                self.report.metrics |= condition_accuracy.leak_metrics(
                    self.conditions, rounds, predictions, self.judge.outputs(real), self.vectors
                )
                self.report.fields["labels"] = quality.label_metrics(
                    self.conditions, rounds[0].vectors, features, reference
                )
            else:
                features = [extractor.features(part.images) for part in rounds]
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


# Limits relative to the value of real images, unless stated otherwise.
MIN_ACCURACY = 0.9
MIN_LABEL_ACCURACY = 0.5  # lower, since a label has fewer images
MIN_SPREAD = 0.5
MIN_COVERAGE = 0.5
MAX_COPIED = 0.05
"""Largest fraction of copies, unless `COPIED_FACTOR` times the expected one is larger."""
COPIED_FACTOR = 5
"""The expected fraction is a rough measure where few images are held out."""
MAX_EXTRA_DUPLICATES = 0.05
"""Largest fraction of near-duplicates above that of real images."""
MAX_EXTRA_LEAK = 0.1
"""Largest leak above that of real images, whose labels may occur together."""
MIN_GRAIN, MAX_GRAIN = 0.8, 1.3
MIN_CHANGED = 0.5
MIN_KEPT = 0.9
MIN_JUDGE_ACCURACY = 0.9
"""Smallest accuracy on real images of a judge that can be trusted."""

_Rule = tuple[Callable[[float, float], bool], str]  # (value, real) -> failed, message
_RULES: dict[str, _Rule] = {
    "accuracy_": (lambda value, real: value < MIN_ACCURACY * real, "ignores part of its condition"),
    "prompts_": (lambda value, real: value < MIN_ACCURACY * real, "fails a prompt list"),
    "leak_": (lambda value, real: value > real + MAX_EXTRA_LEAK, "changes one group with another"),
    "changed": (lambda value, real: value < MIN_CHANGED * real, "hardly changes its images"),
    "kept": (lambda value, real: value < MIN_KEPT * real, "changes other labels"),
    "spread_": (lambda value, real: value < MIN_SPREAD * real, "collapsed within a condition"),
    "judge_coverage": (lambda value, real: value < MIN_COVERAGE * real, "misses many real images"),
    "grain_": (
        lambda value, real: not MIN_GRAIN * real <= value <= MAX_GRAIN * real,
        "blurred or grainy",
    ),
    "near_duplicates": (
        lambda value, real: value > real + MAX_EXTRA_DUPLICATES,
        "generates near-duplicates",
    ),
    "copied": (
        lambda value, real: value > max(MAX_COPIED, COPIED_FACTOR * real),
        "copies training images",
    ),
}
_HEADLINE = (
    "accuracy_",
    "joint",
    "leak_",
    "prompts_",
    "changed",
    "kept",
    "bits",
    "inception_kernel",
    "inception_frechet",
    "judge_kernel",
    "judge_coverage",
    "spread_pixels",
    "grain_",
    "copied",
    "reconstruction",
    "own_levels",
    "back_levels",
)


def headline_keys(metrics: Mapping[str, Metric]) -> list[str]:
    """Return the keys of the metrics to show first: accuracy, distances, then one per risk."""
    return [key for prefix in _HEADLINE for key in metrics if key.startswith(prefix)]


def find_warnings(metrics: Mapping[str, Metric], accuracy: Mapping[str, Any]) -> list[str]:
    """Return a warning per group that the judge misreads, and per metric or label below its limit.

    `accuracy` is that of the report: groups and labels, generated and real.
    """
    return [
        *(line for name, part in accuracy.items() for line in _judge_warnings(name, part["real"])),
        *(line for key, metric in metrics.items() for line in _metric_warnings(key, metric)),
        *(line for name, part in accuracy.items() for line in _label_warnings(name, part)),
    ]


def _judge_warnings(name: str, real: Mapping[str, Any]) -> Iterator[str]:
    if real["count"] and real["value"] < MIN_JUDGE_ACCURACY:
        yield (
            f"a weak judge: accuracy of {name} on real images is only {real['value']:.1%}, so its "
            "metrics mean little"
        )


def _metric_warnings(key: str, metric: Metric) -> Iterator[str]:
    for prefix, (failed, message) in _RULES.items():
        real = metric.real
        if real is not None and key.startswith(prefix) and failed(metric.value, real):
            yield f"{message}: {metric.title} {metric.value:.1%}, real images {real:.1%}"


def _label_warnings(name: str, part: Mapping[str, Any]) -> Iterator[str]:
    for label, counts in part["labels"].items():
        generated, real = counts["generated"], counts["real"]
        # The upper end of the interval keeps chance from raising a warning.
        failed = generated["high"] < MIN_LABEL_ACCURACY * real["value"]
        if generated["count"] and real["count"] and failed:
            values = f"{generated['value']:.1%}, real images {real['value']:.1%}"
            yield f"ignores a label: accuracy of {name} {label} {values}"
