"""Sets of drawn scenes: read back as i-CLEVR, reproducible, nothing overwritten."""

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
from ganport_train.synthetic.shapes.labels import Labels, read_labels, sample_labels
from ganport_train.synthetic.shapes.render import draw_scene
from ganport_train.synthetic.shapes.scene import Scene
from ganport_train.synthetic.shapes.writer import scene_of, write_shapes

COUNT = 42


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("set") / "shapes.zip"
    write_shapes(out, sample_labels(COUNT, 5), 32, seed=5)
    return out


def test_the_set_is_read_back_as_i_clevr(drawn: Path, tmp_path: Path) -> None:
    dataset = load_dataset(drawn, resolution=32, cache=tmp_path, progress=False)
    labels = sample_labels(COUNT, 5)
    assert dataset.format == "iclevr"
    assert not dataset.issues
    assert dataset.ids == list(labels.pictures)
    assert dataset.vectors.sum(axis=1).tolist() == [1, 2, 3] * (COUNT // 3)
    for vector, objects in zip(dataset.vectors, labels.pictures.values(), strict=True):
        assert dataset.conditions.encode({"objects": objects}).tolist() == vector.tolist()
    assert [len(requests) for requests in dataset.test_prompts.values()] == [32, 32]


def test_a_scene_stays_on_one_side_of_the_split(drawn: Path, tmp_path: Path) -> None:
    dataset = load_dataset(drawn, resolution=32, cache=tmp_path, progress=False)
    training, held_out = (
        {scene_of(dataset.ids[index]) for index in side} for side in dataset.split(0.4)
    )
    assert training
    assert held_out
    assert not training & held_out


def test_pictures_are_those_of_their_scenes(drawn: Path) -> None:
    labels = sample_labels(COUNT, 5)
    with zipfile.ZipFile(drawn) as archive:
        assert archive.namelist()[:4] == [
            "train.json",
            "objects.json",
            "test.json",
            "new_test.json",
        ]
        assert json.loads(archive.read("train.json")) == labels.pictures
        picture = Image.open(io.BytesIO(archive.read("images/scene_000003_1.png")))
    scene = Scene.of(5, "scene_000003", labels.pictures["scene_000003_1.png"])
    assert picture.format == "PNG"
    assert (np.asarray(picture) == np.asarray(draw_scene(scene, 32))).all()


def test_a_picture_depends_on_no_other_and_on_no_worker(drawn: Path, tmp_path: Path) -> None:
    labels = sample_labels(COUNT, 5)
    write_shapes(tmp_path / "two.zip", labels, 32, seed=5, workers=2)
    assert (tmp_path / "two.zip").read_bytes() == drawn.read_bytes()
    last = list(labels.pictures)[-1]
    write_shapes(tmp_path / "one", Labels({last: labels.pictures[last]}), 32, seed=5)
    with zipfile.ZipFile(drawn) as archive:
        assert (tmp_path / "one" / "images" / last).read_bytes() == archive.read(f"images/{last}")


@pytest.mark.parametrize(
    ("name", "scene"),
    [("CLEVR_train_002066_0.png", "CLEVR_train_002066"), ("b.png", "b"), ("_1.png", "")],
)
def test_the_scene_of_a_name(name: str, scene: str) -> None:
    assert scene_of(name) == scene


@pytest.mark.parametrize(
    ("size", "seed", "message"),
    [
        (15, 0, "size: expected a whole number from 16 to 512; found 15"),
        (513, 0, "size: expected a whole number from 16 to 512; found 513"),
        (16, -1, "seed: expected a whole number from 0"),
    ],
)
def test_numbers_out_of_range(tmp_path: Path, size: int, seed: int, message: str) -> None:
    with pytest.raises(GanportError, match=message):
        write_shapes(tmp_path / "x.zip", sample_labels(1, 0), size, seed=seed)
    assert not list(tmp_path.iterdir())


def test_the_labels_are_never_overwritten(tmp_path: Path) -> None:
    source = tmp_path / "train.json"
    source.write_text('{"a.png": ["red cube"]}')
    for out, found in ((tmp_path, "train.json inside it"), (source, "the label file")):
        with pytest.raises(GanportError, match=f"than that of the label file; found {found}"):
            write_shapes(out, read_labels(source), 16, replace=True)
    assert [path.name for path in tmp_path.iterdir()] == ["train.json"]


def test_a_folder_of_faces_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "tags.csv").write_text("0,red hair red eyes")
    with pytest.raises(GanportError, match="expected a folder of drawn shapes to replace"):
        write_shapes(tmp_path, sample_labels(1, 0), 16, replace=True)
