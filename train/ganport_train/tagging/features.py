"""Simple features of an image for the suggestion of labels: layout, colors and edges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_THUMBNAIL = 16  # pixels per side, with color
_EDGES = 64  # pixels per side of the image whose edges count
_CELL = 8  # pixels per side of a cell of edges
_DIRECTIONS = 8
_COLORS = 32  # pixels per side of the image whose colors count
_LEVELS = 6  # levels of a channel
_MAX_SIDE = 64

LAYOUT, COLORS, EDGES = "layout", "colors", "edges"
SIZES = {
    LAYOUT: _THUMBNAIL**2 * 3,
    COLORS: 4 * _LEVELS**3,
    EDGES: (_EDGES // _CELL) ** 2 * _DIRECTIONS,
}
"""The number of features of each kind, in the order of the vector."""
SIZE = sum(SIZES.values())
SLICES = {
    name: slice(end - SIZES[name], end)
    for name, end in zip(SIZES, np.cumsum(list(SIZES.values())).tolist(), strict=True)
}

Features = NDArray[np.float16]


def extract_features(image: Image.Image) -> Features:
    """Return the float16 (SIZE,) features of an RGB image of any size, squeezed to a square."""
    image = image.resize((_MAX_SIDE, _MAX_SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    parts = (_layout(image), _color_histograms(image), _edge_histograms(image))
    return np.concatenate(parts).astype(np.float16)


def _layout(image: Image.Image) -> NDArray[np.float32]:
    """Return a small copy of the image, brightness apart from color."""
    small = image.convert("YCbCr").resize((_THUMBNAIL, _THUMBNAIL), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32).ravel() / np.float32(255)


def _color_histograms(image: Image.Image) -> NDArray[np.float32]:
    """Return the square roots of the color histograms of the four quarters."""
    small = np.asarray(image.resize((_COLORS, _COLORS), Image.Resampling.BOX)).astype(np.int64)
    levels = small * _LEVELS >> 8
    bins = (levels[..., 0] * _LEVELS + levels[..., 1]) * _LEVELS + levels[..., 2]
    half = _COLORS // 2
    quarters = bins.reshape(2, half, 2, half).transpose(0, 2, 1, 3).reshape(4, -1)
    counts = [np.bincount(quarter, minlength=_LEVELS**3) for quarter in quarters]
    return np.asarray(np.sqrt(np.concatenate(counts)) / half, dtype=np.float32)


def _edge_histograms(image: Image.Image) -> NDArray[np.float32]:
    """Return the histograms of edge directions per cell (Dalal and Triggs 2005)."""
    gray = np.asarray(image.convert("L"), dtype=np.float32) / 255
    down, right = np.gradient(gray)
    strength = np.hypot(down, right)
    angle = np.arctan2(down, right) % np.pi
    direction = (angle * (_DIRECTIONS / np.pi)).astype(np.int64) % _DIRECTIONS
    cells = _EDGES // _CELL
    split = (cells, _CELL, cells, _CELL)
    sums = [
        np.where(direction == index, strength, 0).reshape(split).sum(axis=(1, 3))
        for index in range(_DIRECTIONS)
    ]
    histograms = np.stack(sums, axis=-1)
    norm = np.sqrt((histograms**2).sum(axis=-1, keepdims=True))
    return np.asarray(histograms / (norm + 0.1), dtype=np.float32).ravel()
