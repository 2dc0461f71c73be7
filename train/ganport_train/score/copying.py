"""Whether a generator learnt its training pictures by heart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganport_train.score.drawing import Images
from ganport_train.score.figure import Figure
from ganport_train.score.metrics.neighbours import memorised, nearest_pictures

SECTION = "Not copied"


@dataclass(frozen=True, eq=False)
class Nearest:
    """For each drawn picture the distance to its nearest training picture, and that one's row."""

    distances: NDArray[np.float32]
    rows: NDArray[np.int64]

    def closest(self, count: int) -> NDArray[np.int64]:
        """The drawn pictures nearest to a training picture, the nearest first."""
        return np.argsort(self.distances, kind="stable")[:count]


def figures(drawn: Images, train: Images, held: Images) -> tuple[dict[str, Figure], Nearest]:
    """How near drawn pictures lie to training ones, beside held-out pictures, which copy none."""
    distances, rows = nearest_pictures(drawn, train)
    reference, _ = nearest_pictures(held, train)
    share, ratio = memorised(distances, reference)
    return {
        "copied": Figure(
            "nearer to a training picture than 99 in 100 real ones",
            SECTION,
            share,
            better="lower",
            real=0.01,
            unit="%",
        ),
        "copied_ratio": Figure(
            "median distance to the nearest training picture, over that of real ones",
            SECTION,
            ratio,
            better=None,
            real=1.0,
        ),
    }, Nearest(distances, rows)
