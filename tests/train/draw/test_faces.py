"""Faces are deterministic, differ by seed, and show what was asked for at any size."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from ganport_train.draw.faces import draw_face
from ganport_train.draw.palette import EYES, HAIR


@pytest.mark.parametrize("size", [16, 17, 64, 100, 300])
def test_a_face_has_the_size_asked_for(size: int) -> None:
    face = draw_face(1, "pink", "green", size)
    assert (face.size, face.mode) == ((size, size), "RGB")


def test_the_same_seed_draws_the_same_face() -> None:
    first, second, other = (
        np.asarray(draw_face(seed, "blue", "red", 64)).astype(int) for seed in (5, 5, 6)
    )
    assert (first == second).all()
    assert np.abs(first - other).mean() > 5


def test_a_face_keeps_its_shape_at_another_size() -> None:
    small = np.asarray(draw_face(9, "green", "blue", 64)).astype(float)
    large = np.asarray(draw_face(9, "green", "blue", 128)).astype(float)
    halved = large.reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
    assert np.abs(small - halved).mean() < 6


def test_eye_colour_changes_the_eyes_alone() -> None:
    one, two = (np.asarray(draw_face(3, "black", eyes, 64)) for eyes in ("aqua", "red"))
    rows, columns = np.nonzero((one != two).any(axis=-1))
    assert 40 < len(rows) < 300
    assert rows.min() > 20 and rows.max() < 44
    assert columns.min() > 12 and columns.max() < 52


def test_every_pair_of_labels_can_be_drawn() -> None:
    faces = {draw_face(2, *pair, 16).tobytes() for pair in product(HAIR, EYES)}
    assert len(faces) == 120


def test_styles_vary() -> None:
    faces = np.stack([np.asarray(draw_face(s, "red", "blue", 32)).astype(float) for s in range(40)])
    outside_the_face = faces[:, 16:, [2, 3, 28, 29]]
    assert outside_the_face.std(axis=0).mean() > 40
