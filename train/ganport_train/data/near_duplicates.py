"""Groups of near-duplicate images: mirrored, re-encoded, brightened or slightly shifted copies.

The hash of an image is the vector of brightness steps between neighbors of its 13 x 13 thumbnail,
each clipped to 24 levels, scaled to length 1. Two images are near duplicates if their hashes agree
(or the hash of one and the mirrored hash of the other), and so do the colors and the mean
brightness of their thumbnails.

Recall on copies of real 64 x 64 faces: mirrored, JPEG quality 60, 8 % brighter: 100 %; shifted by
one pixel 99.6 %, diagonally 72 %. False positives: none among 15,704 real faces, 18 pairs among
6,000 drawn faces, but 584 pairs among 3,000 images of drawn scenes. Images that share one scene
are therefore compared for exact copies only.

The same holds for the images of a family that is a large part of the dataset: simple drawings look
alike without being copies. Of 602 sprites, 598 formed 6 families.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ganport_train.data.images import track_blocks
from ganport_train.data.issues import Issue

STEP_LIMIT = 24.0
"""Levels of 255 at which a brightness step is clipped."""
MIN_HASH_COSINE = 0.82
"""Smallest cosine between the hashes of near duplicates."""
MIN_COLOR_CORRELATION = 0.96
"""Smallest correlation between their thumbnails, over pixels and channels."""
MAX_BRIGHTNESS_DIFFERENCE = 24.0
"""Largest difference between their mean levels, of 255."""

MAX_FAMILY_FRACTION = 0.05
"""Largest family of near duplicates, as a fraction of the distinct images."""
MIN_FAMILY = 16
"""Images that a family may have in a dataset of any size."""

_BLOCK = 2048  # images compared at a time, which bounds the memory
_MAX_PAIRS = 1 << 13  # candidate pairs correlated at a time
_SHOWN = 5  # sizes of families in a message
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601

Thumbnails = NDArray[np.uint8]
Floats = NDArray[np.float32]
Levels = NDArray[np.float64]
Indices = NDArray[np.int64]
Keys = NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class DuplicateGroups:
    """The group of each of N images.

    `labels` int64 (N,) numbers the groups from 0 in order of appearance. `keys` uint64 (N,)
    depends on the content of the image's group alone. `dissolved` has the sizes of the groups that
    were too large to be near duplicates, the largest first.
    """

    labels: Indices
    keys: Keys
    dissolved: tuple[int, ...] = ()


def find_duplicate_groups(
    thumbnails: Thumbnails,
    *,
    near: bool = True,
    max_fraction: float = MAX_FAMILY_FRACTION,
) -> DuplicateGroups:
    """Group uint8 (N, T, T, 3) thumbnails into the transitive closure of near duplicates.

    Compares every pair of similar brightness: O(N^2), some seconds for 16,000 images on one core.
    Without `near`, only equal and exactly mirrored thumbnails are grouped, and so are those of a
    group with more than `max_fraction` of the distinct thumbnails.
    """
    distinct, index, keys = _distinct(thumbnails)
    if not near:
        return _number_groups(index, keys[index])
    levels = distinct.mean(axis=(1, 2, 3), dtype=np.float64)
    order = np.argsort(levels)
    sorted_roots = _find_roots(distinct[order], levels[order])
    roots = np.empty_like(order)
    roots[order] = order[sorted_roots]
    roots, dissolved = _dissolve(roots, max(MIN_FAMILY, max_fraction * len(roots)))
    return replace(_number_groups(roots[index], keys[index]), dissolved=dissolved)


def dissolved_families(groups: DuplicateGroups) -> list[Issue]:
    """Return the warning about the groups that were too large to be near duplicates."""
    if not groups.dissolved:
        return []
    sizes = ", ".join(f"{size:,}" for size in groups.dissolved[:_SHOWN])
    found = f"{len(groups.dissolved):,} families of {sizes} distinct images"
    expected = f"families of near duplicates of at most {MAX_FAMILY_FRACTION:.0%} of the images"
    fix = "Only identical and mirrored images of them stay on one side of the split."
    return [Issue("duplicates", "", expected, found, fix, level="warning")]


def merge_scenes(groups: DuplicateGroups, scenes: Sequence[str | None]) -> DuplicateGroups:
    """Merge the groups of images that share a scene; None stands for a scene of its own.

    A merged group gets a new key; every other group keeps its key.
    """
    first_index: dict[str, int] = {}
    _, first_members = np.unique(groups.labels, return_index=True)
    roots = first_members[groups.labels].astype(np.int64)
    members = [index for index, scene in enumerate(scenes) if scene is not None]
    leaders = [first_index.setdefault(str(scenes[index]), index) for index in members]
    _union(roots, np.array(members, np.int64), np.array(leaders, np.int64))
    merged = _number_groups(roots, groups.keys)
    changed = np.isin(merged.labels, merged.labels[merged.keys != groups.keys])
    return replace(groups, labels=merged.labels, keys=_rehash(merged.keys, changed))


def _find_roots(thumbnails: Thumbnails, levels: Levels) -> Indices:
    """Return the index of the root of each image's group; the mean `levels` must rise."""
    roots = np.arange(len(thumbnails))
    even, odd = _hash_parts(thumbnails)
    for rows in track_blocks(len(roots), _BLOCK, "comparing", "images"):
        limit = levels[rows][-1] + MAX_BRIGHTNESS_DIFFERENCE
        for start in range(rows.start, int(np.searchsorted(levels, limit, side="right")), _BLOCK):
            columns = slice(start, start + _BLOCK)
            # Mirroring keeps `even` and negates `odd`, so |odd| covers both orientations.
            cosine = even[rows] @ even[columns].T
            cosine += np.abs(odd[rows] @ odd[columns].T)
            if (similar := cosine >= MIN_HASH_COSINE).any():
                left, right = np.nonzero(similar)
                _union_similar(roots, thumbnails, levels, left + rows.start, right + start)
    return roots


