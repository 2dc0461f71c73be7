"""Condition accuracy: how often the judge sees the requested conditions, and its errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, softmax

from ganport_runtime.conditions import (
    ConditionGroup,
    Conditions,
    JointOneHot,
    MultiHot,
    OneHot,
    SignedMultiHot,
)
from ganport_train.evaluation.judge.accuracy import (
    Vectors,
    assess,
    group_counts,
    is_correct,
    is_requested,
    joint_count,
)
from ganport_train.evaluation.judge.judge import Prediction
from ganport_train.evaluation.metrics.metric import Metric
from ganport_train.evaluation.scores.sampling import GeneratedRound

SECTION = "Condition accuracy"
_COUNT_FIELDS = ("value", "low", "high", "count")


def accuracy_metrics(
    conditions: Conditions,
    rounds: Sequence[GeneratedRound],
    predictions: Sequence[Prediction],
    real: Mapping[str, Any],
) -> dict[str, Metric]:
    """Return the accuracy of each group over the rounds; `real` assesses real images."""
    counts = [
        group_counts(conditions, prediction.outputs, generated.vectors)
        for generated, prediction in zip(rounds, predictions, strict=True)
    ]
    return {
        f"accuracy_{name}": Metric.over_rounds(
            f"accuracy of {name}",
            SECTION,
            [count[name].fraction for count in counts],
            better="higher",
            real=part["value"],
            unit="%",
        )
        for name, part in real.items()
    }


def joint_accuracy_metric(
    conditions: Conditions,
    rounds: Sequence[GeneratedRound],
    predictions: Sequence[Prediction],
    real: float,
) -> dict[str, Metric]:
    """Return the fraction of images with all groups correct, if there are several groups.

    `real` is the fraction for real images.
    """
    if len(conditions.groups) < 2:
        return {}
    fractions = [
        joint_count(conditions, prediction.outputs, generated.vectors).fraction
        for generated, prediction in zip(rounds, predictions, strict=True)
    ]
    title = "accuracy of all groups together"
    return {
        "joint": Metric.over_rounds(title, SECTION, fractions, better="higher", real=real, unit="%")
    }


def accuracy_section(
    conditions: Conditions,
    rounds: Sequence[GeneratedRound],
    predictions: Sequence[Prediction],
    real: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the report's `accuracy`: groups, labels, and confusions of generated and real."""
    vectors = np.concatenate([generated.vectors for generated in rounds])
    outputs = np.concatenate([prediction.outputs for prediction in predictions])
    generated = assess(conditions, outputs, vectors)
    return {
        name: _side_by_side(conditions[name].labels, generated[name], real[name])
        for name in generated
    }


@dataclass(frozen=True)
class Misclassified:
    """The image in a `row` that the judge takes for `predicted` instead of `requested`.

    `origin` names the image's source; `confidence` is the judge's, in 0..1.
    """

    row: int
    requested: str
    predicted: str
    origin: str
    confidence: float

    def to_json(self) -> dict[str, Any]:
        """Return everything but the row as plain JSON."""
        return {
            "requested": self.requested,
            "predicted": self.predicted,
            "origin": self.origin,
            "confidence": round(self.confidence, 4),
        }


def find_misclassified(
    conditions: Conditions, generated: GeneratedRound, prediction: Prediction, count: int
) -> list[Misclassified]:
    """Return the `count` most confident errors, one per image and group, in descending order.

    Groups of numbers and colors have no labels to confuse and are skipped.
    """
    errors: list[Misclassified] = []
    for group in conditions.groups:
        columns = conditions.slices[group.name]
        outputs, vectors = prediction.outputs[:, columns], generated.vectors[:, columns]
        for row, requested, predicted, confidence in _group_errors(group, outputs, vectors):
            origin = generated.origins[row]
            errors.append(Misclassified(row, requested, predicted, origin, confidence))
    errors.sort(key=lambda error: (-error.confidence, error.row))
    return errors[:count]


_Errors = Iterator[tuple[int, str, str, float]]  # row, requested, predicted, confidence


def _group_errors(group: ConditionGroup, outputs: Vectors, vectors: Vectors) -> _Errors:
    if isinstance(group, SignedMultiHot):
        return _wrong_signs(group, outputs, vectors)
    if isinstance(group, MultiHot):
        return _missing_labels(group, outputs, vectors)
    if isinstance(group, OneHot | JointOneHot):
        return _wrong_labels(group, outputs, vectors)
    return iter(())


def _wrong_labels(group: OneHot | JointOneHot, outputs: Vectors, vectors: Vectors) -> _Errors:
    probabilities = softmax(outputs, axis=1)
    requested, predicted = vectors.argmax(axis=1), probabilities.argmax(axis=1)
    for row in np.flatnonzero(requested != predicted):
        names = _label_name(group, requested[row]), _label_name(group, predicted[row])
        yield int(row), *names, float(probabilities[row, predicted[row]])


def _missing_labels(group: MultiHot, outputs: Vectors, vectors: Vectors) -> _Errors:
    """Yield the least likely missing label, and the most likely label that was not requested."""
    requested = is_requested(group, vectors)
    missing = requested & ~is_correct(group, outputs, vectors)
    for row in np.flatnonzero(missing.any(axis=1)):
        label = int(np.where(missing[row], outputs[row], np.inf).argmin())
        other = int(np.where(requested[row], -np.inf, outputs[row]).argmax())
        confidence = float(expit(-outputs[row, label]))
        yield int(row), group.labels[label], group.labels[other], confidence


def _wrong_signs(group: SignedMultiHot, outputs: Vectors, vectors: Vectors) -> _Errors:
    correct = is_correct(group, outputs, vectors)
    confidences = np.where(correct, 0, expit(np.abs(outputs)))
    for row in np.flatnonzero(confidences.any(axis=1)):
        index = int(confidences[row].argmax())
        names = [group.labels[index], f"no {group.labels[index]}"]
        requested, predicted = names if vectors[row, index] > 0 else names[::-1]
        yield int(row), requested, predicted, float(confidences[row, index])


def _label_name(group: OneHot | JointOneHot, index: int) -> str:
    # The labels of a joint group already name the member groups.
    label = group.labels[index]
    return f"{label} {group.name}" if isinstance(group, OneHot) else label


def _side_by_side(
    labels: Sequence[str], generated: Mapping[str, Any], real: Mapping[str, Any]
) -> dict[str, Any]:
    confusion = generated["confusion"] and {
        "labels": list(labels),
        "generated": generated["confusion"],
        "real": real["confusion"],
    }
    return {
        "kind": generated["kind"],
        "generated": _count_fields(generated),
        "real": _count_fields(real),
        "labels": {
            label: {"generated": _count_fields(generated["labels"][label]), "real": part}
            for label, part in real["labels"].items()
        },
        "confusion": confusion,
    }


def _count_fields(assessed: Mapping[str, Any]) -> dict[str, Any]:
    return {key: assessed[key] for key in _COUNT_FIELDS}
