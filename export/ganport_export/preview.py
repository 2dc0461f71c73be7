"""preview.png: a small sheet of images of a network, one condition group against another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_export.artifact import Artifact, run_chunked
from ganport_export.interface import Interface
from ganport_export.test_inputs import InputBatch, first_inputs, values_to_try
from ganport_runtime.images.encode import encode_png
from ganport_runtime.images.pixels import to_uint8
from ganport_runtime.images.sheet import make_sheet

PREVIEW_NAME = "preview.png"
_MAX_COUNT = 6
"""Largest number of rows and of columns."""
_ROW_PIXELS = 1024
"""Approximate width of a row; a row has at least two images."""
_MIN_WIDTH = 96
"""Smaller images are enlarged to about this width."""
_PALETTE_SIZE = 256
"""A palette takes a third of the bytes of full color, and a preview needs no exact colors."""
_SOURCE_COUNT = 2
"""Input images of a translator: test patterns, because a bundle contains no photographs."""


@dataclass(frozen=True)
class _Cell:
    """The request and seed of a row, of a column, or of an image."""

    label: str
    request: dict[str, Any]
    seed: int = 0


def render_preview(artifact: Artifact) -> bytes:
    """Return a PNG with the values of the first group as rows and of the second as columns.

    All images have seed 0. Without a second group the columns are seeds. For a translator the rows
    are test patterns, and the columns are their translations to the values of the first group.
    """
    interface = artifact.interface
    count = max(2, min(_MAX_COUNT, _ROW_PIXELS // max(interface.format.size)))
    render = _render_translations if interface.input_name == "image_in" else _render_images
    return render(artifact, count)


def _render_images(artifact: Artifact, count: int) -> bytes:
    interface = artifact.interface
    names = list(interface.conditions.fields)
    rows = _value_cells(interface, names[0], count) if names else [_Cell("", {})]
    columns = (
        _value_cells(interface, names[1], count)
        if len(names) > 1
        else [_Cell(f"seed {seed}", {}, seed) for seed in range(count)]
    )
    cells = [
        _Cell("", row.request | column.request, column.seed) for row in rows for column in columns
    ]
    labels = [row.label for row in rows] if names else None
    return _render_sheet(_run(artifact, cells), columns, labels)


def _render_translations(artifact: Artifact, count: int) -> bytes:
    interface = artifact.interface
    names = list(interface.conditions.fields)
    columns = _value_cells(interface, names[0], count - 1) if names else [_Cell("after", {})]
    before = to_uint8(first_inputs(interface, range(_SOURCE_COUNT)))
    cells = [_Cell("", column.request, seed) for seed in range(_SOURCE_COUNT) for column in columns]
    after = _run(artifact, cells).reshape(_SOURCE_COUNT, len(columns), *before.shape[1:])
    images = np.concatenate([before[:, None], after], axis=1).reshape(-1, *before.shape[1:])
    return _render_sheet(images, [_Cell("before", {}), *columns], None)


def _value_cells(interface: Interface, name: str, count: int) -> list[_Cell]:
    group = interface.conditions.fields[name]
    values = values_to_try(group)[:count]
    return [_Cell(group.describe(value), {name: value}) for value in values]


def _run(artifact: Artifact, cells: Sequence[_Cell]) -> NDArray[np.uint8]:
    """Return the uint8 images of requests and seeds."""
    interface = artifact.interface
    inputs = {interface.input_name: first_inputs(interface, [cell.seed for cell in cells])}
    if interface.conditions.size:
        inputs["condition"] = interface.conditions.encode_many([cell.request for cell in cells])
    images = run_chunked(artifact.best_runner, InputBatch(inputs))
    if images.dtype == np.uint8:
        return images
    return to_uint8(images, interface.format, "unit" if artifact.head == "unit" else "signed")


def _render_sheet(
    images: NDArray[np.uint8], columns: Sequence[_Cell], row_labels: list[str] | None
) -> bytes:
    sheet = make_sheet(
        images,
        len(columns),
        row_labels=row_labels,
        column_labels=[column.label for column in columns],
        scale=max(1, _MIN_WIDTH // max(images.shape[1:3])),
    )
    return encode_png(sheet.quantize(_PALETTE_SIZE))
