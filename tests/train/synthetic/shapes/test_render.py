"""Pictures of scenes: colours that name themselves, shadows, soft edges, any size."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from PIL import Image

from ganport_train.synthetic import oklab
from ganport_train.synthetic.palette import nearest
from ganport_train.synthetic.shapes.render import draw_scene
from ganport_train.synthetic.shapes.scene import Scene
from ganport_train.synthetic.shapes.vocabulary import COLOURS, OBJECTS, parted

SIZE = 48


def pixels(scene: Scene, size: int = SIZE) -> np.ndarray:
    return np.asarray(draw_scene(scene, size))


def inside(scene: Scene, index: int = 0) -> np.ndarray:
    """Where the middle of a pixel shows a solid, whatever is in front."""
    rays = scene.camera.rays(SIZE, range(SIZE))
    depth = scene.solids[index].distances(scene.camera.place[:, None], rays)
    return np.isfinite(depth).reshape(SIZE, SIZE)


@pytest.mark.parametrize("label", OBJECTS)
def test_every_object_is_of_the_colour_it_is_called(label: str) -> None:
    for stem in "abc":
        scene = Scene.of(0, stem, [label])
        middle = np.median(oklab.from_rgb(pixels(scene)[inside(scene)]), axis=0)
        assert nearest([middle], COLOURS) == [parted(label)[0]]


@pytest.mark.parametrize("label", ["red cube", "red sphere", "red cylinder"])
def test_an_object_throws_a_shadow_on_the_ground_and_leaves_the_rest(label: str) -> None:
    scene = Scene.of(4, "shadow", [label])
    bare = pixels(replace(scene, solids=(), colours=())).astype(int)
    darker = (bare - pixels(scene)).max(axis=2)[~inside(scene)]
    assert darker.max() > 40
    assert (darker > 20).mean() < 0.2
    assert (darker < 3).mean() > 0.6


def test_light_falls_off_into_the_haze_without_an_edge() -> None:
    bare = pixels(replace(Scene.of(0, "bare", []), ground=0.4)).astype(int)
    steps = np.abs(np.diff(bare, axis=0)).max(), np.abs(np.diff(bare, axis=1)).max()
    assert max(steps) <= 12
    assert np.ptp(bare) > 20


def test_edges_are_smooth() -> None:
    """Between a bright and a dark side lie pixels of every mixture."""
    scene = Scene.of(0, "edge", ["yellow cube"])
    blue = pixels(scene)[..., 2].astype(int)
    outline = inside(scene)
    inner, outer = np.median(blue[outline]), np.median(blue[~outline])
    between = (blue > inner + 15) & (blue < outer - 15)
    assert between.sum() > 10


@pytest.mark.parametrize("size", [16, 128])
def test_a_scene_looks_the_same_at_every_size(size: int) -> None:
    scene = Scene.of(0, "size", ["red cube", "cyan sphere"])
    box = Image.Resampling.BOX
    one, other = (draw_scene(scene, side).resize((8, 8), box) for side in (size, 64))
    assert np.abs(np.asarray(one, int) - np.asarray(other, int)).mean() < 1.5


def test_any_size_will_do() -> None:
    picture = draw_scene(Scene.of(0, "size", ["red cube"]), 17)
    assert (picture.size, picture.mode) == ((17, 17), "RGB")


def test_no_two_objects_look_alike() -> None:
    pictures = {label: pixels(Scene.of(0, "one", [label])) for label in OBJECTS}
    for one, other in product(OBJECTS, OBJECTS):
        assert (one == other) == bool((pictures[one] == pictures[other]).all())
