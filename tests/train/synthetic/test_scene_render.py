"""Rendered scenes: object colors, shadows, smooth edges, any size."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from PIL import Image

from ganport_train.synthetic.palette import nearest_labels, rgb_to_oklab
from ganport_train.synthetic.scene_labels import COLORS, OBJECTS, split_label
from ganport_train.synthetic.scene_render import draw_scene
from ganport_train.synthetic.scenes import Scene

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
