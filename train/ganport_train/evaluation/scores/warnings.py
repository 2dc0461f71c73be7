"""The headline metrics of a report, and the warnings for values far from those of real images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ganport_train.evaluation.metrics import Metric

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
MIN_GRAIN, MAX_GRAIN = 0.8, 1.3
MIN_CHANGED = 0.5
MIN_KEPT = 0.9
MIN_JUDGE_ACCURACY = 0.9
"""Smallest accuracy on real images of a judge that can be trusted."""

_Rule = tuple[Callable[[float, float], bool], str]  # (value, real) -> failed, message
_RULES: dict[str, _Rule] = {
    "accuracy_": (lambda value, real: value < MIN_ACCURACY * real, "ignores part of its condition"),
    "prompts_": (lambda value, real: value < MIN_ACCURACY * real, "fails a prompt list"),
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
