"""What a translation leaves of a picture: into its own condition, and there and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganport_train.score.drawing import Images
from ganport_train.score.figure import Figure
from ganport_train.score.metrics.diversity import within

SECTION = "Stays the same outside the edit"
MOST = 256
"""Pictures a round that go there and back."""

See = Callable[[Images], NDArray[np.float32]]
_TITLES = {
    "own": "into its own condition",
    "back": "there and back",
    "moved": "by the translation itself",
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
    levels = [_levels(ways) for ways in rounds]
    features = [_features(ways, see) for ways in rounds]
    found: dict[str, Figure] = {}
    for way, words in _TITLES.items():
        better = None if way == "moved" else "lower"
        for key, kind, values, unit in (
            (f"{way}_levels", "levels", levels, "levels"),
            (f"{way}_features", "features", features, "%"),
        ):
            found[key] = Figure.over_rounds(
                f"difference {words}, {kind}",
                SECTION,
                [each[way] for each in values],
                better=better,
                real=None if way == "moved" else 0.0,
                unit=unit,
                note="" if unit == "levels" else "of the distance between two real pictures",
            )
    return found


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
