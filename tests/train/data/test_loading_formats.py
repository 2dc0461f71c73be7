"""Loads of every kind of dataset but tagged images, end to end."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganport_runtime.errors import GanportWarning
from ganport_train.data import DataError, load_dataset

Files = dict[str, bytes]
MakeFiles = Callable[..., Files]
Make = Callable[..., Image.Image]
Write = Callable[..., Path]


VECTORS = {
    "iclevr": ("multi_hot", [[1, 0, 0], [1, 1, 0], [0, 1, 0], [1, 1, 1], [0, 1, 0]]),
    "celeba": (
        "signed_multi_hot",
        [[1, 1, -1], [-1, 1, -1], [-1, -1, -1], [-1, 1, 1], [1, -1, -1]],
    ),
    "image_folder": ("one_hot", [[1, 0], [1, 0], [0, 1], [0, 1], [0, 1]]),
    "stylegan_json": ("one_hot", [[1, 0], [0, 1], [1, 0], [0, 1], [1, 0]]),
}


@pytest.mark.parametrize("write", ["write_folder", "write_zip"])
@pytest.mark.parametrize("kind", VECTORS)
def test_load_dataset_every_format(
    format_files: MakeFiles,
    cache: Path,
    kind: str,
    write: str,
    request: pytest.FixtureRequest,
) -> None:
    path = request.getfixturevalue(write)(format_files(kind))
    data = load_dataset(path, resolution=16)
    form, vectors = VECTORS[kind]
    assert (data.format, [group.kind for group in data.conditions.groups]) == (kind, [form])
    assert data.vectors.tolist() == vectors
    assert data.images.shape == (5, 16, 16, 3)
    assert data.issues == ()
    (entry,) = cache.iterdir()
    before = entry.stat().st_mtime_ns
    again = load_dataset(path, resolution=16, format=kind)
    np.testing.assert_array_equal(again.images, data.images)
    np.testing.assert_array_equal(again.vectors, data.vectors)
    assert (again.ids, again.test_prompts, again.format) == (data.ids, data.test_prompts, kind)
    assert [entry.stat().st_mtime_ns for entry in cache.iterdir()] == [before]


@pytest.mark.parametrize("kind", VECTORS)
def test_load_dataset_framing_of_format(
    format_files: MakeFiles, write_folder: Write, make_image: Make, kind: str
) -> None:
    whole = make_image(0, (40, 32))
    square = whole if kind == "iclevr" else whole.crop((4, 0, 36, 32))
    expected = square.resize((16, 16), Image.Resampling.LANCZOS, reducing_gap=3.0)
    data = load_dataset(write_folder(format_files(kind)), resolution=16)
    np.testing.assert_array_equal(data.images[0], np.asarray(expected))


def test_load_dataset_returns_test_prompts(format_files: MakeFiles, write_folder: Write) -> None:
    data = load_dataset(write_folder(format_files("iclevr")), resolution=16)
    assert data.test_prompts == {"test": [{"objects": ["cube", "cone"]}, {"objects": ["ball"]}]}
    assert data.conditions.encode_many(data.test_prompts["test"]).tolist() == [[1, 0, 1], [0, 1, 0]]


def test_load_dataset_scene_is_one_group(format_files: MakeFiles, write_folder: Write) -> None:
    data = load_dataset(write_folder(format_files("iclevr")), resolution=16)
    assert dict(zip(data.ids, data.duplicate_groups.tolist(), strict=True)) == {
        "a_0.png": 0,
        "a_1.png": 0,
        "b_0.png": 1,
        "a_2.png": 0,
        "c_0.png": 2,
    }


def test_split_keeps_scenes_together(
    make_image: Make, encode: Callable[..., bytes], write_folder: Write
) -> None:
    names = [f"{scene}_{step}.png" for scene in range(40) for step in range(3)]
    files = {name: encode(make_image(i, 16)) for i, name in enumerate(names)}
    table = {name: ["cube", "ball", "cone"][: int(name[-5]) + 1] for name in names}
    files |= {
        "train.json": json.dumps(table).encode(),
        "objects.json": b'{"cube": 0, "ball": 1, "cone": 2}',
    }
    data = load_dataset(write_folder(files), resolution=16)
    sides = [{data.ids[i].split("_")[0] for i in side} for side in data.split(0.25)]
    assert not sides[0] & sides[1]
    assert len(sides[0]) + len(sides[1]) == 40
    assert 4 <= len(sides[1]) <= 16


@pytest.mark.parametrize(("kind", "alike"), [("celeba", True), ("iclevr", False)])
def test_load_dataset_shared_scene_ignores_near_duplicates(
    format_files: MakeFiles,
    write_folder: Write,
    make_image: Make,
    encode: Callable[..., bytes],
    kind: str,
    alike: bool,
) -> None:
    files = format_files(kind)
    last = [name for name in files if name.endswith("png")][-1]
    files[last] = encode(make_image(0, (40, 32)).point(lambda level: level * 0.97))
    data = load_dataset(write_folder(files), resolution=16)
    assert (data.duplicate_groups[0] == data.duplicate_groups[-1]) == alike


def test_load_dataset_selected_attributes_use_own_cache_entry(
    format_files: MakeFiles, write_folder: Write, cache: Path
) -> None:
    path = write_folder(format_files("celeba"))
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
def test_load_dataset_every_label_type_of_dataset_json(
    format_files: MakeFiles,
    write_folder: Write,
    labels: Any,
    vectors: list[list[float]],
) -> None:
    entries = labels and [[f"00000/{i}.png", label] for i, label in enumerate(labels)]
    files = format_files("stylegan_json") | {
        "dataset.json": json.dumps({"labels": entries}).encode()
    }
    data = load_dataset(write_folder(files), resolution=16)
    assert data.vectors.tolist() == vectors
    assert load_dataset(write_folder(files), resolution=16).conditions == data.conditions


@pytest.mark.parametrize(
    ("kind", "image_name", "place"),
    [
        ("iclevr", "images/a_1.png", r"/train\.json \(images/a_1\.png\): "),
        ("celeba", "img_align_celeba/1.png", r"celeba\.txt:4 \(img_align_celeba/1\.png\): "),
        ("image_folder", "cat/1.png", r"/cat/1\.png: "),
        ("stylegan_json", "00000/1.png", r"/dataset\.json \(00000/1\.png\): "),
    ],
)
def test_load_dataset_corrupt_image_names_location(
    format_files: MakeFiles,
    write_folder: Write,
    kind: str,
    image_name: str,
    place: str,
) -> None:
    path = write_folder(format_files(kind) | {image_name: b"no image"})
    with pytest.raises(DataError, match=place + "expected a complete JPEG, PNG, WebP, "):
        load_dataset(path, resolution=16)
    with pytest.warns(GanportWarning, match=place):
        assert len(load_dataset(path, resolution=16, skip_bad=True)) == 4


@pytest.mark.real
def test_load_dataset_real_attributes(tmp_path: Path) -> None:
    if "GANPORT_REAL_DATA" not in os.environ:
        pytest.skip("GANPORT_REAL_DATA, a folder, is not set")
    path = Path(os.environ["GANPORT_REAL_DATA"]) / "celeba-10k.zip"
    data = load_dataset(path, resolution=64, attributes=["Smiling", "Eyeglasses"], cache=tmp_path)
    assert data.images.shape == (10_000, 64, 64, 3)
    assert (data.vectors > 0).sum(axis=0).tolist() == [4_822, 674]
    assert data.issues == ()


def test_load_dataset_of_ten_images_never_holds_out_the_only_image_of_a_class(
    make_image: Callable[..., Image.Image],
    encode: Callable[..., bytes],
    write_folder: Write,
    tmp_path: Path,
) -> None:
    files = {f"cat/{i}.png": encode(make_image(i)) for i in range(9)}
    path = write_folder(files | {"dog/0.png": encode(make_image(9))})
    dataset = load_dataset(path, resolution=16, cache=tmp_path / "cache")
    for fraction in (0.05, 0.5, 0.9):
        train, held = dataset.split(fraction)
        assert "dog/0.png" in [dataset.ids[row] for row in train]
        assert len(train) + len(held) == 10
    (warning,) = dataset.size_warnings(np.arange(10))
    assert "only 10 training images" in warning
