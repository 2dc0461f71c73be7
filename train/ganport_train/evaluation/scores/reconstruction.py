"""What a translation leaves of a picture: into its own condition, and there and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganport_train.evaluation.metrics.diversity import within
from ganport_train.evaluation.scores.metric import Figure
from ganport_train.evaluation.scores.sampling import Images

SECTION = "Stays the same outside the edit"
MOST = 256
"""Pictures a round that go there and back."""

_SCALE = "of the distance between two real pictures"

See = Callable[[Images], NDArray[np.float32]]
_TITLES = {
    "own": "into its own condition",
    "back": "there and back",
    "moved": "the translation itself",
}


@dataclass(frozen=True, eq=False)
class Ways:
    """Pictures uint8 (N, H, W, 3) as they came, translated into what they were, translated into
    something else, and brought back from there."""

    source: Images
    own: Images
    moved: Images
    back: Images


def figures(rounds: Sequence[Ways], see: See) -> dict[str, Figure]:
    """How far each way leads from the source, in levels and in the features that `see` sees.

    Distances of features are shares of the mean one between two of the source pictures.
    """
    measured = {
        "levels": ([_levels(ways) for ways in rounds], "", ""),
        "features": ([_features(ways, see) for ways in rounds], "%", _SCALE),
    }
    return {
        f"{way}_{space}": Figure.over_rounds(
            f"{words}: change in {space}",
            SECTION,
            [each[way] for each in values],
            better=None if way == "moved" else "lower",
            real=None if way == "moved" else 0.0,
            unit=unit,
            note=note,
        )
        for space, (values, unit, note) in measured.items()
        for way, words in _TITLES.items()
    }


def _levels(ways: Ways) -> dict[str, float]:
    """The mean absolute difference of all pixels, 0 to 255."""
    source = ways.source.astype(np.int16)
    return {way: float(np.abs(getattr(ways, way) - source).mean()) for way in _TITLES}


def _features(ways: Ways, see: See) -> dict[str, float]:
    source = see(ways.source)
    apart = within(source, [np.arange(len(source))])
    return {
        way: float(np.linalg.norm(see(getattr(ways, way)) - source, axis=1).mean() / apart)
        if apart
        else 0.0
        for way in _TITLES
    }
