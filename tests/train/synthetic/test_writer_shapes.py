"""Datasets of drawn scenes: loaded as i-CLEVR, reproducible, nothing overwritten."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganport_runtime.errors import GanportError
from ganport_train.data import load_dataset
from ganport_train.synthetic.scene_labels import SceneLabels, read_labels, sample_labels
from ganport_train.synthetic.scenes import Scene, draw_scene
from ganport_train.synthetic.writer import scene_name, write_shapes

COUNT = 42


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("set") / "shapes.zip"
    write_shapes(out, sample_labels(COUNT, 5), 32, seed=5)
    return out


def test_write_shapes_loads_as_iclevr(drawn: Path, tmp_path: Path) -> None:
    dataset = load_dataset(drawn, resolution=32, cache=tmp_path)
    labels = sample_labels(COUNT, 5)
    assert dataset.format == "iclevr"
    assert not dataset.issues
    assert dataset.ids == list(labels.images)
    assert dataset.vectors.sum(axis=1).tolist() == [1, 2, 3] * (COUNT // 3)
    for vector, objects in zip(dataset.vectors, labels.images.values(), strict=True):
        assert dataset.conditions.encode({"objects": objects}).tolist() == vector.tolist()
    assert [len(requests) for requests in dataset.test_prompts.values()] == [32, 32]


def test_write_shapes_images_match_scenes(drawn: Path) -> None:
    labels = sample_labels(COUNT, 5)
    with zipfile.ZipFile(drawn) as archive:
        assert archive.namelist()[:4] == [
            "train.json",
            "objects.json",
            "test.json",
            "new_test.json",
        ]
        assert json.loads(archive.read("train.json")) == labels.images
        image = Image.open(io.BytesIO(archive.read("images/scene_000003_1.png")))
    scene = Scene.sample(5, "scene_000003", labels.images["scene_000003_1.png"])
    assert image.format == "PNG"
    assert (np.asarray(image) == np.asarray(draw_scene(scene, 32))).all()


def test_write_shapes_image_does_not_depend_on_others(drawn: Path, tmp_path: Path) -> None:
    labels = sample_labels(COUNT, 5)
    write_shapes(tmp_path / "two.zip", labels, 32, seed=5, workers=2)
    assert (tmp_path / "two.zip").read_bytes() == drawn.read_bytes()
    last = list(labels.images)[-1]
    write_shapes(tmp_path / "one", SceneLabels({last: labels.images[last]}), 32, seed=5)
    with zipfile.ZipFile(drawn) as archive:
        assert (tmp_path / "one" / "images" / last).read_bytes() == archive.read(f"images/{last}")


@pytest.mark.parametrize(
    ("name", "scene"),
    [("CLEVR_train_002066_0.png", "CLEVR_train_002066"), ("b.png", "b"), ("_1.png", "")],
)
def test_scene_name_of_each_step_is_the_common_part(name: str, scene: str) -> None:
    assert scene_name(name) == scene


@pytest.mark.parametrize(
    ("size", "seed", "message"),
    [
        (15, 0, "size: expected a whole number from 16 to 512; found 15"),
        (16, -1, "seed: expected a whole number from 0"),
    ],
)
def test_write_shapes_out_of_range_raises(
    tmp_path: Path, size: int, seed: int, message: str
) -> None:
    with pytest.raises(GanportError, match=message):
        write_shapes(tmp_path / "x.zip", sample_labels(1, 0), size, seed=seed)
    assert not list(tmp_path.iterdir())


def test_write_shapes_never_overwrites_labels(tmp_path: Path) -> None:
    source = tmp_path / "train.json"
    source.write_text('{"a.png": ["red cube"]}')
    for out, found in ((tmp_path, "train.json inside it"), (source, "the label file")):
        with pytest.raises(GanportError, match=f"does not contain the label file; found {found}"):
            write_shapes(out, read_labels(source), 16, replace=True)
    assert [path.name for path in tmp_path.iterdir()] == ["train.json"]


def test_write_shapes_never_replaces_faces(tmp_path: Path) -> None:
    (tmp_path / "tags.csv").write_text("0,red hair red eyes")
    with pytest.raises(GanportError, match="expected a folder of drawn shapes to replace"):
        write_shapes(tmp_path, sample_labels(1, 0), 16, replace=True)