def _dissolve(roots: Indices, limit: float) -> tuple[Indices, tuple[int, ...]]:
    """Give each image of a group above `limit` a group of its own; return the sizes of these."""
    sizes = np.bincount(roots, minlength=len(roots))
    large = np.flatnonzero(sizes > limit)
    own = np.where(np.isin(roots, large), np.arange(len(roots)), roots)
    return own, tuple(sorted(sizes[large].tolist(), reverse=True))


def _distinct(thumbnails: Thumbnails) -> tuple[Thumbnails, Indices, Keys]:
    """Return the distinct thumbnails up to mirroring, the index of each image, and their keys."""
    mirrored = np.ascontiguousarray(thumbnails[:, :, ::-1])
    rows = [min(a.tobytes(), b.tobytes()) for a, b in zip(thumbnails, mirrored, strict=True)]
    numbers: dict[bytes, int] = {}
    index = np.array([numbers.setdefault(row, len(numbers)) for row in rows], np.int64)
    distinct = np.frombuffer(b"".join(numbers), np.uint8).reshape(-1, *thumbnails.shape[1:])
    digests = b"".join(hashlib.sha256(row).digest()[:8] for row in numbers)
    return distinct, index, np.frombuffer(digests, ">u8").astype(np.uint64)


def _hash_parts(thumbnails: Thumbnails) -> tuple[Floats, Floats]:
    """Return the parts of the hashes that mirroring keeps and negates, float32 (N, 2T(T-1)) each.

    A uniform image has a hash of zeros.
    """
    gray = thumbnails @ _LUMA
    right, down = (np.clip(np.diff(gray, axis=axis), -STEP_LIMIT, STEP_LIMIT) for axis in (2, 1))
    plain, mirrored = _flatten(right, down), _flatten(-right[:, :, ::-1], down[:, :, ::-1])
    length = 2 * np.maximum(np.linalg.norm(plain, axis=1, keepdims=True), 1)
    return (plain + mirrored) / length, (plain - mirrored) / length


def _flatten(right: Floats, down: Floats) -> Floats:
    return np.concatenate([part.reshape(len(part), -1) for part in (right, down)], axis=1)


def _union_similar(
    roots: Indices, thumbnails: Thumbnails, levels: Levels, left: Indices, right: Indices
) -> None:
    near = (left < right) & (np.abs(levels[left] - levels[right]) <= MAX_BRIGHTNESS_DIFFERENCE)
    left, right = left[near], right[near]
    for start in range(0, len(left), _MAX_PAIRS):
        a, b = left[start : start + _MAX_PAIRS], right[start : start + _MAX_PAIRS]
        # Skip pairs that are in one group already: most pairs of a large group.
        separate = roots[a] != roots[b]
        a, b = a[separate], b[separate]
        similar = _correlation(thumbnails[a], thumbnails[b]) >= MIN_COLOR_CORRELATION
        _union(roots, a[similar], b[similar])


def _correlation(left: Thumbnails, right: Thumbnails) -> Floats:
    a, b = _standardize(left), _standardize(right)
    plain = np.einsum("nhwc,nhwc->n", a, b)
    mirrored = np.einsum("nhwc,nhwc->n", a, b[:, :, ::-1])
    return np.asarray(np.maximum(plain, mirrored), np.float32)


def _standardize(thumbnails: Thumbnails) -> Floats:
    values = thumbnails.astype(np.float32)
    values -= values.mean(axis=(1, 2, 3), keepdims=True)
    values /= np.maximum(np.sqrt((values**2).sum(axis=(1, 2, 3), keepdims=True)), 1)
    return values


def _union(roots: Indices, left: Indices, right: Indices) -> None:
    """Join the pairs: in the end every member of a set points at the set's smallest index."""
    while True:
        a, b = roots[left], roots[right]
        if np.array_equal(a, b):
            return
        low = np.minimum(a, b)
        np.minimum.at(roots, a, low)
        np.minimum.at(roots, b, low)
        while not np.array_equal(shorter := roots[roots], roots):
            roots[:] = shorter


def _rehash(keys: Keys, changed: NDArray[np.bool_]) -> Keys:
    # The smallest of several keys is biased toward 0, so it would enlarge the validation set.
    digests = [hashlib.sha256(key.tobytes()).digest()[:8] for key in keys[changed].astype(">u8")]
    rehashed = keys.copy()
    rehashed[changed] = np.array([int.from_bytes(digest) for digest in digests], np.uint64)
    return rehashed


def _number_groups(roots: Indices, keys: Keys) -> DuplicateGroups:
    _, first, inverse = np.unique(roots, return_index=True, return_inverse=True)
    lowest = np.full(len(first), np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(lowest, inverse, keys)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return DuplicateGroups(rank[inverse], lowest[inverse])
