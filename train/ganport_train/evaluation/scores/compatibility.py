"""Whether a bundle, a data set and a judge go together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import GanportError
from ganport_runtime.generator import Generator
from ganport_train.data import Dataset
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.scores.sampling import sayable

FEWEST = 20
"""Pictures below which no distance means anything, drawn or real."""


class ScoreError(GanportError):
    """A bundle, data set, judge and place for the report that do not go together."""


def side(generator: Generator) -> int:
    """Height and width of a bundle's pictures; raises ScoreError unless they are square."""
    height, width = generator.manifest.image.size
    if height != width:
        raise ScoreError(
            str(generator.bundle.path),
            expected="square pictures, as those of data sets are",
            found=f"{height} x {width}",
            fix="Score a bundle of square pictures.",
        )
    return height


def check_groups(dataset: Dataset, judge: Judge) -> None:
    """Raises ScoreError unless a data set and a judge have the same condition groups."""
    wanted, found = (list(each.conditions.fields) for each in (judge, dataset))
    if wanted != found:
        raise ScoreError(
            "data set and judge",
            expected=f"the judge's condition groups, {_words(judge.conditions)}",
            found=_words(dataset.conditions),
            fix="Take a judge that was trained on this data set.",
        )


def usable(generator: Generator, dataset: Dataset, judge: Judge) -> NDArray[np.int64]:
    """The rows of a data set whose conditions a bundle can be asked for; raises ScoreError when
    they are too few."""
    rows = np.flatnonzero(sayable(generator, judge.conditions, dataset.vectors))
    if not len(rows):
        raise ScoreError(
            "bundle and judge",
            expected=f"conditions that both know; the judge's: {_words(judge.conditions)}",
            found=_words(generator.conditions),
            fix="Take a judge of the data set that the bundle was trained on.",
        )
    if len(rows) < FEWEST:
        raise ScoreError(
            "data set",
            expected=f"at least {FEWEST} pictures of what the bundle can be asked for",
            found=f"{len(rows)} of {len(dataset)}",
            fix="Bring more pictures.",
        )
    return rows


def _words(conditions: Conditions) -> str:
    return ", ".join(f"{group.name} ({group.kind})" for group in conditions.groups) or "none"
