"""Condition accuracy: how often the judge sees the conditions, its errors, and leaks of groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from ganport_runtime.conditions import (
    ConditionGroup,
    Conditions,
    JointOneHot,
    MultiHot,
    OneHot,
    SignedMultiHot,
)
from ganport_train.data.dataset import Vectors
from ganport_train.evaluation.judge.accuracy import (
    Count,
    assess,
    group_counts,
    is_correct,
    is_requested,
    joint_count,
)
from ganport_train.evaluation.judge.judge import Prediction
from ganport_train.evaluation.metrics import Metric
from ganport_train.evaluation.scores.sampling import GeneratedRound

SECTION = "Condition accuracy"
_MIN_CELL = 2  # images of a pair of values, whose mean and variance are compared
_COUNT_FIELDS = ("value", "low", "high", "count")


def measure_accuracy(
    conditions: Conditions,
    rounds: Sequence[GeneratedRound],
    predictions: Sequence[Prediction],
    real_outputs: Vectors,
    real_vectors: Vectors,
) -> tuple[dict[str, Metric], dict[str, Any]]:
    """Return the accuracy metrics, and the report's `accuracy` by group and label.

    `real_outputs` and `real_vectors` (N, C) are those of real images.
    """
    outputs = [prediction.outputs for prediction in predictions]
    vectors = [generated.vectors for generated in rounds]
    pairs = list(zip(outputs, vectors, strict=True))
    generated = assess(conditions, np.concatenate(outputs), np.concatenate(vectors))
    real = assess(conditions, real_outputs, real_vectors)
    counts = [group_counts(conditions, *pair) for pair in pairs]
    metrics = {
        f"accuracy_{name}": accuracy_metric(name, [count[name] for count in counts], part["value"])
        for name, part in real.items()
    }
    if len(conditions.groups) > 1:
        joint = [joint_count(conditions, *pair) for pair in pairs]
        expected = joint_count(conditions, real_outputs, real_vectors).fraction
        metrics["joint"] = accuracy_metric("all groups together", joint, expected)
    report = {
        name: _side_by_side(conditions[name].labels, part, real[name])
        for name, part in generated.items()
    }
    return metrics, report


def accuracy_metric(name: str, counts: Sequence[Count], real: float | None) -> Metric:
    """Return the accuracy over rounds, one count each; `real` is that of real images."""
    fractions = [count.fraction for count in counts]
    title = f"accuracy of {name}"
    return Metric.over_rounds(title, SECTION, fractions, better="higher", real=real, unit="%")


def leak_metrics(
    conditions: Conditions,
    rounds: Sequence[GeneratedRound],
    predictions: Sequence[Prediction],
    real_outputs: Vectors,
    real_vectors: Vectors,
) -> dict[str, Metric]:
    """Return how far each one-hot group moves what the judge sees of each other group.

    A leak of 10 % of eyes into hair: among images of equal hair, the mean output of the judge for
    hair differs between eye labels with a standard deviation of 10 % of that over all images.
    """
    metrics = {}
    for source, target in permutations(conditions.groups, 2):
        if not isinstance(source, OneHot | JointOneHot):
            continue
        parts = conditions.slices[target.name], conditions.slices[source.name]
        values = [
            _leak(prediction.outputs[:, parts[0]], *(part.vectors[:, part_] for part_ in parts))
            for prediction, part in zip(predictions, rounds, strict=True)
        ]
        real = _leak(real_outputs[:, parts[0]], *(real_vectors[:, part] for part in parts))
        found = [value for value in values if value is not None]
        if len(found) == len(values):
            metrics[f"leak_{source.name}_{target.name}"] = Metric.over_rounds(
                f"leak of {source.name} into {target.name}",
                SECTION,
                found,
                better="lower",
                real=real,
                unit="%",
            )
    return metrics


def _leak(outputs: Vectors, own: Vectors, other: Vectors) -> float | None:
    """Return the leak of a group into the one with these outputs (N, K); None for too few images.

    `own` and `other` (N, ...) are the vectors of the two groups. The variance between the values
    of the other group is that of a one-way random-effects model (Searle et al. 1992, section 3.6),
    which is unbiased for any number of images; it is averaged over the values of the own group.
    """
    _, rows = np.unique(own, axis=0, return_inverse=True)
    _, columns = np.unique(other, axis=0, return_inverse=True)
    total = float(outputs.var(axis=0).sum())
    weights, variances = [], []
    for value in range(rows.max() + 1):
        inside = rows.reshape(-1) == value
        variance = _variance_between(outputs[inside].astype(float), columns.reshape(-1)[inside])
        if variance is not None:
            weights.append(int(inside.sum()))
            variances.append(variance)
    if not weights or not total:
        return None
    return float(np.sqrt(max(0.0, float(np.average(variances, weights=weights))) / total))


def _variance_between(outputs: NDArray[np.float64], labels: NDArray[np.int64]) -> float | None:
    """Return the variance of the means of (N, K) outputs between labels (N,), over all columns."""
    labels, counts = np.unique(labels, return_inverse=True, return_counts=True)[1:]
    kept = counts >= _MIN_CELL
    if kept.sum() < 2:
        return None
    outputs, labels = outputs[kept[labels]], (np.cumsum(kept) - 1)[labels[kept[labels]]]
    sizes = counts[kept].astype(float)
    means = np.stack([np.bincount(labels, column) for column in outputs.T], axis=1) / sizes[:, None]
    within = float(((outputs - means[labels]) ** 2).sum()) / (len(outputs) - len(sizes))
    between = float((sizes[:, None] * (means - outputs.mean(axis=0)) ** 2).sum()) / (len(sizes) - 1)
    size = (len(outputs) - (sizes**2).sum() / len(outputs)) / (len(sizes) - 1)
    return float((between - within) / size)


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
