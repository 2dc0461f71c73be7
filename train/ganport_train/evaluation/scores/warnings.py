"""What the figures amount to: those to show large, and those that give cause to worry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ganport_train.evaluation.scores.metric import Figure

MIN_ACCURACY = 0.9
"""Of what real pictures get."""
MIN_LABEL = 0.5
"""The same for a single label, of which there are fewer pictures."""
MIN_SPREAD = 0.5
"""Of the real spread within a condition."""
MIN_COVERAGE = 0.5
"""Of what real pictures cover of each other."""
MAX_COPIED, MORE_COPIED = 0.05, 5
"""Of the pictures, and times as many as of new ones: few held-out pictures are a rough measure."""
MORE_DUPLICATES = 0.05
"""Beyond those of real pictures."""
MIN_GRAIN, MAX_GRAIN = 0.8, 1.3
"""Of the finest details of real pictures."""
MIN_CHANGED = 0.5
"""Of what the judge sees in real pictures."""
MIN_KEPT = 0.9
"""Of the labels that were not to change."""
MIN_JUDGE = 0.9
"""Of real pictures, for the judge to be believed."""

_Rule = tuple[Callable[[float, float], bool], str]
_RULES: dict[str, _Rule] = {
    "accuracy_": (lambda value, real: value < MIN_ACCURACY * real, "ignores part of its condition"),
    "trial_": (lambda value, real: value < MIN_ACCURACY * real, "fails a test list"),
    "changed": (lambda value, real: value < MIN_CHANGED * real, "hardly changes its pictures"),
    "kept": (lambda value, real: value < MIN_KEPT * real, "changes what was to stay"),
    "spread_": (lambda value, real: value < MIN_SPREAD * real, "collapsed within a condition"),
    "judge_coverage": (lambda value, real: value < MIN_COVERAGE * real, "leaves out many pictures"),
    "grain_": (
        lambda value, real: not MIN_GRAIN * real <= value <= MAX_GRAIN * real,
        "blurred or grainy",
    ),
    "near_duplicates": (
        lambda value, real: value > real + MORE_DUPLICATES,
        "draws the same picture again and again",
    ),
    "copied": (
        lambda value, real: value > max(MAX_COPIED, MORE_COPIED * real),
        "draws pictures of its training set",
    ),
}
_HEADLINE = (
    "accuracy_",
    "joint",
    "trial_",
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


def headline(figures: Mapping[str, Figure]) -> list[str]:
    """The keys of the figures to show first: accuracies, distances, then one of each worry."""
    return [key for prefix in _HEADLINE for key in figures if key.startswith(prefix)]


def warnings(figures: Mapping[str, Figure], accuracy: Mapping[str, Any]) -> list[str]:
    """A sentence for each group that the judge cannot read, and for each figure, and each label,
    that fails what real pictures would meet.

    `accuracy` is the report's: groups with their labels, drawn beside real.
    """
    return [
        *(line for name, part in accuracy.items() for line in _weak(name, part["real"])),
        *(line for key, figure in figures.items() for line in _warn(key, figure)),
        *(line for name, part in accuracy.items() for line in _labels(name, part)),
    ]


def _weak(name: str, real: Mapping[str, Any]) -> Iterator[str]:
    if real["count"] and real["value"] < MIN_JUDGE:
        share = f"{real['value']:.1%} of {name} right on real pictures"
        yield f"a weak judge: it reads only {share}; its figures say little"


def _warn(key: str, figure: Figure) -> Iterator[str]:
    for prefix, (failed, words) in _RULES.items():
        real = figure.real
        if real is not None and key.startswith(prefix) and failed(figure.value, real):
            yield f"{words}: {figure.title} {figure.value:.1%}, real pictures {real:.1%}"


def _labels(name: str, part: Mapping[str, Any]) -> Iterator[str]:
    for label, shares in part["labels"].items():
        drawn, real = shares["generated"], shares["real"]
        # Only what not even the upper end of its interval excuses.
        if drawn["count"] and real["count"] and drawn["high"] < MIN_LABEL * real["value"]:
            share = f"{drawn['value']:.1%}, real pictures {real['value']:.1%}"
            yield f"ignores a label: {name} {label} as asked {share}"
