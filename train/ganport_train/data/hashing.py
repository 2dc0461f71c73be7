"""Near-duplicate families: pictures that are the same but for a mirror, a re-encoding, a nudge.

The hash of a picture is the sign of each brightness step between neighbours of its 13 x 13
thumbnail (a difference hash in both directions, with a third value for steps too small to
tell). Two pictures belong together when their hashes, or one and the other's mirrored hash,
agree and their thumbnails' colours are close. The limits stand
where 15,704 real faces, no two of them the same, gave no false family.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FLAT = 2.0
"""Grey levels (of 255): a smaller step counts as none."""
AGREEMENT = 0.72
"""Cosine between the hashes of one family."""
COLOUR = 24.0
"""Mean absolute difference between the thumbnails of one family, in levels of 255."""

_BLOCK = 2048
_PIECE = 1 << 15

Thumbnails = NDArray[np.uint8]
Floats = NDArray[np.float32]
Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Families:
    """`labels` int64 (N,) numbers each picture's family from 0, in order of appearance; `keys`
    uint64 (N,) is a number that depends on the content of the picture's family alone."""

    labels: Indices
    keys: NDArray[np.uint64]


def find_families(thumbnails: Thumbnails) -> Families:
    """Group uint8 (N, T, T, 3) thumbnails by comparing every pair."""
    distinct, inverse, keys = _distinct(thumbnails)
    roots = np.arange(len(distinct))
    even, odd = _halves(_signs(distinct))
    for first in range(0, len(distinct), _BLOCK):
        for second in range(first, len(distinct), _BLOCK):
            ours, theirs = slice(first, first + _BLOCK), slice(second, second + _BLOCK)
            # The mirror leaves `even` as it is and turns the sign of `odd`.
            agreement = even[ours] @ even[theirs].T + np.abs(odd[ours] @ odd[theirs].T)
            left, right = np.nonzero(agreement >= AGREEMENT)
            _join_alike(roots, distinct, left + first, right + second)
    return _numbered(roots[inverse], keys[inverse])


def _distinct(thumbnails: Thumbnails) -> tuple[Thumbnails, Indices, NDArray[np.uint64]]:
    # Equal and exactly mirrored pictures are joined here, so that many of them cost nothing.
    count = len(thumbnails)
    plain = np.ascontiguousarray(thumbnails).reshape(count, -1)
    mirrored = np.ascontiguousarray(thumbnails[:, :, ::-1]).reshape(count, -1)
    rows = [min(a.tobytes(), b.tobytes()) for a, b in zip(plain, mirrored, strict=True)]
    places: dict[bytes, int] = {}
    inverse = np.array([places.setdefault(row, len(places)) for row in rows], np.int64)
    distinct = np.frombuffer(b"".join(places), np.uint8).reshape(-1, *thumbnails.shape[1:])
    digests = b"".join(hashlib.sha256(row).digest()[:8] for row in places)
    return distinct, inverse, np.frombuffer(digests, ">u8").astype(np.uint64)


def _signs(thumbnails: Thumbnails) -> tuple[Floats, Floats]:
    # Rec. 601 luma; steps to the right (N, T, T-1) and down (N, T-1, T), each -1, 0 or 1.
    grey = thumbnails @ np.array([0.299, 0.587, 0.114], np.float32)
    steps = np.diff(grey, axis=2), np.diff(grey, axis=1)
    right, down = (np.sign(step) * (np.abs(step) > FLAT) for step in steps)
    return right, down


def _halves(signs: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """The parts of the unit hash that a mirror keeps and negates, both float32 (N, 2T(T-1))."""
    right, down = signs
    count = len(right)
    plain = np.concatenate([right.reshape(count, -1), down.reshape(count, -1)], axis=1)
    mirrored = np.concatenate(
        [-right[:, :, ::-1].reshape(count, -1), down[:, :, ::-1].reshape(count, -1)], axis=1
    )
    length = np.maximum(np.linalg.norm(plain, axis=1, keepdims=True), 1)
    return (plain + mirrored) / (2 * length), (plain - mirrored) / (2 * length)


def _join_alike(roots: Indices, thumbnails: Thumbnails, left: Indices, right: Indices) -> None:
    upper = left < right
    left, right = left[upper], right[upper]
    for start in range(0, len(left), _PIECE):
        ours, theirs = left[start : start + _PIECE], right[start : start + _PIECE]
        alike = _colour_distance(thumbnails[ours], thumbnails[theirs]) <= COLOUR
        _join(roots, ours[alike], theirs[alike])


def _colour_distance(ours: Thumbnails, theirs: Thumbnails) -> Floats:
    a, b = ours.astype(np.int16), theirs.astype(np.int16)
    plain = np.abs(a - b).mean(axis=(1, 2, 3), dtype=np.float32)
    mirrored = np.abs(a - b[:, :, ::-1]).mean(axis=(1, 2, 3), dtype=np.float32)
    return np.asarray(np.minimum(plain, mirrored), np.float32)


def _join(roots: Indices, left: Indices, right: Indices) -> None:
    """Union the pairs: every member of a set points, at the end, at the set's smallest index."""
    while True:
        a, b = roots[left], roots[right]
        low = np.minimum(a, b)
        if np.array_equal(a, b):
            return
        np.minimum.at(roots, a, low)
        np.minimum.at(roots, b, low)
        while not np.array_equal(shorter := roots[roots], roots):
            roots[:] = shorter


def _numbered(roots: Indices, keys: NDArray[np.uint64]) -> Families:
    _, first, inverse = np.unique(roots, return_index=True, return_inverse=True)
    lowest = np.full(len(first), np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(lowest, inverse, keys)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return Families(rank[inverse], lowest[inverse])
