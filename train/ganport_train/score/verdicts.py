"""What the figures amount to: those to show large, and those that give cause to worry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ganport_train.score.figure import Figure

MIN_ACCURACY = 0.9
"""Of what real pictures get."""
MIN_SPREAD = 0.5
"""Of the real spread within a condition."""
MIN_COVERAGE = 0.5
"""Of what real pictures cover of each other."""
MAX_COPIED = 0.05
"""Of the pictures; one in a hundred real ones lies as near to a training picture."""
MORE_DUPLICATES = 0.05
"""Beyond those of real pictures."""

_HEADLINE = ("judge_kernel", "inception_kernel", "judge_coverage", "spread_pixels", "copied")


def headline(figures: Mapping[str, Figure]) -> list[str]:
    """The keys of the figures to show first: accuracies, then one of each worry."""
    accuracies = [key for key in figures if key.startswith("accuracy_")]
    return accuracies + [key for key in _HEADLINE if key in figures]


def warnings(figures: Mapping[str, Figure]) -> list[str]:
    """A sentence for each figure that fails what real pictures would meet."""
    return [line for key, figure in figures.items() for line in _warn(key, figure)]


def _warn(key: str, figure: Figure) -> Iterator[str]:
    for prefix, (failed, words) in _RULES.items():
        if key.startswith(prefix) and failed(figure.value, figure.real or 0.0):
            yield f"{words}: {figure.title} {figure.value:.1%}, real pictures {figure.real:.1%}"


_Rule = tuple[Callable[[float, float], bool], str]
_RULES: dict[str, _Rule] = {
    "accuracy_": (lambda value, real: value < MIN_ACCURACY * real, "ignores part of its condition"),
    "spread_": (lambda value, real: value < MIN_SPREAD * real, "collapsed within a condition"),
    "judge_coverage": (lambda value, real: value < MIN_COVERAGE * real, "leaves out many pictures"),
    "near_duplicates": (
        lambda value, real: value > real + MORE_DUPLICATES,
        "draws the same picture again and again",
    ),
    "copied": (
        lambda value, real: real < 1 and value > MAX_COPIED,
        "draws pictures of its training set",
    ),
}
