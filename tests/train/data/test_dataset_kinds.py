"""Loads of every kind of data set but tagged faces, end to end."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import GanportWarning
from ganport_train.data import DataError, load_dataset

Files = dict[str, bytes]
Make = Callable[..., Image.Image]
Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GANPORT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


VECTORS = {
    "iclevr": ("multi_hot", [[1, 0, 0], [1, 1, 0], [0, 1, 0], [1, 1, 1], [0, 1, 0]]),
    "celeba": (
        "signed_multi_hot",
        [[1, 1, -1], [-1, 1, -1], [-1, -1, -1], [-1, 1, 1], [1, -1, -1]],
    ),
    "classes": ("one_hot", [[1, 0], [1, 0], [0, 1], [0, 1], [0, 1]]),
    "indexed": ("one_hot", [[1, 0], [0, 1], [1, 0], [0, 1], [1, 0]]),
}


@pytest.mark.parametrize("write", ["folder", "archive"])
@pytest.mark.parametrize("kind", VECTORS)
def test_every_kind_end_to_end(
    kinds: Callable[[str], Files],
    cache: Path,
    kind: str,
    write: str,
    request: pytest.FixtureRequest,
) -> None:
    path = request.getfixturevalue(write)(kinds(kind))
    data = load_dataset(path, resolution=16)
    form, vectors = VECTORS[kind]
    assert (data.kind, [group.kind for group in data.conditions.groups]) == (kind, [form])
    assert data.vectors.tolist() == vectors
    assert data.images.shape == (5, 16, 16, 3)
    assert data.issues == ()
    (entry,) = cache.iterdir()
    before = entry.stat().st_mtime_ns
    again = load_dataset(path, resolution=16, format=kind)
    np.testing.assert_array_equal(again.images, data.images)
    np.testing.assert_array_equal(again.vectors, data.vectors)
    assert (again.ids, again.test_prompts, again.kind) == (data.ids, data.test_prompts, kind)
    assert [entry.stat().st_mtime_ns for entry in cache.iterdir()] == [before]


@pytest.mark.parametrize("kind", VECTORS)
def test_only_scenes_are_squeezed_whole(
    kinds: Callable[[str], Files], folder: Write, picture: Make, kind: str
) -> None:
    whole = picture(0, (40, 32))
    square = whole if kind == "iclevr" else whole.crop((4, 0, 36, 32))
    expected = square.resize((16, 16), Image.Resampling.LANCZOS, reducing_gap=3.0)
    data = load_dataset(folder(kinds(kind)), resolution=16)
    np.testing.assert_array_equal(data.images[0], np.asarray(expected))


def test_test_lists_come_with_their_data(kinds: Callable[[str], Files], folder: Write) -> None:
    data = load_dataset(folder(kinds("iclevr")), resolution=16)
    assert data.test_prompts == {"test": [{"objects": ["cube", "cone"]}, {"objects": ["ball"]}]}
    assert data.conditions.encode_many(data.test_prompts["test"]).tolist() == [[1, 0, 1], [0, 1, 0]]


def test_the_pictures_of_a_scene_are_one_family(
    kinds: Callable[[str], Files], folder: Write
) -> None:
    data = load_dataset(folder(kinds("iclevr")), resolution=16)
    assert dict(zip(data.ids, data.families.tolist(), strict=True)) == {
        "a_0.png": 0,
        "a_1.png": 0,
        "b_0.png": 1,
        "a_2.png": 0,
        "c_0.png": 2,
    }


def test_a_split_keeps_scenes_together(
    picture: Make, encoded: Callable[..., bytes], folder: Write
) -> None:
    names = [f"{scene}_{step}.png" for scene in range(40) for step in range(3)]
    files = {name: encoded(picture(i, 16)) for i, name in enumerate(names)}
    table = {name: ["cube", "ball", "cone"][: int(name[-5]) + 1] for name in names}
    files |= {
        "train.json": json.dumps(table).encode(),
        "objects.json": b'{"cube": 0, "ball": 1, "cone": 2}',
    }
    data = load_dataset(folder(files), resolution=16)
    sides = [{data.ids[i].split("_")[0] for i in side} for side in data.split(0.25)]
    assert not sides[0] & sides[1]
    assert len(sides[0]) + len(sides[1]) == 40
    assert 4 <= len(sides[1]) <= 16


@pytest.mark.parametrize(("kind", "alike"), [("celeba", True), ("iclevr", False)])
def test_scenes_that_look_alike_are_no_copies(
    kinds: Callable[[str], Files],
    folder: Write,
    picture: Make,
    encoded: Callable[..., bytes],
    kind: str,
    alike: bool,
) -> None:
    files = kinds(kind)
    last = [name for name in files if name.endswith("png")][-1]
    files[last] = encoded(picture(0, (40, 32)).point(lambda level: level * 0.97))
    data = load_dataset(folder(files), resolution=16)
    assert (data.families[0] == data.families[-1]) == alike


def test_chosen_attributes_are_an_entry_of_their_own(
    kinds: Callable[[str], Files], folder: Write, cache: Path
) -> None:
    path = folder(kinds("celeba"))
    load_dataset(path, resolution=16)
    chosen = load_dataset(path, resolution=16, attributes=["Smiling", "Bald"])
    assert chosen.vectors.tolist() == [[1, 1], [1, -1], [-1, -1], [1, -1], [-1, 1]]
    pinned = load_dataset(path, resolution=16, conditions=chosen.conditions)
    assert pinned.conditions == chosen.conditions
    np.testing.assert_array_equal(pinned.vectors, chosen.vectors)
    assert len(list(cache.iterdir())) == 3


@pytest.mark.parametrize(
    ("labels", "vectors"),
    [
        (
            [[1, 0], [0, 0], [1, 1], [0, 1], [0, 1]],
            [[1, 0], [0, 0], [1, 1], [0, 1], [0, 1]],
        ),
        ([[0.5], [1], [2], [-1], [0]], [[0.5], [1], [2], [-1], [0]]),
        (None, [[], [], [], [], []]),
    ],
)
def test_other_labels_of_dataset_json(
    kinds: Callable[[str], Files], folder: Write, labels: Any, vectors: list[list[float]]
) -> None:
    entries = labels and [[f"00000/{i}.png", label] for i, label in enumerate(labels)]
    files = kinds("indexed") | {"dataset.json": json.dumps({"labels": entries}).encode()}
    data = load_dataset(folder(files), resolution=16)
    assert data.vectors.tolist() == vectors
    assert load_dataset(folder(files), resolution=16).conditions == data.conditions


@pytest.mark.parametrize(
    ("kind", "picture_name", "place"),
    [
        ("iclevr", "images/a_1.png", r"/train\.json \(images/a_1\.png\): "),
        ("celeba", "img_align_celeba/1.png", r"celeba\.txt:4 \(img_align_celeba/1\.png\): "),
        ("classes", "cat/1.png", r"/cat/1\.png: "),
        ("indexed", "00000/1.png", r"/dataset\.json \(00000/1\.png\): "),
    ],
)
def test_every_kind_names_a_broken_picture(
    kinds: Callable[[str], Files], folder: Write, kind: str, picture_name: str, place: str
) -> None:
    path = folder(kinds(kind) | {picture_name: b"no picture"})
    with pytest.raises(DataError, match=place + "expected a whole JPEG, PNG or WebP picture"):
        load_dataset(path, resolution=16)
    with pytest.warns(GanportWarning, match=place):
        assert len(load_dataset(path, resolution=16, skip_bad=True)) == 4


def test_conditions_of_another_kind_of_data(kinds: Callable[[str], Files], folder: Write) -> None:
    hair = Conditions.one_hots({"hair": ["pink"]})
    with pytest.raises(
        DataError,
        match=r"cat/0\.png: expected the condition groups of the recipe, hair; found class",
    ):
        load_dataset(folder(kinds("classes")), resolution=16, conditions=hair)


@pytest.mark.real
def test_the_real_attributes(tmp_path: Path) -> None:
    if "GANPORT_REAL_DATA" not in os.environ:
        pytest.skip("GANPORT_REAL_DATA, a folder, is not set")
    path = Path(os.environ["GANPORT_REAL_DATA"]) / "celeba-10k.zip"
    data = load_dataset(path, resolution=64, attributes=["Smiling", "Eyeglasses"], cache=tmp_path)
    assert data.images.shape == (10_000, 64, 64, 3)
    assert (data.vectors > 0).sum(axis=0).tolist() == [4_822, 674]
    assert data.issues == ()
