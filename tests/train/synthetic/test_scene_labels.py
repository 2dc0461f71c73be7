"""Labels of scenes: balanced sampling, and validation of label files."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from ganport_runtime.errors import GanportError
from ganport_train.data.formats import base, iclevr
from ganport_train.data.source import FolderSource
from ganport_train.synthetic.scene_labels import (
    COLORS,
    MAX_SCENES,
    OBJECTS,
    SHAPES,
    read_labels,
    sample_labels,
    split_label,
)
from ganport_train.synthetic.solids import SOLIDS

TRAIN = {"a_0.png": ["red cube"], "a_1.png": ["red cube", "blue sphere"], "b.png": ["gray cube"]}


def written(folder: Path, table: object = TRAIN, **beside: object) -> Path:
    for name, value in {"train": table, **beside}.items():
        text = value if isinstance(value, str) else json.dumps(value)
        (folder / f"{name}.json").write_text(text)
    return folder / "train.json"


def test_sample_labels_balances_objects() -> None:
    images = sample_labels(2 * 72, seed=3).images
    assert list(images)[:4] == [
        "scene_000000_0.png",
        "scene_000000_1.png",
        "scene_000000_2.png",
        "scene_000001_0.png",
    ]
    for number in range(48):
        steps = [list(images[f"scene_{number:06}_{step}.png"]) for step in range(3)]
        assert [len(objects) for objects in steps] == [1, 2, 3]
        assert steps[1][:1] == steps[0]
        assert steps[2][:2] == steps[1]
    counts = Counter(label for name in images if "_2" in name[-6:] for label in images[name])
    assert counts == dict.fromkeys(OBJECTS, 6)


@pytest.mark.parametrize("seed", range(3))
def test_sample_labels_excludes_test_prompts(seed: int) -> None:
    labels = sample_labels(3000, seed)
    shown = {frozenset(objects) for objects in labels.images.values()}
    lists = [frozenset(objects) for test in labels.tests.values() for objects in test]
    assert list(labels.tests) == ["test.json", "new_test.json"]
    assert [len(test) for test in labels.tests.values()] == [32, 32]
    assert len(set(lists)) == 64
    assert {len(objects) for objects in lists} == {2, 3}
    assert not shown.intersection(lists)


def test_sample_labels_prefix_and_seed() -> None:
    short, long = sample_labels(10, 1), sample_labels(100, 1)
    assert list(long.images.items())[:10] == list(short.images.items())
    assert short.tests == long.tests
    assert sample_labels(10, 2).images != short.images
    assert sample_labels(10, 2).tests != short.tests


@pytest.mark.parametrize(("count", "seed"), [(0, 0), (MAX_SCENES + 1, 0), (1, -1)])
def test_sample_labels_out_of_range_raises(count: int, seed: int) -> None:
    with pytest.raises(GanportError, match="expected a whole number from"):
        sample_labels(count, seed)


def test_sample_labels_of_most_images_can_be_read(tmp_path: Path) -> None:
    labels = sample_labels(MAX_SCENES, 0)
    (tmp_path / iclevr.TRAIN).write_bytes(labels.tables()[iclevr.TRAIN])
    assert iclevr.read_images(FolderSource(tmp_path), iclevr.TRAIN) == labels.images


def test_read_labels_round_trip(tmp_path: Path) -> None:
    objects = {"blue sphere": 1, "red cube": 0, "gray cube": 2}
    path = written(tmp_path, objects=objects, test=[["red cube"]], new_test=[])
    tables = {name: json.loads(data) for name, data in read_labels(path).tables().items()}
    assert tables == {
        "train.json": TRAIN,
        "objects.json": objects,
        "test.json": [["red cube"]],
        "new_test.json": [],
    }
    assert list(tables["objects.json"]) == ["red cube", "blue sphere", "gray cube"]


def test_read_labels_single_file_uses_default_objects(tmp_path: Path) -> None:
    path = written(tmp_path).rename(tmp_path / "mine.json")
    labels = read_labels(path)
    assert list(labels.tables()) == ["train.json", "objects.json"]
    assert labels.objects == OBJECTS


def test_read_labels_count_limits_images(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert list(read_labels(path, 2).images) == ["a_0.png", "a_1.png"]
    with pytest.raises(GanportError, match="count: expected a whole number from 1 to 3; found 4"):
        read_labels(path, 4)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("{", "train.json: expected valid JSON"),
        ('{"a.png": ["red cube"], "a.png": ["red cube"]}', "twice in one object"),
        ([], "expected images and the objects in each; found []"),
        ({}, "train.json: expected images and the objects in each; found {}"),
        ({"a.png": "red cube"}, "entry 1, a.png: expected a list of 1 to 3 objects; found 'red"),
        ({"a.png": []}, "a list of 1 to 3 objects; found []"),
        ({"a.png": list(OBJECTS[:4])}, "a list of 1 to 3 objects; found ['gray cube', 'red"),
        ({"a.png": ["red cube"] * 2}, "expected distinct objects; found ['red cube', 'red cube']"),
        ({"b.png": ["red cub"]}, "entry 1, b.png: expected an object that can be drawn"),
        ({"b.png": ["red cub"]}, "found 'red cub'. Did you mean 'red cube'?"),
        ({"b.png": [["red cube"]]}, "found ['red cube']. Name a color and a shape."),
        ({"b.png": [3]}, "found 3. Name a color and a shape."),
        ({"a.PNG": ["red cube"]}, "expected a file name of letters, digits"),
        ({"a.png": ["red cube"], "A.png": ["red cube"]}, "more than their case; found two that"),
    ],
)
def test_read_labels_invalid_table_raises(tmp_path: Path, table: object, message: str) -> None:
    with pytest.raises(GanportError) as caught:
        read_labels(written(tmp_path, table))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "../a.png",
        "/a.png",
        "C:a.png",
        "x/a.png",
        "x\\a.png",
        ".a.png",
        ".png",
        "a.jpg",
        "a\n.png",
        "a.png\n",
        "ä.png",
        "a" * 201 + ".png",
        "",
    ],
)
def test_read_labels_unsafe_name_raises(tmp_path: Path, name: str) -> None:
    with pytest.raises(GanportError, match=r"a file name .* that ends in \.png; found "):
        read_labels(written(tmp_path, {name: ["red cube"]}))


@pytest.mark.parametrize(
    ("beside", "message"),
    [
        ({"objects": []}, "objects.json: expected objects and their indices; found []"),
        ({"objects": {"red cube": 1}}, "expected the indices 0 to 0, each once; found [1]"),
        ({"objects": {"red cube": True}}, "the indices 0 to 0, each once; found [True]"),
        ({"objects": {"pink cube": 0}}, "found 'pink cube'. Did you mean"),
        ({"objects": {"red cube": 0}}, "entry 2, a_1.png: expected an object that can be drawn"),
        ({"test": {}}, "test.json: expected at most 10,000 lists of objects; found {}"),
        ({"test": [["red cube"], ["red"]]}, "test.json: entry 2: expected an object that can be"),
        ({"new_test": [[]]}, "new_test.json: entry 1: expected a list of 1 to 3 objects"),
    ],
)
def test_read_labels_invalid_companion_file_raises(
    tmp_path: Path, beside: dict[str, object], message: str
) -> None:
    with pytest.raises(GanportError) as caught:
        read_labels(written(tmp_path, **beside))
    assert message in str(caught.value)


@pytest.mark.parametrize("path", ["", "no.json", "folder"])
def test_read_labels_unreadable_file_raises(tmp_path: Path, path: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(GanportError, match="expected a readable file; found "):
        read_labels(tmp_path / path)
    with pytest.raises(GanportError, match="found Is a directory"):
        read_labels(Path())


def test_read_labels_too_large_file_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "MAX_JSON", 20)
    with pytest.raises(GanportError, match=r"train\.json: expected at most 0 MiB"):
        read_labels(written(tmp_path))


def test_objects_follow_i_clevr_order() -> None:
    assert len(OBJECTS) == 24
    assert OBJECTS[:3] == ("gray cube", "red cube", "blue cube")
    assert OBJECTS[8] == "gray sphere"
    assert OBJECTS[21] == "purple cylinder"


def test_every_object_has_a_solid() -> None:
    assert set(SHAPES) == set(SOLIDS)
    assert [split_label(label) for label in OBJECTS] == [(c, s) for s in SHAPES for c in COLORS]
