"""Scenes: objects apart, in the frame and never hidden, and each scene the same in every step."""

from __future__ import annotations

import math
from itertools import combinations
from random import Random

import numpy as np
import pytest

from ganport_train.synthetic.shapes.scene import Scene, visible_shares
from ganport_train.synthetic.shapes.vocabulary import OBJECTS

FINE = 128  # finer than what the scenes were made with


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    rng = Random(0)
    return [Scene.of(5, f"scene {i}", rng.sample(OBJECTS, 3)) for i in range(60)]


def silhouettes(scene: Scene) -> list[np.ndarray]:
    rays = scene.camera.rays(FINE, range(FINE))
    return [solid.distances(scene.camera.place[:, None], rays) for solid in scene.solids]


def test_of_every_object_at_least_two_fifths_are_seen(scenes: list[Scene]) -> None:
    shares = np.array([visible_shares(silhouettes(scene)) for scene in scenes])
    assert shares.min() >= 0.4
    assert (shares < 1).any()  # they do overlap


def test_every_object_is_whole_and_large_enough_to_be_read(scenes: list[Scene]) -> None:
    for scene in scenes:
        for depth in silhouettes(scene):
            seen = np.isfinite(depth).reshape(FINE, FINE)
            assert not (seen[[0, -1]].any() or seen[:, [0, -1]].any())
            assert seen.any(axis=0).sum() >= 10 * FINE / 64
            assert seen.any(axis=1).sum() >= 10 * FINE / 64


def test_objects_never_touch(scenes: list[Scene]) -> None:
    for scene in scenes:
        for one, other in combinations(scene.solids, 2):
            assert math.hypot(one.x - other.x, one.y - other.y) > one.reach + other.reach


def test_one_more_object_changes_nothing_else() -> None:
    short = Scene.of(1, "CLEVR_train_000007", ["red cube"])
    long = Scene.of(1, "CLEVR_train_000007", ["red cube", "gray sphere", "blue cube"])
    assert long.solids[0] == short.solids[0]
    assert (long.colours[0] == short.colours[0]).all()
    assert (long.camera.axes == short.camera.axes).all()
    assert (long.lamp.place == short.lamp.place).all()
    assert long.ground == short.ground


@pytest.mark.parametrize(("seed", "stem"), [(2, "a"), (1, "b")])
def test_another_seed_or_name_is_another_scene(seed: int, stem: str) -> None:
    other = Scene.of(seed, stem, ["red cube"])
    assert other.solids != Scene.of(1, "a", ["red cube"]).solids


def test_visible_shares_count_what_lies_in_front() -> None:
    behind = np.array([2, 2, 2, 2], dtype=np.float32)
    before = np.array([1, np.inf, np.inf, np.inf], dtype=np.float32)
    assert visible_shares([behind, before]).tolist() == [0.75, 1]
