"""A light classifier of labels: kernel ridge regression on layout, colors and edges of images.

It learns from 20 images on, in less than a second for 300 and a few seconds for `MAX_IMAGES`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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

MIN_IMAGES = 20
"""Labeled images that a classifier needs."""
MAX_IMAGES = 1500
"""Labeled images that a classifier uses; the cost grows with their cube."""
KERNELS = (
    {LAYOUT: 1.0, COLORS: 1.0},
    {LAYOUT: 0.1, EDGES: 1.0},
    {LAYOUT: 1.0, COLORS: 1.0, EDGES: 1.0},
)
"""Weights of the kinds of features: labels of color, of shape, and of both."""
_RIDGES = (0.03, 0.3)
_WINDOW = 12
"""Left-out images on either side of a margin whose fraction of correct ones is the confidence."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FeatureSpace:
    """The center (F,) of all images' features, and the mean squared length of each kind.

    All images count, also those without a label: a center of the training images alone would tell
    the label of a left-out image.
    """

    center: NDArray[np.float32]
    scales: Mapping[str, float]

    @classmethod
    def of(cls, features: Features) -> FeatureSpace:
        """Return the space of features (N, F)."""
        centered = features.astype(np.float32)
        center = centered.mean(axis=0)
        lengths = ((centered - center) ** 2).mean(axis=0)
        return cls(center, {kind: float(lengths[SLICES[kind]].sum()) or 1.0 for kind in SLICES})

    def kernel(self, left: Features, right: Features, weights: Mapping[str, float]) -> Floats:
        """Return the weighted inner products (N, M) of features, and 1 for a constant feature."""
        total = np.ones((len(left), len(right)))
        for kind, weight in weights.items():
            columns = SLICES[kind]
            center = self.center[columns]
            products = (left[:, columns] - center) @ (right[:, columns] - center).T
            total += weight / self.scales[kind] * products
        return total


@dataclass(frozen=True, eq=False)
class LabelClassifier:
    """A trained classifier of one group.

    `accuracy` is the fraction of the N training images whose label it finds when it has not
    learned from them, `baseline` the fraction of the most frequent label. `margins` (N,) are the
    sorted margins of these answers, and `correct` (N,) tells which are correct.
    """

    space: FeatureSpace
    support: Features
    weights: Mapping[str, float]
    coefficients: Floats
    accuracy: float
    baseline: float
    margins: Floats
    correct: Floats

    @classmethod
    def train(
        cls, space: FeatureSpace, features: Features, labels: NDArray[np.int64], count: int
    ) -> LabelClassifier:
        """Train on features (N, F) and labels (N,), which are indices below `count`."""
        targets = np.eye(count)[labels]
        fits = [fit for weights in KERNELS for fit in fit_ridges(space, features, targets, weights)]
        best = max(fits, key=lambda fit: np.mean(fit.left_out.argmax(axis=1) == labels))
        answers, margins = _best(best.left_out)
        order = np.argsort(margins)
        correct = (answers == labels).astype(np.float64)
        return cls(
            space,
            features,
            best.weights,
            best.coefficients,
            accuracy=float(correct.mean()),
            baseline=float(targets.mean(axis=0).max()),
            margins=margins[order],
            correct=correct[order],
        )

    @property
    def is_useful(self) -> bool:
        """Whether the classifier knows clearly more than the most frequent label."""
        return is_clearly_better(self.accuracy, self.baseline)

    def predict(self, features: Features) -> tuple[NDArray[np.int64], Floats]:
        """Return the likely labels (M,) of images with features (M, F), and their confidence (M,).

        A label is an index; a confidence is 0 to 1.
        """
        kernel = self.space.kernel(features, self.support, self.weights)
        labels, margins = _best(kernel @ self.coefficients)
        return labels, self._confidence(margins)

    def _confidence(self, margins: Floats) -> Floats:
        """Return the fraction of correct answers among the left-out images of similar margins."""
        total = np.concatenate([[0.0], np.cumsum(self.correct)])
        position = np.searchsorted(self.margins, margins)
        low = np.clip(position - _WINDOW, 0, max(len(self.margins) - 2 * _WINDOW, 0))
        high = np.minimum(low + 2 * _WINDOW, len(self.margins))
        return np.asarray((total[high] - total[low]) / (high - low))


def is_clearly_better(accuracy: float, baseline: float) -> bool:
    """Return whether an accuracy is clearly above that of always the most frequent answer."""
    return accuracy >= max(0.5, baseline + 0.2 * (1 - baseline))


@dataclass(frozen=True, eq=False)
class Fit:
    """Weights of features, coefficients (N, labels), and the answers without each image."""

    weights: Mapping[str, float]
    coefficients: Floats
    left_out: Floats


def fit_ridges(
    space: FeatureSpace, features: Features, targets: Floats, weights: Mapping[str, float]
) -> Iterator[Fit]:
    """Yield the fit of each ridge.

    The answer without an image has a closed form (Craven and Wahba 1979).
    """
    kernel = space.kernel(features, features, weights)
    for ridge in _RIDGES:
        inverse = np.linalg.inv(kernel + ridge * np.eye(len(kernel)))
        coefficients = inverse @ targets
        left_out = targets - coefficients / np.diag(inverse)[:, None]
        yield Fit(weights, coefficients, left_out)


def _best(scores: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Return the best label of each row, and its lead over the second."""
    ordered = np.sort(scores, axis=1)
    return scores.argmax(axis=1), ordered[:, -1] - ordered[:, -2]


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
