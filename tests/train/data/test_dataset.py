import multiprocessing
import os
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import GanportError, GanportWarning
from ganport_train.data import DataError, Dataset, load_dataset

Files = dict[str, bytes]
Make = Callable[..., Image.Image]
Write = Callable[..., Path]
PINNED = Conditions.one_hots({"hair": ["red", "pink", "blue"], "eyes": ["green", "black"]})


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GANPORT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def stamps(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}


def same(one: Dataset, other: Dataset) -> None:
    np.testing.assert_array_equal(one.images, other.images)
    np.testing.assert_array_equal(one.vectors, other.vectors)
    np.testing.assert_array_equal(one.families, other.families)
    np.testing.assert_array_equal(one.keys, other.keys)
    assert (one.ids, one.conditions, one.issues) == (other.ids, other.conditions, other.issues)


def test_a_data_set(faces: Callable[..., Files], folder: Write, picture: Make) -> None:
    data = load_dataset(folder(faces(6)), resolution=32)
    assert len(data) == 6
    assert data.images.shape == (6, 32, 32, 3)
    assert data.images.dtype == np.uint8
    assert isinstance(data.images, np.memmap)
    for i in range(6):
        np.testing.assert_array_equal(data.images[i], np.asarray(picture(i, 32)))
    assert data.ids == [str(i) for i in range(6)]
    assert [group.labels for group in data.conditions.groups] == [
        ("blue", "pink", "red"),
        ("black", "green"),
    ]
    assert data.vectors.dtype == np.float32
    assert data.vectors[:2].tolist() == [[0, 1, 0, 1, 0], [0, 0, 1, 0, 1]]
    assert data.families.tolist() == list(range(6))
    assert data.issues == ()


def test_a_zip_and_its_folder_are_the_same_data(
    faces: Callable[..., Files], folder: Write, archive: Write
) -> None:
    files = faces(6)
    same(load_dataset(folder(files), resolution=16), load_dataset(archive(files), resolution=16))


def test_a_pinned_vocabulary_sets_the_layout(faces: Callable[..., Files], folder: Write) -> None:
    data = load_dataset(folder(faces(2)), resolution=16, conditions=PINNED)
    assert data.conditions == PINNED
    assert data.vectors.tolist() == [[0, 1, 0, 0, 1], [1, 0, 0, 1, 0]]


