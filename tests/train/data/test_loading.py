import json
import multiprocessing
import os
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import GanportError, GanportWarning
from ganport_runtime.files import sha256_of
from ganport_train.data import DataError, Dataset, load_dataset

Files = dict[str, bytes]
MakeFiles = Callable[..., Files]
Make = Callable[..., Image.Image]
Write = Callable[..., Path]
PINNED = Conditions.one_hots({"hair": ["red", "pink", "blue"], "eyes": ["green", "black"]})


def stamps(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}


def same(one: Dataset, other: Dataset) -> None:
    np.testing.assert_array_equal(one.images, other.images)
    np.testing.assert_array_equal(one.vectors, other.vectors)
    np.testing.assert_array_equal(one.duplicate_groups, other.duplicate_groups)
    np.testing.assert_array_equal(one.split_keys, other.split_keys)
    assert (one.ids, one.conditions, one.issues) == (other.ids, other.conditions, other.issues)


def test_load_dataset_tagged_folder_returns_all_fields(
    tagged_files: MakeFiles, write_folder: Write, make_image: Make
) -> None:
    data = load_dataset(write_folder(tagged_files(6)), resolution=32)
    assert len(data) == 6
    assert data.images.shape == (6, 32, 32, 3)
    assert data.images.dtype == np.uint8
    assert isinstance(data.images, np.memmap)
    for i in range(6):
        np.testing.assert_array_equal(data.images[i], np.asarray(make_image(i, 32)))
    assert data.ids == [str(i) for i in range(6)]
    assert [group.labels for group in data.conditions.groups] == [
        ("blue", "pink", "red"),
        ("black", "green"),
    ]
    assert data.vectors.dtype == np.float32
    assert data.vectors[:2].tolist() == [[0, 1, 0, 1, 0], [0, 0, 1, 0, 1]]
    assert data.duplicate_groups.tolist() == list(range(6))
    assert data.issues == ()


def test_load_dataset_zip_equals_folder(
    tagged_files: MakeFiles, write_folder: Write, write_zip: Write
) -> None:
    files = tagged_files(6)
    same(
        load_dataset(write_folder(files), resolution=16),
        load_dataset(write_zip(files), resolution=16),
    )


def test_load_dataset_fixed_conditions_set_layout(
    tagged_files: MakeFiles, write_folder: Write
) -> None:
    data = load_dataset(write_folder(tagged_files(2)), resolution=16, conditions=PINNED)
    assert data.conditions == PINNED
    assert data.vectors.tolist() == [[0, 1, 0, 0, 1], [1, 0, 0, 1, 0]]


def test_load_dataset_without_groups_has_empty_vectors(
    tagged_files: MakeFiles, write_folder: Write
) -> None:
    data = load_dataset(write_folder(tagged_files(3)), resolution=16, conditions=Conditions(()))
    assert data.vectors.shape == (3, 0)
    assert data.conditions.size == 0


