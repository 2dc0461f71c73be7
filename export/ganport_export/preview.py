"""A small sheet of what a network draws: one condition against another, or before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_export.interface import Interface
from ganport_export.runners import Artifact, play_in_parts
from ganport_export.test_inputs import Sample, sources, values
from ganport_runtime.images.encode import encode_png, to_uint8
from ganport_runtime.images.sheet import make_sheet

FILE = "preview.png"
_MOST = 6
_SHEET = 1024
"""Pixels of pictures in a row, about; at least two pictures stand in one."""
_SMALL = 96
_COLOURS = 256
"""A palette: a third of the bytes of full colour, and a preview is to look at, not to measure."""
_BEFORE = 2
"""Pictures that a translator is shown with: test patterns, for a bundle holds no photographs."""


@dataclass(frozen=True)
class _Line:
    """A row or column of the sheet."""

    label: str
    request: dict[str, Any]
    seed: int = 0


def draw_preview(artifact: Artifact) -> bytes:
    """A PNG of the first group's values down and the second's across, all from seed 0.

    Where there is no second group the columns are seeds. Of a translator: test patterns down, and
    across what becomes of each under the first group's values.
    """
    interface = artifact.interface
    draw = _draw_translations if interface.first == "image_in" else _draw_pictures
    return draw(artifact, max(2, min(_MOST, _SHEET // max(interface.resolution))))


def _draw_pictures(artifact: Artifact, count: int) -> bytes:
    interface = artifact.interface
    fields = list(interface.conditions.fields)
    rows = _values(interface, fields[0], count) if fields else [_Line("", {})]
    columns = (
        _values(interface, fields[1], count)
        if len(fields) > 1
        else [_Line(f"seed {seed}", {}, seed) for seed in range(count)]
    )
    images = _play(
        artifact,
        [(row.request | column.request, column.seed) for row in rows for column in columns],
    )
    return _sheet(images, columns, [row.label for row in rows] if fields else None)


def _draw_translations(artifact: Artifact, count: int) -> bytes:
    interface = artifact.interface
    fields = list(interface.conditions.fields)
    columns = _values(interface, fields[0], count - 1) if fields else [_Line("after", {})]
    before = to_uint8(sources(interface, range(_BEFORE)))
    cells = [(column.request, seed) for seed in range(_BEFORE) for column in columns]
    after = _play(artifact, cells).reshape(_BEFORE, len(columns), *before.shape[1:])
    images = np.concatenate([before[:, None], after], axis=1).reshape(-1, *before.shape[1:])
    return _sheet(images, [_Line("before", {}), *columns], None)


def _values(interface: Interface, name: str, count: int) -> list[_Line]:
    field = interface.conditions.fields[name]
    return [_Line(field.describe(value), {name: value}) for value in values(field)[:count]]


def _play(artifact: Artifact, cells: Sequence[tuple[dict[str, Any], int]]) -> NDArray[np.uint8]:
    """uint8 pictures of requests and seeds."""
    interface = artifact.interface
    inputs = {interface.first: sources(interface, [seed for _, seed in cells])}
    if interface.conditions.size:
        inputs["condition"] = interface.conditions.encode_many([asked for asked, _ in cells])
    images = play_in_parts(list(artifact.shipped.values())[-1], Sample(inputs))
    return images if images.dtype == np.uint8 else to_uint8(images)


def _sheet(images: NDArray[np.uint8], columns: list[_Line], rows: list[str] | None) -> bytes:
    sheet = make_sheet(
        images,
        len(columns),
        row_labels=rows,
        column_labels=[column.label for column in columns],
        scale=max(1, _SMALL // max(images.shape[1:3])),
    )
    return encode_png(sheet.quantize(_COLOURS))
