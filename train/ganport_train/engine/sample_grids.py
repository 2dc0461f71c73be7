"""Sample sheets of a run: the same conditions and seeds at every tick, and in the bundle later."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganport_models import Generator
from ganport_runtime.conditions import ConditionGroup, Conditions, MultiHot
from ganport_runtime.images.encode import save_png, to_uint8
from ganport_runtime.images.sheet import make_sheet
from ganport_runtime.noise import normals, seed_range

ROWS = 12
COLUMNS = 8
_BATCH = 32


@dataclass(frozen=True, eq=False)
class Page:
    """What stands on a sheet: pictures uint8 (rows * columns, H, W, 3) row by row, a label for
    each row and column, words below them, and what its file says besides."""

    pictures: NDArray[np.uint8]
    rows: Sequence[str]
    columns: Sequence[str]
    facts: Mapping[str, str]
    footer: str = ""


def requests(conditions: Conditions, rows: int = ROWS) -> list[dict[str, Any]]:
    """What the rows of a sheet ask for: each group walks through its labels, out of step."""
    choices = {name: _choices(field) for name, field in conditions.fields.items()}
    count = min(rows, max(map(len, choices.values()), default=1))
    return [
        {
            name: values[(row * (1 + 2 * place)) % len(values)]
            for place, (name, values) in enumerate(choices.items())
            if values
        }
        for row in range(max(count, 1))
    ]


def _choices(field: ConditionGroup) -> list[Any]:
    several = isinstance(field, MultiHot)
    return [[label] if several else label for label in field.labels]


def draw(generator: Generator, conditions: Conditions, device: torch.device) -> NDArray[np.uint8]:
    """The pictures of a sheet, row by row: uint8 (rows * 8, H, W, 3), seeds 0 to 7 in each row."""
    asked = requests(conditions)
    vectors = np.repeat(conditions.encode_many(asked), COLUMNS, axis=0)
    noise = normals(seed_range(0, COLUMNS), generator.z_shape)
    return render(
        generator, np.tile(noise, (len(asked),) + (1,) * (noise.ndim - 1)), vectors, device
    )


@torch.no_grad()
def render(
    generator: Generator,
    noise: NDArray[np.float32],
    vectors: NDArray[np.float32],
    device: torch.device,
) -> NDArray[np.uint8]:
    """The pictures uint8 (N, H, W, 3) of noise (N, *z_shape) under conditions (N, C)."""
    parts = zip(
        torch.split(torch.from_numpy(noise), _BATCH),
        torch.split(torch.from_numpy(vectors), _BATCH),
        strict=True,
    )
    pieces = [
        generator(z.to(device), vector.to(device)).float().cpu().numpy() for z, vector in parts
    ]
    pictures: NDArray[np.uint8] = to_uint8(np.concatenate(pieces))
    return pictures


def page(generator: Generator, conditions: Conditions, device: torch.device) -> Page:
    """The sheet of a generator that draws from noise: a request a row, a seed a column."""
    asked = requests(conditions)
    return Page(
        draw(generator, conditions, device),
        rows=[conditions.caption(request) for request in asked],
        columns=[f"seed {seed}" for seed in range(COLUMNS)],
        facts={"requests": json.dumps(asked), "seeds": f"0..{COLUMNS - 1}"},
    )


def save(path: Path, page: Page, note: str) -> None:
    """Writes a sheet, whole, with what it says of itself and the note, its title, in the file."""
    path.parent.mkdir(exist_ok=True)
    sheet = make_sheet(
        page.pictures,
        len(page.columns),
        row_labels=page.rows,
        column_labels=page.columns,
        title=note,
        footer=page.footer,
    )
    save_png(sheet, path, {**page.facts, "note": note})