def test_unconditional(faces: Callable[..., Files], folder: Write) -> None:
    data = load_dataset(folder(faces(3)), resolution=16, conditions=Conditions(()))
    assert data.vectors.shape == (3, 0)
    assert data.conditions.size == 0


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_the_second_load_decodes_nothing(
    faces: Callable[..., Files], cache: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(kind)(faces(4))
    first = load_dataset(path, resolution=16)
    before = stamps(cache)
    same(load_dataset(path, resolution=16), first)
    assert stamps(cache) == before
    load_dataset(path, resolution=8)
    load_dataset(path, resolution=16, conditions=PINNED)
    after = stamps(cache)
    assert {name: after[name] for name in before if name != str(cache)} == {
        name: stamp for name, stamp in before.items() if name != str(cache)
    }
    assert len(list(cache.iterdir())) == 3


def test_the_cache_can_be_elsewhere(
    faces: Callable[..., Files], folder: Write, cache: Path, tmp_path: Path
) -> None:
    load_dataset(folder(faces(2)), resolution=16, cache=tmp_path / "mine")
    assert (tmp_path / "mine").is_dir()
    assert not cache.exists()


def test_a_changed_source_is_decoded_again(faces: Callable[..., Files], folder: Write) -> None:
    path = folder(faces(4))
    first = load_dataset(path, resolution=16)
    folder(faces(4, first_seed=9))
    assert not np.array_equal(load_dataset(path, resolution=16).images, first.images)


def test_a_torn_cache_is_written_again(
    faces: Callable[..., Files], folder: Write, cache: Path
) -> None:
    path = folder(faces(4))
    first = load_dataset(path, resolution=16)
    images = next(cache.rglob("images.u8"))
    expected = np.array(first.images)
    images.unlink()  # the mapped file stays whole for who has it open
    images.write_bytes(expected.tobytes()[:-1])
    np.testing.assert_array_equal(load_dataset(path, resolution=16).images, expected)


def break_one(files: Files, name: str) -> Files:
    changes: dict[str, Files] = {
        "picture": {"images/2.png": files["images/2.png"][:200]},
        "label": {"tags.csv": files["tags.csv"].replace(b"2,blue", b"2,bleu")},
        "grammar": {"tags.csv": files["tags.csv"].replace(b"2,blue hair", b"2,blue")},
        "missing": {"tags.csv": files["tags.csv"] + b"9,red hair black eyes\n"},
        "twice": {"tags.csv": files["tags.csv"] + b"2,red hair black eyes\n"},
        "outside": {"../evil.png": b""},
    }
    return files | changes[name]


FAULTS = {
    "picture": r"tags\.csv:3 \(images/2\.png\): expected a whole JPEG, PNG or WebP picture; found "
    r"one that cannot be decoded \(.*\)\. Replace the picture or remove it and its line\.",
    "label": r"tags\.csv:3 \(images/2\.png\): expected one of .* \(condition 'hair'\); found "
    r"'bleu'\. Did you mean 'blue'\?",
    "grammar": r"tags\.csv:3: expected pairs of a label and its group",
    "missing": r"tags\.csv:7: expected one picture images/9\.jpg, .* found none\.",
    "twice": r"tags\.csv:7: expected each ID once; found '2' again, after line 3\.",
    "outside": r"/\.\./evil\.png: expected a relative name .* which climbs out of the data set\.",
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_stops_a_strict_load_and_writes_nothing(
    faces: Callable[..., Files], archive: Write, cache: Path, name: str
) -> None:
    path = archive(break_one(faces(6), name))
    with pytest.raises(DataError, match=FAULTS[name]) as caught:
        load_dataset(path, resolution=16, conditions=PINNED)
    assert isinstance(caught.value, GanportError)
    assert str(caught.value).startswith(str(path))
    assert not cache.exists() or list(cache.iterdir()) == []


def test_a_load_that_stops_leaves_no_warning_filters_behind(
    faces: Callable[..., Files], folder: Write
) -> None:
    path = folder(faces(3) | {"images/1.png": b"no picture"})
    filters = list(warnings.filters)
    with pytest.raises(DataError) as caught:
        load_dataset(path, resolution=16)
    # As long as somebody holds the error, nothing it went through is collected.
    assert caught.tb is not None
    assert warnings.filters == filters


@pytest.mark.parametrize("name", FAULTS)
def test_skip_bad_goes_on_and_reports(
    faces: Callable[..., Files], archive: Write, name: str, picture: Make
) -> None:
    path = archive(break_one(faces(6), name))
    with pytest.warns(GanportWarning, match=FAULTS[name]):
        data = load_dataset(path, resolution=32, conditions=PINNED, skip_bad=True)
    assert len(data.issues) == 1
    kept = [0, 1, 3, 4, 5] if name in ("picture", "label", "grammar") else [0, 1, 2, 3, 4, 5]
    assert data.ids == [str(i) for i in kept]
    np.testing.assert_array_equal(data.images, [np.asarray(picture(i, 32)) for i in kept])
    assert data.vectors.shape == (len(kept), PINNED.size)
    # What was left out is not forgotten by the cache.
    with pytest.warns(GanportWarning, match=FAULTS[name]):
        same(load_dataset(path, resolution=32, conditions=PINNED, skip_bad=True), data)
    with pytest.raises(DataError, match=FAULTS[name]):
        load_dataset(path, resolution=32, conditions=PINNED)


def test_an_untagged_picture_is_a_warning(faces: Callable[..., Files], folder: Write) -> None:
    files = faces(3)
    path = folder(files | {"images/x.png": files["images/0.png"]})
    with pytest.warns(GanportWarning, match=r"images/x\.png: expected a line for 'x'"):
        assert load_dataset(path, resolution=16).ids == ["0", "1", "2"]


def test_many_problems_are_summed_up(faces: Callable[..., Files], folder: Write) -> None:
    files = faces(30)
    path = folder(files | {"tags.csv": files["tags.csv"][: files["tags.csv"].index(b"2,")]})
    with pytest.warns(GanportWarning, match=r"issues, 28; (?s:.*)and 8 more"):
        load_dataset(path, resolution=16)


def test_nothing_left(faces: Callable[..., Files], folder: Write, cache: Path) -> None:
    files = {name: b"" if name.endswith("png") else data for name, data in faces(2).items()}
    with pytest.raises(DataError, match=r"expected at least one picture .* The first issue: "):
        load_dataset(folder(files), resolution=16, skip_bad=True)
    assert list(cache.iterdir()) == []


def test_other_groups_than_the_recipe_has(faces: Callable[..., Files], folder: Write) -> None:
    hats = Conditions.one_hots({"hair": ["pink"], "hat": ["none"]})
    with pytest.raises(DataError, match=r"groups of the recipe, hair, hat; found hair, eyes"):
        load_dataset(folder(faces(2)), resolution=16, conditions=hats)


@pytest.mark.parametrize("resolution", [0, -1, 5000])
def test_a_resolution_that_is_none(tmp_path: Path, resolution: int) -> None:
    with pytest.raises(DataError, match="expected a number of pixels from 1 to 4096"):
        load_dataset(tmp_path, resolution=resolution)


def test_a_cache_that_cannot_be_written(
    faces: Callable[..., Files], folder: Write, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"a folder that can be written to.*Set GANPORT_CACHE"):
        load_dataset(folder(faces(2)), resolution=16, cache=tmp_path / "file")


def test_mirrored_and_near_identical_pictures_fall_on_one_side(
    faces: Callable[..., Files], folder: Write, picture: Make, encoded: Callable[..., bytes]
) -> None:
    files = faces(40, 64)
    lines = files["tags.csv"].decode()
    for i in range(40):
        image = picture(i, 64)
        files[f"images/m{i}.png"] = encoded(ImageOps.mirror(image))
        files[f"images/j{i}.jpg"] = encoded(image, "JPEG", quality=80)
        lines += f"m{i},red hair black eyes\nj{i},red hair black eyes\n"
    data = load_dataset(folder(files | {"tags.csv": lines.encode()}), resolution=32)
    train, held = data.split(0.3)
    assert len(held) > 0
    for side in (train, held):
        names = {data.ids[i].lstrip("mj") for i in side}
        assert len(side) == 3 * len(names)


def sides(data: Dataset) -> dict[str, bool]:
    train, held = data.split(0.3)
    return {data.ids[i]: False for i in train} | {data.ids[i]: True for i in held}


def test_the_split_outlives_other_order_other_pictures_and_other_resolution(
    faces: Callable[..., Files], folder: Write
) -> None:
    files = faces(40)
    first = sides(load_dataset(folder(files), resolution=16))
    assert 0 < sum(first.values()) < 40
    backwards = b"".join(files["tags.csv"].splitlines(keepends=True)[::-1])
    assert sides(load_dataset(folder(files | {"tags.csv": backwards}), resolution=16)) == first
    assert sides(load_dataset(folder(files), resolution=8)) == first
    more = sides(load_dataset(folder(faces(60)), resolution=16))
    assert {name: more[name] for name in first} == first


def test_writers_at_the_same_time_do_not_disturb_each_other(
    faces: Callable[..., Files], folder: Write, cache: Path
) -> None:
    path = folder(faces(60))
    context = multiprocessing.get_context("spawn")
    # Nobody begins before all three are there.
    with ProcessPoolExecutor(3, context, context.Barrier(3).wait) as pool:
        writers = [
            pool.submit(load_dataset, path, resolution=32, cache=cache, progress=False)
            for _ in range(3)
        ]
        found = [writer.result() for writer in writers]
    expected = load_dataset(path, resolution=32)
    for result in found:
        np.testing.assert_array_equal(result.images, expected.images)
        assert result.ids == expected.ids
    assert len(list(cache.iterdir())) == 1


@pytest.mark.real
def test_the_real_set(tmp_path: Path) -> None:
    if "GANPORT_REAL_DATA" not in os.environ:
        pytest.skip("GANPORT_REAL_DATA, a folder, is not set")
    path = Path(os.environ["GANPORT_REAL_DATA"]) / "anime-faces.zip"
    data = load_dataset(path, resolution=64, cache=tmp_path)
    assert data.images.shape == (15_704, 64, 64, 3)
    assert [group.size for group in data.conditions.groups] == [12, 10]
    assert data.families.max() == 15_703
    assert data.issues == ()
    train, held = data.split()
    assert len(held) / len(data) == pytest.approx(0.05, abs=0.005)
    assert len(train) + len(held) == len(data)
