"""A small sheet of what the generator draws, one condition group against another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganport_export.artifact import Artifact, play_in_parts
from ganport_export.interface import Interface
from ganport_export.samples import Sample, values
from ganport_runtime.noise import normals
from ganport_runtime.pictures import png_bytes, to_uint8
from ganport_runtime.sheet import grid

FILE = "preview.png"
_MOST = 6
_SHEET = 1024
"""Pixels of pictures in a row, about; at least two pictures stand in one."""
_SMALL = 96


@dataclass(frozen=True)
class _Line:
    """A row or column of the sheet."""

    label: str
    request: dict[str, Any]
    seed: int = 0


def draw_preview(artifact: Artifact, interface: Interface) -> bytes:
    """A PNG of the first group's values down and the second's across, all from seed 0.

    Where there is no second group the columns are seeds.
    """
    count = max(2, min(_MOST, _SHEET // max(interface.resolution)))
    fields = list(interface.conditions.fields)
    rows = _values(interface, fields[0], count) if fields else [_Line("", {})]
    columns = (
        _values(interface, fields[1], count)
        if len(fields) > 1
        else [_Line(f"seed {seed}", {}, seed) for seed in range(count)]
    )
    sheet = grid(
        _pictures(artifact, interface, rows, columns),
        len(columns),
        row_labels=[row.label for row in rows] if fields else None,
        column_labels=[column.label for column in columns],
        scale=max(1, _SMALL // max(interface.resolution)),
    )
    return png_bytes(sheet)


def _values(interface: Interface, name: str, count: int) -> list[_Line]:
    field = interface.conditions.fields[name]
    return [_Line(field.describe(value), {name: value}) for value in values(field)[:count]]


def _pictures(
    artifact: Artifact, interface: Interface, rows: list[_Line], columns: list[_Line]
) -> Any:
    cells = [(row.request | column.request, column.seed) for row in rows for column in columns]
    inputs = {"z": normals([seed for _, seed in cells], interface.z)}
    if interface.conditions.size:
        inputs["condition"] = interface.conditions.encode_many([asked for asked, _ in cells])
    images = play_in_parts(list(artifact.shipped.values())[-1], Sample(inputs))
    return images if images.dtype == np.uint8 else to_uint8(images)
