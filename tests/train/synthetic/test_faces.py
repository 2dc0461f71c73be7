"""Drawn faces: determinism, size, labels, and the region of each trait."""

from __future__ import annotations

from hashlib import blake2b
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from ganport_train.synthetic.faces import draw_face
from ganport_train.synthetic.palette import EYES, HAIR
from ganport_train.synthetic.traits import Trait, sample_traits

Pixels = NDArray[np.int64]

# Region of each trait for any pose, at 64 pixels: first and last row, first and last column.
PLACES = {
    Trait.BANGS: (4, 37, 14, 50),
    Trait.EYEGLASSES: (22, 45, 12, 52),
    Trait.HAIR_BOW: (4, 32, 0, 64),
    Trait.LONG_HAIR: (0, 64, 0, 64),
    Trait.MOUTH_OPEN: (41, 54, 22, 42),
    Trait.ROSY_CHEEKS: (34, 50, 12, 52),
    Trait.SMILING: (41, 54, 22, 42),
    Trait.EARRINGS: (34, 53, 6, 58),
    Trait.HAT: (0, 28, 0, 64),
    Trait.WINKING: (22, 43, 12, 52),
}
SEEDS = range(20, 26)


@pytest.mark.parametrize("size", [16, 17, 64, 100, 300])
def test_draw_face_has_requested_size(size: int) -> None:
    face = draw_face(1, "pink", "green", size)
    assert (face.size, face.mode) == ((size, size), "RGB")


def test_draw_face_is_deterministic() -> None:
    first, second, other = (
        np.asarray(draw_face(seed, "blue", "red", 64)).astype(int) for seed in (5, 5, 6)
    )
    assert (first == second).all()
    assert np.abs(first - other).mean() > 5


@pytest.mark.parametrize("traits", [None, frozenset(Trait)])
def test_draw_face_shape_does_not_depend_on_size(traits: frozenset[Trait] | None) -> None:
    small = np.asarray(draw_face(9, "green", "blue", 64, traits)).astype(float)
    large = np.asarray(draw_face(9, "green", "blue", 128, traits)).astype(float)
    halved = large.reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
    assert np.abs(small - halved).mean() < 6


def test_draw_face_eye_color_changes_eyes_only() -> None:
    one, two = (np.asarray(draw_face(3, "black", eyes, 64)) for eyes in ("aqua", "red"))
    rows, columns = np.nonzero((one != two).any(axis=-1))
    assert 40 < len(rows) < 300
    assert rows.min() > 20 and rows.max() < 44
    assert columns.min() > 12 and columns.max() < 52


def test_draw_face_every_label_pair_differs() -> None:
    faces = {draw_face(2, *pair, 16).tobytes() for pair in product(HAIR, EYES)}
    assert len(faces) == 120


def test_draw_face_styles_vary() -> None:
    faces = np.stack([np.asarray(draw_face(s, "red", "blue", 32)).astype(float) for s in range(40)])
    outside_the_face = faces[:, 16:, [2, 3, 28, 29]]
    assert outside_the_face.std(axis=0).mean() > 40


def draw(seed: int, traits: frozenset[Trait], hair: str = "green", size: int = 64) -> Pixels:
    return np.asarray(draw_face(seed, hair, "blue", size, traits)).astype(np.int64)


def changed(seed: int, trait: Trait) -> NDArray[np.bool_]:
    """Return the pixels of the face of `seed` that depend on `trait`."""
    traits = sample_traits(seed)
    return (draw(seed, traits | {trait}) != draw(seed, traits - {trait})).any(axis=-1)


def test_draw_face_matches_recorded_digest() -> None:
    faces = b"".join(
        draw_face(seed, *pair, 32).tobytes()
        for seed, pair in enumerate(list(product(HAIR, EYES))[::3])
    )
    assert blake2b(faces, digest_size=16).hexdigest() == "a2304fd587ae4197c0fafb64ca572543"


@pytest.mark.parametrize("trait", Trait)
def test_trait_changes_its_region_only(trait: Trait) -> None:
    top, bottom, left, right = PLACES[trait]
    for seed in SEEDS:
        there = changed(seed, trait)
        assert there[top:bottom, left:right].sum() >= 20
        there[top:bottom, left:right] = False
        assert not there.any()


@pytest.mark.parametrize("seed", SEEDS)
def test_long_hair_reaches_below_chin(seed: int) -> None:
    there = changed(seed, Trait.LONG_HAIR)
    assert there[52:].sum() > 20
    assert not there[24:46, 26:38].any()


@pytest.mark.parametrize("seed", SEEDS)
def test_winking_changes_one_eye(seed: int) -> None:
    columns = np.nonzero(changed(seed, Trait.WINKING).any(axis=0))[0]
    assert columns.max() < 35 or columns.min() > 29


@pytest.mark.parametrize("seed", SEEDS)
def test_earrings_change_both_sides(seed: int) -> None:
    there = changed(seed, Trait.EARRINGS)
    assert not there[:, 22:42].any()
    assert there[:, :22].sum() >= 10
    assert there[:, 42:].sum() >= 10


def covered(seed: int, traits: frozenset[Trait]) -> float:
    """Return the fraction of the forehead that changes with the hair color."""
    one, two = (draw(seed, traits, hair) for hair in ("orange", "blue"))
    return float((one != two).any(axis=-1)[21:27, 26:38].mean())


@pytest.mark.parametrize("seed", SEEDS)
def test_bangs_cover_forehead(seed: int) -> None:
    bare = sample_traits(seed) - {Trait.BANGS, Trait.HAT}
    assert covered(seed, bare | {Trait.BANGS}) > 0.7
    assert covered(seed, bare) < 0.4


@pytest.mark.parametrize("seed", SEEDS)
def test_hat_and_glasses_leave_hair_and_eyes_visible(seed: int) -> None:
    everything = frozenset(Trait)
    one, two = (draw(seed, everything, hair) for hair in ("orange", "blue"))
    assert (np.abs(one - two).max(axis=-1) > 60).sum() > 300
    aqua, red = (np.asarray(draw_face(seed, "black", e, 64, everything)) for e in ("aqua", "red"))
    assert (aqua != red).any(axis=-1).sum() > 40
