"""A sample of the images of a dataset, as training would see them, on one page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ganport_runtime.conditions import Conditions
from ganport_runtime.conditions.groups import ConditionGroup
from ganport_runtime.images.format import CHANNELS, ImageFormat
from ganport_runtime.images.pixels import apply_format
from ganport_runtime.images.sheet import make_sheet
from ganport_runtime.values import sanitize
from ganport_train.data.color_modes import Pixels, convert_mode
from ganport_train.data.formats.base import Example
from ganport_train.data.images import DecodedImage

if TYPE_CHECKING:
    from PIL import Image

COLUMNS = 8
"""Images in a row."""
MAX_ROWS = 24
"""Labels of the first group with labels, which are the rows; without labels there are eight."""

_PLAIN_ROWS = 8
_MIN_SIDE = 64  # pixels that an image on the page has at least
_LABEL = 24  # characters


class Sample:
    """Some images of a dataset: a row of images for each label of one group, or a plain grid."""

    def __init__(self) -> None:
        self._rows: dict[str, list[Pixels]] = {}
        self._group: ConditionGroup | None = None
        self._wanted: frozenset[int] = frozenset()
        self._seen = 0

    def prepare(self, examples: Sequence[Example], conditions: Conditions) -> None:
        """Choose the rows for the examples, which `add` gets in order."""
        groups = (group for group in conditions.groups if group.labels)
        self._group = next(groups, None)
        if self._group:
            self._rows = {label: [] for label in self._group.labels[:MAX_ROWS]}
        count = min(len(examples), COLUMNS * _PLAIN_ROWS)
        steps = np.linspace(0, max(len(examples) - 1, 0), count)
        self._wanted = frozenset(steps.astype(int).tolist())

    def add(self, example: Example, image: DecodedImage) -> None:
        """Keep the image if a row has room for it."""
        index, self._seen = self._seen, self._seen + 1
        if self._group is None:
            if index in self._wanted:
                self._rows.setdefault("", []).append(image.pixels)
            return
        value = example.labels[self._group.name]
        for label in [value] if isinstance(value, str) else value:
            row = self._rows.get(label)
            if row is not None and len(row) < COLUMNS:
                row.append(image.pixels)
                return

    def draw(self, title: str, image: ImageFormat) -> Image.Image | None:
        """Return the page of the kept images in a format; None without images."""
        rows = {label: row for label, row in self._rows.items() if row}
        if not rows:
            return None
        if self._group is None:
            images, labels = rows[""], None
        else:
            images = [pixels for row in rows.values() for pixels in _padded(row)]
            labels = [sanitize(label, _LABEL) for label in rows]
        converted = np.stack([convert_mode(pixels, image.mode) for pixels in images])
        pixels = apply_format(converted, image)
        columns = min(COLUMNS, len(pixels))
        scale = max(1, -(-_MIN_SIDE // min(pixels.shape[1:3])))
        return make_sheet(pixels, columns, row_labels=labels, scale=scale, title=title)


def _padded(row: list[Pixels]) -> list[Pixels]:
    """Return a row of `COLUMNS` images, the last ones empty."""
    is_clear = row[0].shape[2] == CHANNELS["rgba"]
    return row + [np.full_like(row[0], 0 if is_clear else 255)] * (COLUMNS - len(row))