@pytest.mark.parametrize("kind", ["write_folder", "write_zip"])
def test_load_dataset_twice_uses_cache(
    tagged_files: MakeFiles, cache: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(kind)(tagged_files(4))
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


def test_load_dataset_cache_argument_sets_folder(
    tagged_files: MakeFiles, write_folder: Write, cache: Path, tmp_path: Path
) -> None:
    load_dataset(write_folder(tagged_files(2)), resolution=16, cache=tmp_path / "mine")
    assert (tmp_path / "mine").is_dir()
    assert not cache.exists()


def test_load_dataset_changed_source_decodes_again(
    tagged_files: MakeFiles, write_folder: Write
) -> None:
    path = write_folder(tagged_files(4))
    first = load_dataset(path, resolution=16)
    write_folder(tagged_files(4, first_seed=9))
    assert not np.array_equal(load_dataset(path, resolution=16).images, first.images)


def test_load_dataset_corrupt_cache_is_rewritten(
    tagged_files: MakeFiles, write_folder: Write, cache: Path
) -> None:
    path = write_folder(tagged_files(4))
    first = load_dataset(path, resolution=16)
    images = next(cache.rglob("images.u8"))
    expected = np.array(first.images)
    images.unlink()  # an open memory map keeps the old file
    images.write_bytes(expected.tobytes()[:-1])
    np.testing.assert_array_equal(load_dataset(path, resolution=16).images, expected)


def test_load_dataset_entry_of_another_version_is_rewritten(
    tagged_files: MakeFiles, write_folder: Write, cache: Path
) -> None:
    path = write_folder(tagged_files(4))
    first = load_dataset(path, resolution=16)
    index = next(cache.rglob("index.json"))
    content = json.loads(index.read_text())
    del content["metadata"]["test_prompts"]
    index.write_text(json.dumps(content, sort_keys=True, separators=(",", ":")))
    index.with_suffix(".sha256").write_text(sha256_of(index))
    same(load_dataset(path, resolution=16), first)
    assert json.loads(index.read_text())["metadata"]["test_prompts"] == {}


def break_one(files: Files, name: str) -> Files:
    changes: dict[str, Files] = {
        "image": {"images/2.png": files["images/2.png"][:200]},
        "label": {"tags.csv": files["tags.csv"].replace(b"2,blue", b"2,bleu")},
        "grammar": {"tags.csv": files["tags.csv"].replace(b"2,blue hair", b"2,blue")},
        "missing": {"tags.csv": files["tags.csv"] + b"9,red hair black eyes\n"},
        "twice": {"tags.csv": files["tags.csv"] + b"2,red hair black eyes\n"},
        "outside": {"../evil.png": b""},
    }
    return files | changes[name]


FAULTS = {
    "image": r"tags\.csv:3 \(images/2\.png\): expected a complete JPEG, PNG, WebP, .* image; found "
    r"one that cannot be decoded \(.*\)\. Replace the image or remove it and its line\.",
    "label": r"tags\.csv:3 \(images/2\.png\): expected one of .* \(condition 'hair'\); found "
    r"'bleu'\. Did you mean 'blue'\?",
    "grammar": r"tags\.csv:3: expected pairs of a label and its group",
    "missing": r"tags\.csv:7: expected one image '9', .* found none\.",
    "twice": r"tags\.csv:7: expected each ID once; found '2' again, after line 3\.",
    "outside": r"/\.\./evil\.png: expected a relative name .* which leaves the dataset\.",
}


@pytest.mark.parametrize("name", FAULTS)
def test_load_dataset_strict_error_raises_and_writes_nothing(
    tagged_files: MakeFiles, write_zip: Write, cache: Path, name: str
) -> None:
    path = write_zip(break_one(tagged_files(6), name))
    with pytest.raises(DataError, match=FAULTS[name]) as caught:
        load_dataset(path, resolution=16, conditions=PINNED)
    assert isinstance(caught.value, GanportError)
    assert str(caught.value).startswith(str(path))
    assert not cache.exists() or list(cache.iterdir()) == []


def test_load_dataset_error_restores_warning_filters(
    tagged_files: MakeFiles, write_folder: Write
) -> None:
    path = write_folder(tagged_files(3) | {"images/1.png": b"no image"})
    filters = list(warnings.filters)
    with pytest.raises(DataError) as caught:
        load_dataset(path, resolution=16)
    # The error keeps its frames alive, so an open generator would still hold the filters.
    assert caught.tb is not None
    assert warnings.filters == filters


@pytest.mark.parametrize("name", FAULTS)
def test_load_dataset_skip_bad_drops_entry_and_warns(
    tagged_files: MakeFiles, write_zip: Write, name: str, make_image: Make
) -> None:
    path = write_zip(break_one(tagged_files(6), name))
    with pytest.warns(GanportWarning, match=FAULTS[name]):
        data = load_dataset(path, resolution=32, conditions=PINNED, skip_bad=True)
    assert len(data.issues) == 1
    kept = [0, 1, 3, 4, 5] if name in ("image", "label", "grammar") else [0, 1, 2, 3, 4, 5]
    assert data.ids == [str(i) for i in kept]
    np.testing.assert_array_equal(data.images, [np.asarray(make_image(i, 32)) for i in kept])
    assert data.vectors.shape == (len(kept), PINNED.size)
    # The cache keeps the issues of the entries that it leaves out.
    with pytest.warns(GanportWarning, match=FAULTS[name]):
        same(load_dataset(path, resolution=32, conditions=PINNED, skip_bad=True), data)
    with pytest.raises(DataError, match=FAULTS[name]):
        load_dataset(path, resolution=32, conditions=PINNED)


def test_load_dataset_unlabeled_image_warns(tagged_files: MakeFiles, write_folder: Write) -> None:
    files = tagged_files(3)
    path = write_folder(files | {"images/x.png": files["images/0.png"]})
    with pytest.warns(GanportWarning, match=r"images/x\.png: expected an entry in tags"):
        assert load_dataset(path, resolution=16).ids == ["0", "1", "2"]


def test_load_dataset_many_issues_are_summarized(
    tagged_files: MakeFiles, write_folder: Write
) -> None:
    files = tagged_files(30)
    path = write_folder(files | {"tags.csv": files["tags.csv"][: files["tags.csv"].index(b"2,")]})
    with pytest.warns(GanportWarning, match=r"28 issues; (?s:.*)27 more of this kind"):
        load_dataset(path, resolution=16)


def test_load_dataset_shows_some_kinds_of_issues(
    tagged_files: MakeFiles, write_folder: Write
) -> None:
    extensions = (
        "psd xcf kra ora svg eps pdf exr hdr dds jxl jp2 qoi nef arw dng ico pcx ppm sgi mp4"
    )
    others = {f"images/x.{extension}": b"" for extension in extensions.split()}
    with pytest.warns(GanportWarning, match=r"21 issues; (?s:.*)\n  and 1 other kinds$"):
        load_dataset(write_folder(tagged_files(3) | others), resolution=16)


def test_load_dataset_no_usable_image_raises(
    tagged_files: MakeFiles, write_folder: Write, cache: Path
) -> None:
    files = {name: b"" if name.endswith("png") else data for name, data in tagged_files(2).items()}
    with pytest.raises(
        DataError, match=r"expected at least one usable image; found none.*images/0\.png"
    ):
        load_dataset(write_folder(files), resolution=16, skip_bad=True)
    assert list(cache.iterdir()) == []


def test_load_dataset_other_groups_raise(tagged_files: MakeFiles, write_folder: Write) -> None:
    hats = Conditions.one_hots({"hair": ["pink"], "hat": ["none"]})
    with pytest.raises(DataError, match=r"groups of the recipe, hair, hat; found hair, eyes"):
        load_dataset(write_folder(tagged_files(2)), resolution=16, conditions=hats)


@pytest.mark.parametrize("resolution", [0, -1, 5000, (64, 5000)])
def test_load_dataset_invalid_resolution_raises(
    tmp_path: Path, resolution: int | tuple[int, int]
) -> None:
    with pytest.raises(DataError, match="expected a number of pixels from 1 to 4096"):
        load_dataset(tmp_path, resolution=resolution)


def test_load_dataset_unwritable_cache_raises(
    tagged_files: MakeFiles, write_folder: Write, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"^cache folder .*expected a writable folder"):
        load_dataset(write_folder(tagged_files(2)), resolution=16, cache=tmp_path / "file")


def test_load_dataset_concurrent_writers_agree(
    tagged_files: MakeFiles, write_folder: Write, cache: Path
) -> None:
    path = write_folder(tagged_files(60))
    context = multiprocessing.get_context("spawn")
    # The barrier starts all three writers together.
    with ProcessPoolExecutor(3, context, context.Barrier(3).wait) as pool:
        writers = [pool.submit(load_dataset, path, resolution=32, cache=cache) for _ in range(3)]
        found = [writer.result() for writer in writers]
    expected = load_dataset(path, resolution=32)
    for result in found:
        np.testing.assert_array_equal(result.images, expected.images)
        assert result.ids == expected.ids
    assert len(list(cache.iterdir())) == 1


@pytest.mark.real
def test_load_dataset_real_faces(tmp_path: Path) -> None:
    if "GANPORT_REAL_DATA" not in os.environ:
        pytest.skip("GANPORT_REAL_DATA, a folder, is not set")
    path = Path(os.environ["GANPORT_REAL_DATA"]) / "anime-faces.zip"
    data = load_dataset(path, resolution=64, cache=tmp_path)
    assert data.images.shape == (15_704, 64, 64, 3)
    assert [group.size for group in data.conditions.groups] == [12, 10]
    assert data.duplicate_groups.max() == 15_703
    assert data.issues == ()
    train, held = data.split()
    assert len(held) / len(data) == pytest.approx(0.05, abs=0.005)
    assert len(train) + len(held) == len(data)
