"""Whether a generator repeats itself: spread within a condition, and near-duplicates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions import Conditions
from ganport_train.evaluation.metrics.diversity import near_duplicates, share
from ganport_train.evaluation.metrics.neighbours import thumbnails
from ganport_train.evaluation.scores.metric import Figure
from ganport_train.evaluation.scores.sampling import (
    Images,
    Vectors,
    groups_of,
    rows_with,
    spaced,
)

SECTION = "Variety"
CONDITIONS, EACH = 24, 16
"""Conditions that are looked at, and pictures of each."""
_LEAST = 8
_FEW = 4

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Plan:
    """Which pictures' spread is measured: rows of real pictures, one array a condition, and the
    `vectors` (N, C) to draw, `EACH` for every condition, in the same order.

    `shared` says whether real pictures share whole conditions; where all but none do, as with forty
    attributes, those that share a label stand in, and the real spread is the wider.
    """

    real: Sequence[Rows]
    vectors: Vectors
    shared: bool

    @property
    def drawn(self) -> list[Rows]:
        """The rows of the drawn pictures, one array a condition."""
        return [np.arange(start, start + EACH) for start in range(0, len(self.vectors), EACH)]

    @property
    def rows(self) -> Rows:
        """All rows of `real`, end to end."""
        return np.concatenate(self.real)

    @classmethod
    def of(cls, conditions: Conditions, vectors: Vectors) -> Plan:
        """The most frequent conditions among those of real pictures, vectors (N, C)."""
        groups = groups_of(vectors, least=_LEAST, most=EACH)[:CONDITIONS]
        shared = len(groups) >= min(_FEW, len(np.unique(vectors, axis=0)))
        if not shared:
            labels = rows_with(conditions, vectors).values()
            common = [rows for rows in labels if len(rows) >= _LEAST][:CONDITIONS]
            groups = [
                rows[spaced(len(rows), min(len(rows), EACH))]
                for rows in common or [np.arange(len(vectors))]
            ]
        chosen = vectors[[rows[0] for rows in groups]]
        return cls(groups, np.repeat(chosen, EACH, axis=0), shared)


def figures(
    plan: Plan,
    rounds: Sequence[Images],
    real: Images,
    features: Callable[[Images], NDArray[np.float32]],
) -> dict[str, Figure]:
    """The spread within a condition as a share of the real one, of pixels and of features.

    `rounds` are the plan's pictures, drawn one or more times, and `real` those of its `rows`, all
    of them uint8 (N, H, W, 3).
    """
    ends = np.cumsum([len(rows) for rows in plan.real])
    places = [np.arange(end - len(rows), end) for end, rows in zip(ends, plan.real, strict=True)]
    note = "" if plan.shared else "hardly two real pictures share a condition: one label instead"
    return {
        key: Figure.over_rounds(
            title,
            SECTION,
            [share(look(drawn), plan.drawn, look(real), places) for drawn in rounds],
            better="higher",
            real=1.0,
            unit="%",
            note=note,
        )
        for key, title, look in (
            ("spread_pixels", "spread within a condition, pixels", thumbnails),
            ("spread_features", "spread within a condition, features", features),
        )
    }


def duplicates(rounds: Sequence[Images], real: Images) -> Figure:
    """The share of near-identical pictures among those drawn in a round and as many real ones,
    uint8 (N, H, W, 3)."""
    return Figure.over_rounds(
        "near-duplicates",
        SECTION,
        [near_duplicates(drawn) for drawn in rounds],
        better="lower",
        real=near_duplicates(real),
        unit="%",
    )
