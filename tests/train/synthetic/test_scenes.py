"""Scenes: separate, visible objects that do not depend on later ones; the camera."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations, product
from random import Random

import numpy as np
import pytest
from PIL import Image

from ganport_train.synthetic.palette import nearest_labels, rgb_to_oklab
from ganport_train.synthetic.scene_labels import COLORS, OBJECTS, split_label
from ganport_train.synthetic.scenes import Camera, Scene, draw_scene, visible_fractions
from ganport_train.synthetic.solids import dot

FINE = 128  # finer than the grid on which scenes are sampled


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    rng = Random(0)
    return [Scene.sample(5, f"scene {i}", rng.sample(OBJECTS, 3)) for i in range(60)]


def silhouettes(scene: Scene) -> list[np.ndarray]:
    rays = scene.camera.rays(FINE, range(FINE))
    return [solid.distances(scene.camera.position[:, None], rays) for solid in scene.solids]


def test_scene_objects_stay_visible(scenes: list[Scene]) -> None:
    shares = np.array([visible_fractions(silhouettes(scene)) for scene in scenes])
    assert shares.min() >= 0.4
    assert (shares < 1).any()  # some overlap


def test_scene_objects_are_inside_frame_and_large(scenes: list[Scene]) -> None:
    for scene in scenes:
        for depth in silhouettes(scene):
            seen = np.isfinite(depth).reshape(FINE, FINE)
            assert not (seen[[0, -1]].any() or seen[:, [0, -1]].any())
            assert seen.any(axis=0).sum() >= 10 * FINE / 64
            assert seen.any(axis=1).sum() >= 10 * FINE / 64


def test_scene_objects_never_touch(scenes: list[Scene]) -> None:
    for scene in scenes:
        for one, other in combinations(scene.solids, 2):
            assert math.hypot(one.x - other.x, one.y - other.y) > one.radius + other.radius


def test_scene_longer_list_keeps_objects() -> None:
    short = Scene.sample(1, "CLEVR_train_000007", ["red cube"])
    long = Scene.sample(1, "CLEVR_train_000007", ["red cube", "gray sphere", "blue cube"])
    assert long.solids[0] == short.solids[0]
    assert (long.colors[0] == short.colors[0]).all()
    assert (long.camera.axes == short.camera.axes).all()
    assert (long.lamp.position == short.lamp.position).all()
    assert long.ground == short.ground


@pytest.mark.parametrize(("seed", "stem"), [(2, "a"), (1, "b")])
def test_scene_depends_on_seed_and_name(seed: int, stem: str) -> None:
    other = Scene.sample(seed, stem, ["red cube"])
    assert other.solids != Scene.sample(1, "a", ["red cube"]).solids


def test_visible_fractions_count_occlusion() -> None:
    behind = np.array([2, 2, 2, 2], dtype=np.float32)
    before = np.array([1, np.inf, np.inf, np.inf], dtype=np.float32)
    assert visible_fractions([behind, before]).tolist() == [0.75, 1]


@pytest.fixture
def camera() -> Camera:
    return Camera.sample(Random(3))


def test_camera_axes_are_orthonormal_and_level(camera: Camera) -> None:
    assert camera.axes @ camera.axes.T == pytest.approx(np.eye(3), abs=1e-6)
    assert camera.axes[0, 2] == pytest.approx(0, abs=1e-6)
    assert camera.axes[1, 2] > 0


def test_camera_center_ray_points_ahead(camera: Camera) -> None:
    rays = camera.rays(3, range(3))
    assert rays[:, 4] == pytest.approx(camera.axes[2], abs=1e-6)
    assert dot(rays, rays) == pytest.approx(1, abs=1e-6)
    up_left = camera.axes @ rays[:, 0]
    assert up_left[0] < 0 < up_left[1]


def test_camera_rays_of_bands_equal_whole(camera: Camera) -> None:
    bands = [camera.rays(6, range(4)), camera.rays(6, range(4, 6))]
    assert (np.concatenate(bands, axis=1) == camera.rays(6, range(6))).all()


SIZE = 48


def pixels(scene: Scene, size: int = SIZE) -> np.ndarray:
    return np.asarray(draw_scene(scene, size))


def inside(scene: Scene, index: int = 0) -> np.ndarray:
    """Return the pixels whose center lies on a solid, ignoring occlusion."""
    rays = scene.camera.rays(SIZE, range(SIZE))
    depth = scene.solids[index].distances(scene.camera.position[:, None], rays)
    return np.isfinite(depth).reshape(SIZE, SIZE)


@pytest.mark.parametrize("label", OBJECTS)
def test_draw_scene_object_has_its_color(label: str) -> None:
    for stem in "abc":
        scene = Scene.sample(0, stem, [label])
        middle = np.median(rgb_to_oklab(pixels(scene)[inside(scene)]), axis=0)
        assert nearest_labels([middle], COLORS) == [split_label(label)[0]]


@pytest.mark.parametrize("label", ["red cube", "red sphere", "red cylinder"])
def test_draw_scene_object_casts_shadow(label: str) -> None:
    scene = Scene.sample(4, "shadow", [label])
    bare = pixels(replace(scene, solids=(), colors=())).astype(int)
    darker = (bare - pixels(scene)).max(axis=2)[~inside(scene)]
    assert darker.max() > 40
    assert (darker > 20).mean() < 0.2
    assert (darker < 3).mean() > 0.6


def test_draw_scene_haze_is_smooth() -> None:
    bare = pixels(replace(Scene.sample(0, "bare", []), ground=0.4)).astype(int)
    steps = np.abs(np.diff(bare, axis=0)).max(), np.abs(np.diff(bare, axis=1)).max()
    assert max(steps) <= 12
    assert np.ptp(bare) > 20


def test_draw_scene_antialiases_edges() -> None:
    """Mixed pixels lie between a bright and a dark side."""
    scene = Scene.sample(0, "edge", ["yellow cube"])
    blue = pixels(scene)[..., 2].astype(int)
    outline = inside(scene)
    inner, outer = np.median(blue[outline]), np.median(blue[~outline])
    between = (blue > inner + 15) & (blue < outer - 15)
    assert between.sum() > 10


@pytest.mark.parametrize("size", [16, 128])
def test_draw_scene_does_not_depend_on_size(size: int) -> None:
    scene = Scene.sample(0, "size", ["red cube", "cyan sphere"])
    box = Image.Resampling.BOX
    one, other = (draw_scene(scene, side).resize((8, 8), box) for side in (size, 64))
    assert np.abs(np.asarray(one, int) - np.asarray(other, int)).mean() < 1.5


def test_draw_scene_accepts_odd_size() -> None:
    image = draw_scene(Scene.sample(0, "size", ["red cube"]), 17)
    assert (image.size, image.mode) == ((17, 17), "RGB")


def test_draw_scene_objects_differ() -> None:
    images = {label: pixels(Scene.sample(0, "one", [label])) for label in OBJECTS}
    for one, other in product(OBJECTS, OBJECTS):
        assert (one == other) == bool((images[one] == images[other]).all())
