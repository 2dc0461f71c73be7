"""Measure how often face images show the requested hair and eye colors; needs no network.

Measured faces look ahead and fill the frame like the drawn ones, so each part lies within a few
pixels of a fixed position: the crown is hair, the bridge of the nose is skin. An iris is the spot
near an eye's position that differs most from skin and eye white while its surroundings do not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganport_runtime.conditions import Conditions, OneHot
from ganport_runtime.errors import BundleError, GanportError
from ganport_runtime.generator import Generator
from ganport_train.synthetic.datasets import SIZES
from ganport_train.synthetic.faces import draw_face
from ganport_train.synthetic.palette import EYES, HAIR, nearest_labels, rgb_to_oklab
from ganport_train.synthetic.writer import balanced_labels, image_seed

Batch = tuple[NDArray[np.uint8], list[dict[str, str]]]
"""Images (N, S, S, 3) and the labels requested for each."""
Lab = NDArray[np.float32]  # (N, H, W, 3) images or (N, P, 3) pixels, in Oklab
Offsets = NDArray[np.intp]  # (P, 2) rows and columns relative to a center

_LABELS = {"hair": list(HAIR), "eyes": list(EYES)}
_UNSEEN_SEED = -1  # `ganport dataset draw` refuses negative seeds: no dataset has these faces
_BATCH = 128  # images drawn or measured at a time, which bounds the memory

_SIDE = 64  # images are measured at this size; the positions below are in its pixels
_FILTER = Image.Resampling.BILINEAR  # a triangle as wide as the coarser grid's step
_CROWN = (slice(9, 17), slice(22, 42))
_NOSE = (slice(37, 42), slice(29, 35))
_EYE_CENTERS = (33.3, 22.4), (33.3, 40.6)  # mean centers of the irises
_SEARCH = 4  # largest distance of an iris from its mean center, per axis
_IRIS = (4.7, 4.1)  # half axes, vertical and horizontal
_RING = 1.5  # size of the surroundings of an iris, relative to the iris

_SCLERA = np.array([0.97, 0.0, 0.0], dtype=np.float32)
_MIN_WHITE_LIGHTNESS, _MAX_WHITE_CHROMA = 0.9, 0.035  # of highlights and sclera
_MAX_CONTRAST = 0.15  # larger differences count the same, so that dark irises have no advantage


@dataclass(frozen=True)
class ColorAccuracy:
    """Counts of (requested, measured) labels of one group."""

    pairs: Counter[tuple[str, str]]

    @property
    def accuracy(self) -> float:
        """Fraction of the images that show the requested label."""
        correct = sum(n for (requested, measured), n in self.pairs.items() if requested == measured)
        return correct / self.pairs.total()

    def by_label(self) -> dict[str, float]:
        """Return the accuracy of each requested label, the lowest first."""
        totals: Counter[str] = Counter()
        for (label, _), count in self.pairs.items():
            totals[label] += count
        accuracies = {label: self.pairs[label, label] / count for label, count in totals.items()}
        return dict(sorted(accuracies.items(), key=lambda item: item[1]))

    def most_confused_with(self, label: str) -> str:
        """Return the most frequent wrong measurement of `label`, or `label` if there is none."""
        wrong = {m: n for (requested, m), n in self.pairs.items() if requested == label != m}
        return max(wrong, key=lambda name: wrong[name], default=label)

    def to_json(self) -> dict[str, Any]:
        """Return accuracies and confusions as plain JSON."""
        confusions = [
            {"requested": requested, "measured": measured, "images": n}
            for (requested, measured), n in self.pairs.most_common()
            if requested != measured
        ]
        return {"accuracy": self.accuracy, "labels": self.by_label(), "confusions": confusions}


def measure_accuracy(batches: Iterable[Batch]) -> dict[str, ColorAccuracy]:
    """Measure images and compare them with the requests; returns the accuracy of each group."""
    pairs: dict[str, Counter[tuple[str, str]]] = {name: Counter() for name in _LABELS}
    for images, requests in batches:
        for name, measured in measure_colors(images).items():
            requested = (request[name] for request in requests)
            pairs[name].update(zip(requested, measured, strict=True))
    return {name: ColorAccuracy(counts) for name, counts in pairs.items()}


def generate_faces(generator: Generator, seeds: int) -> Iterator[Batch]:
    """Generate every pair of hair and eye color with each of the first `seeds` seeds."""
    requests = [{"hair": hair, "eyes": eyes} for hair, eyes in product(HAIR, EYES)]
    for seed in range(seeds):
        yield generator.generate(requests, seeds=[seed] * len(requests)), requests


def draw_unseen_faces(count: int, size: int) -> Iterator[Batch]:
    """Draw `count` faces that are in no training set."""
    for start in range(0, count, _BATCH):
        indices = range(start, min(start + _BATCH, count))
        pairs = [balanced_labels(_UNSEEN_SEED, index) for index in indices]
        faces = [
            np.asarray(draw_face(image_seed(_UNSEEN_SEED, index), *pair, size))
            for index, pair in zip(indices, pairs, strict=True)
        ]
        yield np.stack(faces), [{"hair": hair, "eyes": eyes} for hair, eyes in pairs]


def check_measurable(generator: Generator, location: str) -> int:
    """Return the side of a bundle's images in pixels.

    Raises `BundleError` unless the images are RGB, square, of a size that can be drawn for
    comparison, and the groups `hair` and `eyes` have exactly the measured labels.
    """
    image = generator.manifest.image.format
    height, width = image.size
    if image.mode != "rgb" or height != width or height not in SIZES:
        expected = f"square RGB images of {SIZES[0]} to {SIZES[-1]} pixels"
        fix = "Measure a bundle that was trained on faces of such a size."
        raise BundleError(location, expected, f"{width} x {height}, {image.mode}", fix)
    for name, labels in _LABELS.items():
        _check_group(generator.conditions, name, labels, location)
    return height


def _check_group(conditions: Conditions, name: str, labels: list[str], location: str) -> None:
    group = next((group for group in conditions.groups if group.name == name), None)
    if isinstance(group, OneHot) and set(group.labels) == set(labels):
        return
    if group is None:
        found = f"the groups {', '.join(g.name for g in conditions.groups) or '(none)'}"
    else:
        found = f"kind {group.kind}, labels {', '.join(group.labels) or '(none)'}"
    expected = f"a one_hot group {name!r} of the labels {', '.join(labels)}"
    fix = "Measure a bundle that was trained on tagged faces."
    raise BundleError(location, expected, found, fix)


def measure_colors(images: NDArray[np.uint8]) -> dict[str, list[str]]:
    """Return the nearest hair and eye color of each face.

    images: (N, S, S, 3) uint8 sRGB, S at least 16. Returns {"hair": N labels, "eyes": N labels}
    of the palettes of drawn faces. Raises `GanportError` for another dtype or shape.
    """
    shape = images.shape
    square = len(shape) == 4 and shape[3] == 3 and shape[1] == shape[2] and shape[1] >= 16
    if images.dtype != np.uint8 or not square:
        expected, found = "uint8 images (N, S, S, 3), S at least 16", f"{images.dtype} {shape}"
        raise GanportError("images", expected, found, "Pass the output of Generator.generate.")
    labels: dict[str, list[str]] = {"hair": [], "eyes": []}
    for start in range(0, len(images), _BATCH):
        lab = rgb_to_oklab(_resize(images[start : start + _BATCH]))
        labels["hair"] += nearest_labels(_hair_color(lab), HAIR)
        labels["eyes"] += nearest_labels(_iris_color(lab), EYES)
    return labels


def _resize(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Resize images to the side at which they are measured."""
    if images.shape[1] == _SIDE:
        return images
    resized = (Image.fromarray(image).resize((_SIDE, _SIDE), _FILTER) for image in images)
    return np.stack([np.asarray(image) for image in resized])


