"""The colours of hair and eyes, measured in the pixels of face pictures; no trained network.

The faces look ahead and fill the frame as the drawn ones do, so a part lies within a few pixels of
its place: the crown is hair and the bridge of the nose skin. An iris is the spot, near where eyes
are, that differs most from skin and from the white of the eye while its surroundings do not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.errors import GanportError
from ganport_train.draw import oklab
from ganport_train.draw.palette import EYES, HAIR, nearest

Lab = NDArray[np.float32]  # (N, H, W, 3) pictures or (N, P, 3) pixels, in Oklab
Offsets = NDArray[np.intp]  # (P, 2) rows and columns, from a centre

_SIDE = 64  # pictures are measured at this size; all places below are in its pixels
_BATCH = 128  # pictures measured at once, which bounds the memory

_CROWN = (slice(9, 17), slice(22, 42))
_NOSE = (slice(37, 42), slice(29, 35))
_EYES = tuple(
    np.array([(row, column) for row in range(29, 40) for column in columns])  # centres to try
    for columns in (range(18, 28), range(36, 46))
)
_IRIS = (4.5, 3.6)  # half axes, down and across

_SCLERA = np.array([0.97, 0.0, 0.0], dtype=np.float32)
_WHITE_LIGHTNESS, _WHITE_CHROMA = 0.9, 0.035  # highlights and sclera: lighter, and greyer
_CONTRAST = 0.15  # a difference beyond it counts no more, so that dark irises win nothing by it


def measure(images: NDArray[np.uint8]) -> dict[str, list[str]]:
    """Name the hair and the eye colour of each face.

    images: (N, S, S, 3) uint8 sRGB, S at least 16. Returns {"hair": N labels, "eyes": N labels}
    of the palettes that faces are drawn with. Raises GanportError for another dtype or shape.
    """
    _check(images)
    labels: dict[str, list[str]] = {"hair": [], "eyes": []}
    for start in range(0, len(images), _BATCH):
        lab = oklab.from_rgb(_resized(images[start : start + _BATCH]))
        labels["hair"] += nearest(_hair(lab), HAIR)
        labels["eyes"] += nearest(_irises(lab), EYES)
    return labels


def _check(images: NDArray[np.uint8]) -> None:
    shape = images.shape
    square = len(shape) == 4 and shape[3] == 3 and shape[1] == shape[2] and shape[1] >= 16
    if images.dtype != np.uint8 or not square:
        raise GanportError(
            "images",
            expected="uint8 pictures (N, S, S, 3), S at least 16",
            found=f"{images.dtype} {shape}",
            fix="Pass what Generator.generate returns.",
        )


def _resized(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bring pictures to the side at which they are measured."""
    side = images.shape[1]
    if side == _SIDE:
        return images
    weights = _resampling(side)
    rows = np.einsum("ij,njkc->nikc", weights, images.astype(np.float32), optimize=True)
    return np.rint(np.einsum("ij,nkjc->nkic", weights, rows, optimize=True)).astype(np.uint8)


def _resampling(side: int) -> NDArray[np.float32]:
    """Return the (_SIDE, side) weights of a triangle filter as wide as the coarser grid's step."""
    centres = (np.arange(_SIDE) + 0.5) * side / _SIDE - 0.5
    reach = max(1.0, side / _SIDE)
    weights = np.maximum(0, 1 - np.abs(np.arange(side) - centres[:, None]) / reach)
    scaled: NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return scaled


def _hair(lab: Lab) -> Lab:
    """Return the hair's colour (N, 3): strands and gloss lie to both sides of the median."""
    crown = lab[:, *_CROWN].reshape(len(lab), -1, 3)
    return np.median(crown, axis=1)


def _irises(lab: Lab) -> Lab:
    """Return the mean colour (N, 3) of both irises, below their pupils."""
    contrast = np.minimum(_difference_from_eye_white_and_skin(lab), _CONTRAST)
    below = _disc(0.8)
    below = below[below[:, 0] >= -1] + (1, 0)
    pixels = [_gather(lab, _brightest_spot(contrast, places), below) for places in _EYES]
    return _middle(np.concatenate(pixels, axis=1))


def _difference_from_eye_white_and_skin(lab: Lab) -> NDArray[np.float32]:
    """Return (N, H, W): how far each pixel is from any mixture of skin and the white of the eye."""
    skin = np.median(lab[:, *_NOSE].reshape(len(lab), -1, 3), axis=1)[:, None, None]
    toward = _SCLERA - skin
    share = ((lab - skin) * toward).sum(-1, keepdims=True) / (toward**2).sum(-1, keepdims=True)
    difference: NDArray[np.float32] = np.linalg.norm(
        lab - skin - np.clip(share, 0, 1) * toward, axis=-1
    )
    return difference


def _brightest_spot(contrast: NDArray[np.float32], places: Offsets) -> Offsets:
    """Return the place (N, 2) whose iris-sized disc stands out most from the ring around it."""
    disc = _disc(1.0)
    ring = np.array([p for p in _disc(1.5).tolist() if p not in disc.tolist()])
    scores = []
    for centre in places:
        inside, outside = (
            contrast[:, area[:, 0] + centre[0], area[:, 1] + centre[1]].mean(axis=1)
            for area in (disc, ring)
        )
        scores.append(inside - 0.6 * outside)
    best: Offsets = places[np.argmax(scores, axis=0)]
    return best


def _disc(scale: float) -> Offsets:
    rows, columns = np.mgrid[-8:9, -8:9]
    inside = (rows / _IRIS[0]) ** 2 + (columns / _IRIS[1]) ** 2 <= scale**2
    return np.stack([rows[inside], columns[inside]], axis=1)


def _gather(lab: Lab, centres: Offsets, area: Offsets) -> Lab:
    """Return the pixels (N, P, 3) of `area` around each picture's own centre."""
    place = centres[:, None] + area
    return lab[np.arange(len(lab))[:, None], place[..., 0], place[..., 1]]


def _middle(pixels: Lab) -> Lab:
    """Return the mean (N, 3) of pixels (N, P, 3) without highlights, dark pupil and pale edge."""
    lightness, chroma = pixels[..., 0], np.hypot(pixels[..., 1], pixels[..., 2])
    white = (lightness > _WHITE_LIGHTNESS) & (chroma < _WHITE_CHROMA)
    rank = np.where(white, np.inf, lightness).argsort(axis=1).argsort(axis=1)
    count = np.maximum((~white).sum(axis=1, keepdims=True), 1)
    kept = ((rank >= 0.3 * count) & (rank <= 0.9 * count))[..., None]
    mean: Lab = (pixels * kept).sum(axis=1) / kept.sum(axis=1)
    return mean
