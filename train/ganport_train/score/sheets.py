"""The pictures of a report: drawn beside real ones, mistakes, trials and nearest neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from ganport_runtime.conditions import Conditions
from ganport_runtime.sheet import grid
from ganport_train.score.copying import Nearest
from ganport_train.score.drawing import Drawn, Images, captions
from ganport_train.score.report.page import Sheet

_COLUMNS = 8
_ROWS = 12
_SIDE = 96  # pixels a picture takes at least


def side_by_side(
    conditions: Conditions,
    drawn: Images,
    real: Images,
    rows: Sequence[tuple[Sequence[int], Sequence[int], str]],
) -> Sheet:
    """Drawn pictures and real ones of the same conditions: rows of (drawn, real, caption)."""
    half = _COLUMNS // 2
    usable = [row for row in rows if len(row[0]) >= half and len(row[1]) >= half][:_ROWS]
    pictures = [
        np.concatenate([drawn[list(ours[:half])], real[list(theirs[:half])]])
        for ours, theirs, _ in usable
    ]
    page = grid(
        np.concatenate(pictures),
        2 * half,
        row_labels=[caption for *_, caption in usable],
        column_labels=["drawn"] * half + ["real"] * half,
        scale=_scale(drawn),
    )
    return Sheet("Drawn and real", "Four of each for conditions that both sides have.", page)


def mistakes(drawn: Drawn, worst: Sequence[tuple[int, Mapping[str, Any]]]) -> Sheet:
    """The pictures that most surely show something else than was asked for."""
    page = grid(
        drawn.images[[row for row, _ in worst]],
        min(_COLUMNS, len(worst)),
        captions=[f"{words['asked']}, judged {words['judged']}" for _, words in worst],
        scale=_scale(drawn.images),
    )
    return Sheet("Worst mistakes", "Asked for, and what the judge is surest to see instead.", page)


def trial(conditions: Conditions, name: str, drawn: Drawn) -> Sheet:
    """The first draw of a test list."""
    page = grid(
        drawn.images,
        _COLUMNS,
        captions=captions(conditions, drawn.vectors),
        scale=_scale(drawn.images),
    )
    return Sheet(f"Test list {name}", "The first of its draws.", page)


def neighbours(drawn: Images, train: Images, nearest: Nearest) -> Sheet:
    """The drawn pictures that lie nearest to a training picture, over that picture."""
    closest = nearest.closest(_COLUMNS * 2)
    halves = [closest[start : start + _COLUMNS] for start in range(0, len(closest), _COLUMNS)]
    pictures = [(drawn[half], train[nearest.rows[half]]) for half in halves]
    page = grid(
        np.concatenate(list(chain.from_iterable(pictures))),
        len(halves[0]),
        row_labels=["drawn", "training"] * len(halves),
        scale=_scale(drawn),
    )
    return Sheet(
        "Nearest training pictures",
        "The drawn pictures nearest to a training picture, each over it; that one may be mirrored.",
        page,
    )


def _scale(images: Images) -> int:
    return max(1, _SIDE // int(images.shape[2]))