def _hair_color(lab: Lab) -> Lab:
    """Return the median color (N, 3) of the crown, between dark strands and gloss."""
    crown = lab[:, *_CROWN].reshape(len(lab), -1, 3)
    return np.median(crown, axis=1)


def _iris_color(lab: Lab) -> Lab:
    """Return the mean color (N, 3) of both irises below their pupils."""
    contrast = np.minimum(_distance_from_skin_and_sclera(lab), _MAX_CONTRAST)
    disc = _disc(0.6)
    below = disc[disc[:, 0] >= 0] + np.array((1, 0))
    pixels = [_gather(lab, _find_iris(contrast, center), below) for center in _EYE_CENTERS]
    return _trimmed_mean(np.concatenate(pixels, axis=1))


def _distance_from_skin_and_sclera(lab: Lab) -> NDArray[np.float32]:
    """Return the distance (N, H, W) of each pixel from the nearest mixture of skin and sclera."""
    skin = np.median(lab[:, *_NOSE].reshape(len(lab), -1, 3), axis=1)[:, None, None]
    to_sclera = _SCLERA - skin
    square = np.maximum((to_sclera**2).sum(-1, keepdims=True), 1e-6)
    fraction = np.clip(((lab - skin) * to_sclera).sum(-1, keepdims=True) / square, 0, 1)
    distance = np.linalg.norm(lab - skin - fraction * to_sclera, axis=-1)
    return np.asarray(distance, dtype=np.float32)


