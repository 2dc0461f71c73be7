"""The image sheets of a report: real images, errors, prompt lists, and nearest neighbors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from PIL import Image

from ganport_runtime.conditions import Conditions
from ganport_runtime.images.sheet import make_sheet
from ganport_train.data.dataset import Images
from ganport_train.evaluation.metrics.memorization import NearestImages
from ganport_train.evaluation.scores.condition_accuracy import Misclassified
from ganport_train.evaluation.scores.sampling import GeneratedRound, captions

_COLUMNS = 8
_MAX_ROWS = 12
_MAX_PROMPTS = 64
_MIN_SIDE, _MAX_SIDE = 96, 256  # size of an image on a sheet, in pixels
_RIGHTS = "It holds real images of the data set: their owner decides who may see it."


@dataclass(frozen=True, eq=False)
class Sheet:
    """A page of images with a title, and a note on its content."""

    title: str
    note: str
    image: Image.Image


def comparison_sheet(
    generated: Images, real: Images, rows: Sequence[tuple[Sequence[int], Sequence[int], str]]
) -> Sheet:
    """Show generated next to real images: rows of (generated, real, caption), four of each."""
    half = _COLUMNS // 2
    parts = [
        np.concatenate([generated[list(ours[:half])], real[list(theirs[:half])]])
        for ours, theirs, _ in rows[:_MAX_ROWS]
    ]
    page = _make_page(
        np.concatenate(parts),
        2 * half,
        row_labels=[caption for *_, caption in rows[:_MAX_ROWS]],
        column_labels=["generated"] * half + ["real"] * half,
    )
    note = f"Four images each for conditions that both sides have. {_RIGHTS}"
    return Sheet("Generated and real", note, page)


def domain_sheet(columns: Mapping[str, Images], names: Sequence[str]) -> Sheet:
    """Show source images, one row each, and their translations, one column per domain."""
    images = np.stack(list(columns.values()), axis=1)
    page = _make_page(
        images.reshape(-1, *images.shape[2:]),
        len(columns),
        row_labels=names,
        column_labels=list(columns),
    )
    note = f"Source images, and their translations with one label set or toggled. {_RIGHTS}"
    return Sheet("Every domain", note, page)


def misclassified_sheet(generated: GeneratedRound, errors: Sequence[Misclassified]) -> Sheet:
    """Show the images of the most confident errors."""
    page = _make_page(
        generated.images[[error.row for error in errors]],
        min(_COLUMNS, len(errors)),
        captions=[f"{error.requested}, predicted {error.predicted}" for error in errors],
    )
    return Sheet("Most confident errors", "The requested and the predicted condition.", page)


def prompt_sheet(conditions: Conditions, name: str, generated: GeneratedRound) -> Sheet:
    """Show the first round of a prompt list."""
    page = _make_page(
        generated.images[:_MAX_PROMPTS],
        _COLUMNS,
        captions=captions(conditions, generated.vectors[:_MAX_PROMPTS]),
    )
    return Sheet(f"Prompt list {name}", "The first round.", page)


def neighbor_sheet(generated: Images, real: Images, nearest: NearestImages) -> Sheet:
    """Show the 16 generated images nearest to a training image, each above that image."""
    halves = nearest.closest(_COLUMNS * 2).reshape(2, _COLUMNS)
    pairs = [(generated[half], real[nearest.rows[half]]) for half in halves]
    page = _make_page(
        np.concatenate(list(chain.from_iterable(pairs))),
        _COLUMNS,
        row_labels=["generated", "training"] * len(halves),
    )
    note = (
        "The generated images nearest to a training image, each above that image, which may be "
        f"mirrored. {_RIGHTS}"
    )
    return Sheet("Nearest training images", note, page)


def _make_page(images: Images, columns: int, **labels: Any) -> Image.Image:
    height, width, channels = images.shape[1:]
    side = max(height, width)
    if side > _MAX_SIDE:
        size = (width * _MAX_SIDE // side, height * _MAX_SIDE // side)
        pages = (Image.fromarray(image.squeeze()) for image in images)
        small = [page.resize(size, Image.Resampling.BOX) for page in pages]
        images = np.stack([np.asarray(page).reshape(*size[::-1], channels) for page in small])
    return make_sheet(images, columns, scale=max(1, -(-_MIN_SIDE // side)), **labels)
