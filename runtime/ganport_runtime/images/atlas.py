"""Atlases: images of one size in one image without gaps, and the index that game engines read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.errors import RequestError
from ganport_runtime.images.sheet import MAX_SIDE

_PIXEL_FORMATS = {1: "GRAY8", 3: "RGB888", 4: "RGBA8888"}
"""The pixel format of an atlas by the channels of a pixel; TexturePacker has the last two."""


def atlas_shape(count: int, columns: int | None = None) -> tuple[int, int]:
    """Return the rows and columns of an atlas; without `columns` it is nearly square."""
    columns = min(columns or math.ceil(math.sqrt(count)), count)
    return -(-count // columns), columns


def check_atlas(count: int, size: tuple[int, int], columns: int | None = None) -> None:
    """Raise `RequestError` if the atlas of `count` images of `size` (height, width) is too large.

    The place of the error is "columns", or "count" without them.
    """
    rows, found = atlas_shape(count, columns)
    height, width = rows * size[0], found * size[1]
    if max(height, width) > MAX_SIDE:
        raise RequestError(
            "count" if columns is None else "columns",
            expected=f"an atlas of at most {MAX_SIDE} pixels per side",
            found=f"{width} x {height}",
            fix="Request fewer images at a time, or change columns.",
        )


def pack_atlas(pixels: NDArray[np.uint8], columns: int | None = None) -> NDArray[np.uint8]:
    """Return an atlas, uint8 (rows * H, columns * W, C), of images (N, H, W, C).

    Images are in row-major order without gaps; unused cells are black, or transparent.
    """
    count, *shape = pixels.shape
    height, width, channels = shape
    rows, columns = atlas_shape(count, columns)
    cells = np.zeros((rows * columns, *shape), np.uint8)
    cells[:count] = pixels
    grid = cells.reshape(rows, columns, *shape).swapaxes(1, 2)
    return grid.reshape(rows * height, columns * width, channels)


def atlas_index(
    image: str,
    shape: tuple[int, ...],
    recipes: Sequence[Mapping[str, Any]],
    bundle: Mapping[str, str],
    columns: int | None = None,
) -> dict[str, Any]:
    """Return the index of the atlas of images (N, H, W, C) in TexturePacker's JSON array form.

    `image` is the file name or the data URL of the atlas. Each frame has the rectangle of an image
    in pixels from the top left corner, and its recipe, one of `recipes`. `bundle` is added to the
    metadata.
    """
    count, height, width, channels = shape
    rows, columns = atlas_shape(count, columns)
    frames = []
    for index, recipe in enumerate(recipes):
        row, column = divmod(index, columns)
        cell = {"x": column * width, "y": row * height, "w": width, "h": height}
        whole = {"x": 0, "y": 0, "w": width, "h": height}
        frame = {"filename": f"{index}", "frame": cell, "rotated": False, "trimmed": False}
        frame |= {"spriteSourceSize": whole, "sourceSize": {"w": width, "h": height}}
        frames.append(frame | dict(recipe))
    size = {"w": columns * width, "h": rows * height}
    meta: dict[str, Any] = {"image": image, "size": size}
    meta |= {"format": _PIXEL_FORMATS[channels], "columns": columns, "rows": rows, "scale": "1"}
    return {"frames": frames, "meta": meta | {"app": "ganport", "version": "1"} | dict(bundle)}