def _find_iris(contrast: NDArray[np.float32], mean_center: tuple[float, float]) -> Offsets:
    """Return the center (N, 2) of the disc with the most contrast to the ring around it."""
    disc = _disc(1.0)
    ring = np.array([p for p in _disc(_RING).tolist() if p not in disc.tolist()])
    steps = np.arange(-_SEARCH, _SEARCH + 1)
    centers = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2) + np.rint(mean_center)
    centers = centers.astype(np.intp)
    scores = []
    for center in centers:
        inside, outside = (contrast[:, *(area + center).T].mean(axis=1) for area in (disc, ring))
        # Hair may touch the ring, so it has a low weight. The last term breaks ties.
        square = np.square(center - mean_center).sum()
        scores.append(inside - 0.3 * outside - 0.002 * square)
    best: Offsets = centers[np.argmax(scores, axis=0)]
    return best


def _disc(scale: float) -> Offsets:
    rows, columns = np.mgrid[-8:9, -8:9]
    inside = (rows / _IRIS[0]) ** 2 + (columns / _IRIS[1]) ** 2 <= scale**2
    return np.stack([rows[inside], columns[inside]], axis=1)


def _gather(lab: Lab, centers: Offsets, area: Offsets) -> Lab:
    """Return the pixels (N, P, 3) of `area` around the center of each image."""
    index = centers[:, None] + area
    pixels: Lab = lab[np.arange(len(lab))[:, None], index[..., 0], index[..., 1]]
    return pixels


def _trimmed_mean(pixels: Lab) -> Lab:
    """Return the mean (N, 3) of pixels (N, P, 3) without highlights, dark pupil and pale edge."""
    lightness, chroma = pixels[..., 0], np.hypot(pixels[..., 1], pixels[..., 2])
    white = (lightness > _MIN_WHITE_LIGHTNESS) & (chroma < _MAX_WHITE_CHROMA)
    rank = np.where(white, np.inf, lightness).argsort(axis=1).argsort(axis=1)
    quantile = (rank + 0.5) / np.maximum((~white).sum(axis=1, keepdims=True), 1)
    kept = ((quantile > 0.3) & (quantile < 0.9)).astype(np.float32)[..., None]
    mean: Lab = (pixels * kept).sum(axis=1) / kept.sum(axis=1)
    return mean
