"""The pictures of a report: drawn beside real ones, mistakes, trials and nearest neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from PIL import Image

from ganport_runtime.conditions import Conditions
from ganport_runtime.images.sheet import make_sheet
from ganport_train.evaluation.report.page import Sheet
from ganport_train.evaluation.scores.memorization import Nearest
from ganport_train.evaluation.scores.misclassified import Mistake
from ganport_train.evaluation.scores.sampling import Drawn, Images, captions

_COLUMNS = 8
_ROWS = 12
_TRIAL = 64  # pictures of a test list
_SIDE, _LARGEST = 96, 256  # pixels a picture takes at least and at most
_THEIRS = "It holds real pictures of the data set: whoever owns those decides who may see it."


def side_by_side(
    drawn: Images,
    real: Images,
    rows: Sequence[tuple[Sequence[int], Sequence[int], str]],
) -> Sheet:
    """Drawn pictures and real ones of the same conditions: rows of (drawn, real, caption), at
    least four of either in each."""
    half = _COLUMNS // 2
    pictures = [
        np.concatenate([drawn[list(ours[:half])], real[list(theirs[:half])]])
        for ours, theirs, _ in rows[:_ROWS]
    ]
    page = _page(
        np.concatenate(pictures),
        2 * half,
        row_labels=[caption for *_, caption in rows[:_ROWS]],
        column_labels=["drawn"] * half + ["real"] * half,
    )
    return Sheet(
        "Drawn and real", f"Four of each for conditions that both sides have. {_THEIRS}", page
    )


def domains(columns: Mapping[str, Images], names: Sequence[str]) -> Sheet:
    """Pictures as they came, a row each under its name, and in every domain, a column each."""
    rows = np.stack(list(columns.values()), axis=1)
    page = _page(
        rows.reshape(-1, *rows.shape[2:]),
        len(columns),
        row_labels=names,
        column_labels=list(columns),
    )
    return Sheet(
        "Every domain",
        "Pictures as they came, and translated: one label of their condition is another, or is "
        f"switched on or, where it is on, off. {_THEIRS}",
        page,
    )


def mistakes(drawn: Drawn, worst: Sequence[Mistake]) -> Sheet:
    """The pictures that most surely show something else than was asked for."""
    page = _page(
        drawn.images[[mistake.row for mistake in worst]],
        min(_COLUMNS, len(worst)),
        captions=[f"{mistake.asked}, judged {mistake.judged}" for mistake in worst],
    )
    return Sheet("Worst mistakes", "Asked for, and what the judge is surest to see instead.", page)


def trial(conditions: Conditions, name: str, drawn: Drawn) -> Sheet:
    """The first draw of a test list."""
    page = _page(
        drawn.images[:_TRIAL], _COLUMNS, captions=captions(conditions, drawn.vectors[:_TRIAL])
    )
    return Sheet(f"Test list {name}", "The first of its draws.", page)


def neighbours(drawn: Images, real: Images, nearest: Nearest) -> Sheet:
    """The 16 drawn pictures that lie nearest to a training picture, over that picture."""
    halves = nearest.closest(_COLUMNS * 2).reshape(2, _COLUMNS)
    pictures = [(drawn[half], real[nearest.rows[half]]) for half in halves]
    page = _page(
        np.concatenate(list(chain.from_iterable(pictures))),
        _COLUMNS,
        row_labels=["drawn", "training"] * len(halves),
    )
    return Sheet(
        "Nearest training pictures",
        "The drawn pictures nearest to a training picture, each over it; that one may be "
        f"mirrored. {_THEIRS}",
        page,
    )


def _page(images: Images, columns: int, **labels: Any) -> Image.Image:
    side = int(images.shape[1])
    if side > _LARGEST:
        size = (_LARGEST, _LARGEST)
        small = [Image.fromarray(image).resize(size, Image.Resampling.BOX) for image in images]
        images = np.stack([np.asarray(image) for image in small])
    return make_sheet(images, columns, scale=max(1, -(-_SIDE // side)), **labels)
