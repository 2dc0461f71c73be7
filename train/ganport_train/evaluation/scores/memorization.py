"""Whether a generator learnt its training pictures by heart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganport_train.evaluation.metrics.neighbours import closeness, nearest_pictures, thumbnails
from ganport_train.evaluation.scores.metric import Figure
from ganport_train.evaluation.scores.sampling import Images

SECTION = "Not copied"

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Nearest:
    """For each drawn picture the distance to its nearest training picture, and that one's row
    among the real ones."""

    distances: NDArray[np.float32]
    rows: Rows

    def closest(self, count: int) -> NDArray[np.int64]:
        """The drawn pictures nearest to a training picture, the nearest first."""
        return np.argsort(self.distances, kind="stable")[:count]


def figures(
    rounds: Sequence[Images], real: Images, train: Rows, held: Rows
) -> tuple[dict[str, Figure], Nearest]:
    """How near drawn pictures lie to training ones, beside held-out pictures, which copy none.

    Pictures are uint8 (N, H, W, 3); `train` and `held` are rows of the `real` ones. What is
    nearest to the pictures of the first round comes with the figures.
    """
    known = thumbnails(real, train)
    reference, _ = nearest_pictures(real[held], known)
    nearest = [nearest_pictures(drawn, known) for drawn in rounds]
    found = [closeness(distances, reference) for distances, _ in nearest]
    distances, places = nearest[0]
    return {
        "copied": Figure.over_rounds(
            "as near to a training picture as a copy",
            SECTION,
            [each.share for each in found],
            better="lower",
            real=found[0].expected,
            unit="%",
            note="nearer than all but one in a hundred real pictures that were held out",
        ),
        "distance_ratio": Figure.over_rounds(
            "median distance to the nearest training picture, over that of real ones",
            SECTION,
            [each.ratio for each in found],
            real=1.0,
        ),
    }, Nearest(distances, train[places])
