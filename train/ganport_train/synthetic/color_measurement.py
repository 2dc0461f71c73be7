"""The colours of hair and eyes, measured in the pixels of face pictures; no trained network.

The faces look ahead and fill the frame as the drawn ones do, so a part lies within a few pixels of
its place: the crown is hair and the bridge of the nose skin. An iris is the spot, near where eyes
are, that differs most from skin and from the white of the eye while its surroundings do not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.errors import GanportError
from ganport_train.synthetic import oklab
from ganport_train.synthetic.palette import EYES, HAIR, nearest

Lab = NDArray[np.float32]  # (N, H, W, 3) pictures or (N, P, 3) pixels, in Oklab
Offsets = NDArray[np.intp]  # (P, 2) rows and columns, from a centre

_SIDE = 64  # pictures are measured at this size; all places below are in its pixels
_BATCH = 128  # pictures measured at once, which bounds the memory

_CROWN = (slice(9, 17), slice(22, 42))
_NOSE = (slice(37, 42), slice(29, 35))
_EYES = (33.3, 22.4), (33.3, 40.6)  # where the irises' centres are on average
_SEARCH = 4  # an iris lies within so many pixels of its place, to each side
_IRIS = (4.7, 4.1)  # half axes, down and across
_RING = 1.5  # the surroundings of an iris reach so many times as far

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
    columns = np.einsum("ij,nkjc->nkic", weights, rows, optimize=True)
    resized: NDArray[np.uint8] = np.rint(columns).astype(np.uint8)
    return resized


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
    disc = _disc(0.6)
    below = disc[disc[:, 0] >= 0] + np.array((1, 0))
    pixels = [_gather(lab, _find_iris(contrast, place), below) for place in _EYES]
    return _middle(np.concatenate(pixels, axis=1))


def _difference_from_eye_white_and_skin(lab: Lab) -> NDArray[np.float32]:
    """Return (N, H, W): how far each pixel is from any mixture of skin and the white of the eye."""
    skin = np.median(lab[:, *_NOSE].reshape(len(lab), -1, 3), axis=1)[:, None, None]
    toward = _SCLERA - skin
    length = np.maximum((toward**2).sum(-1, keepdims=True), 1e-6)
    share = np.clip(((lab - skin) * toward).sum(-1, keepdims=True) / length, 0, 1)
    difference = np.linalg.norm(lab - skin - share * toward, axis=-1)
    return np.asarray(difference, dtype=np.float32)


def _find_iris(contrast: NDArray[np.float32], place: tuple[float, float]) -> Offsets:
    """Return the centre (N, 2) of the disc that stands out most from the ring around it."""
    disc = _disc(1.0)
    ring = np.array([p for p in _disc(_RING).tolist() if p not in disc.tolist()])
    around = np.arange(-_SEARCH, _SEARCH + 1)
    centres = np.stack(np.meshgrid(around, around), axis=-1).reshape(-1, 2) + np.rint(place)
    centres = centres.astype(np.intp)
    scores = []
    for centre in centres:
        inside, outside = (contrast[:, *(area + centre).T].mean(axis=1) for area in (disc, ring))
        # Hair may touch the ring, so it counts for less; of like spots the nearer one wins.
        away = np.square(centre - place).sum()
        scores.append(inside - 0.3 * outside - 0.002 * away)
    best: Offsets = centres[np.argmax(scores, axis=0)]
    return best


def _disc(scale: float) -> Offsets:
    rows, columns = np.mgrid[-8:9, -8:9]
    inside = (rows / _IRIS[0]) ** 2 + (columns / _IRIS[1]) ** 2 <= scale**2
    return np.stack([rows[inside], columns[inside]], axis=1)


def _gather(lab: Lab, centres: Offsets, area: Offsets) -> Lab:
    """Return the pixels (N, P, 3) of `area` around each picture's own centre."""
    place = centres[:, None] + area
    pixels: Lab = lab[np.arange(len(lab))[:, None], place[..., 0], place[..., 1]]
    return pixels


def _middle(pixels: Lab) -> Lab:
    """Return the mean (N, 3) of pixels (N, P, 3) without highlights, dark pupil and pale edge."""
    lightness, chroma = pixels[..., 0], np.hypot(pixels[..., 1], pixels[..., 2])
    white = (lightness > _WHITE_LIGHTNESS) & (chroma < _WHITE_CHROMA)
    rank = np.where(white, np.inf, lightness).argsort(axis=1).argsort(axis=1)
    place = (rank + 0.5) / np.maximum((~white).sum(axis=1, keepdims=True), 1)
    kept = ((place > 0.3) & (place < 0.9)).astype(np.float32)[..., None]
    mean: Lab = (pixels * kept).sum(axis=1) / kept.sum(axis=1)
    return mean
