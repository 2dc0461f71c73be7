"""An atlas: many pictures on one page without gaps, and the index that says where each lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.service.outputs.formats import columns_of
from ganport_runtime.service.outputs.generated import Drawing


def page_of(images: NDArray[np.uint8], columns: int | None) -> NDArray[np.uint8]:
    """uint8 (rows * H, columns * W, 3): pictures (N, H, W, 3) in row-major order, cells that are
    left over black."""
    count, height, width, _ = images.shape
    across = columns_of(count, columns)
    down = -(-count // across)
    cells = np.zeros((down * across, height, width, 3), np.uint8)
    cells[:count] = images
    table = cells.reshape(down, across, height, width, 3).swapaxes(1, 2)
    return table.reshape(down * height, across * width, 3)


def index_of(drawing: Drawing, columns: int | None, image: str) -> dict[str, Any]:
    """The index in TexturePacker's JSON-array form, which game engines read.

    Each of `frames` has its rectangle in pixels from the top left corner, and besides the seed
    (as text) and conditions of its picture. `meta.image` is `image`: a file name or a data URL.
    """
    count, height, width, _ = drawing.images.shape
    across = columns_of(count, columns)
    down = -(-count // across)
    return {
        "frames": _frames(drawing.recipes, across, width, height),
        "meta": {
            "app": "ganport",
            "version": "1",
            "image": image,
            "format": "RGB888",
            "size": {"w": across * width, "h": down * height},
            "scale": "1",
            "columns": across,
            "rows": down,
            "bundle": drawing.name,
            "digest": drawing.digest,
        },
    }


def _frames(
    recipes: Sequence[dict[str, Any]], across: int, width: int, height: int
) -> list[dict[str, Any]]:
    whole = {"x": 0, "y": 0, "w": width, "h": height}
    frames = []
    for index, recipe in enumerate(recipes):
        row, column = divmod(index, across)
        at = {"x": column * width, "y": row * height, "w": width, "h": height}
        frame = {"filename": str(index), "frame": at, "rotated": False, "trimmed": False}
        frame |= {"spriteSourceSize": whole, "sourceSize": {"w": width, "h": height}}
        frames.append(frame | recipe)
    return frames
