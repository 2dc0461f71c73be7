"""Datasets of drawn faces: format, reproducible bytes, errors, atomic writes."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganport_runtime.errors import GanportError
from ganport_train.synthetic import datasets
from ganport_train.synthetic.faces import draw_face
from ganport_train.synthetic.writer import (
    MAX_SPRITES,
    balanced_labels,
    image_seed,
    write_faces,
    write_sprites,
)


def _fail_after_one(error: BaseException, images: Iterator[bytes], *_: object) -> Iterator[bytes]:
    yield next(images)
    raise error


def test_write_faces_zip_has_tags_and_images(tmp_path: Path) -> None:
    write_faces(tmp_path / "faces.zip", 8, 32, seed=3)
    with zipfile.ZipFile(tmp_path / "faces.zip") as archive:
        names = ["tags.csv", *(f"images/{i}.png" for i in range(8))]
        assert archive.namelist() == names
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        lines = archive.read("tags.csv").decode().splitlines()
        hair, eyes = balanced_labels(3, 7)
        assert lines[7] == f"7,{hair} hair {eyes} eyes"
        face = Image.open(io.BytesIO(archive.read("images/7.png")))
        assert face.format == "PNG"
        assert (np.asarray(face) == np.asarray(draw_face(image_seed(3, 7), hair, eyes, 32))).all()


@pytest.mark.parametrize("write", [write_faces, write_sprites])
def test_write_images_do_not_depend_on_workers_and_count(
    tmp_path: Path, write: Callable[..., None]
) -> None:
    write(tmp_path / "one.zip", 40, 32, seed=3)
    write(tmp_path / "two.zip", 40, 32, seed=3, workers=2)
    assert (tmp_path / "two.zip").read_bytes() == (tmp_path / "one.zip").read_bytes()
    write(tmp_path / "short", 5, 32, seed=3)
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        for i in range(5):
            name = f"images/{i}.png"
            assert (tmp_path / "short" / name).read_bytes() == archive.read(name)
        tags = (tmp_path / "short" / "tags.csv").read_text()
        assert archive.read("tags.csv").decode().startswith(tags)


def test_balanced_labels_cover_pairs_equally() -> None:
    counts = Counter(balanced_labels(11, index) for index in range(300))
    assert len(counts) == 120
    assert set(counts.values()) == {2, 3}
    assert [balanced_labels(11, i) for i in range(120)] != [
        balanced_labels(12, i) for i in range(120)
    ]


@pytest.mark.parametrize(
    ("write", "change", "message"),
    [
        (write_faces, {"count": 0}, "count: expected a whole number from 1 to 1000000; found 0"),
        (write_faces, {"size": 15}, "size: expected a whole number from 16 to 512; found 15"),
        (write_faces, {"size": 513}, "size: expected a whole number from 16 to 512; found 513"),
        (write_faces, {"seed": -1}, "seed: expected a whole number from 0 to"),
        (write_faces, {"workers": 0}, "workers: expected a whole number from 1 to 256; found 0"),
        (write_sprites, {"count": 0}, "count: expected a whole number from 1 to 600000; found 0"),
        (write_sprites, {"count": MAX_SPRITES + 1}, "count: expected a whole number from 1 to"),
        (write_sprites, {"size": 33}, "size: expected 32 or 48; found 33"),
        (write_sprites, {"seed": -1}, "seed: expected a whole number from 0 to"),
    ],
)
def test_write_out_of_range_raises(
    tmp_path: Path, write: Callable[..., None], change: dict[str, int], message: str
) -> None:
    numbers = {"count": 2, "size": 32} | change
    with pytest.raises(GanportError, match=message):
        write(tmp_path / "x.zip", **numbers)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["faces.zip", "faces"])
def test_write_faces_existing_output_needs_replace(tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    write_faces(out, 2, 16)
    with pytest.raises(GanportError, match="expected an unused name; found a f"):
        write_faces(out, 3, 16)
    write_faces(out, 3, 16, replace=True)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    tags = (
        zipfile.ZipFile(out).read("tags.csv") if out.is_file() else (out / "tags.csv").read_bytes()
    )
    assert len(tags.splitlines()) == 3


def test_write_faces_never_replaces_other_folder(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(GanportError, match="found a folder of something else"):
        write_faces(tmp_path, 1, 16, replace=True)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_write_faces_never_replaces_other_type(tmp_path: Path) -> None:
    (tmp_path / "x.zip").mkdir()
    with pytest.raises(
        GanportError, match="expected a zip of tagged faces to replace; found a fol"
    ):
        write_faces(tmp_path / "x.zip", 1, 16, replace=True)
    (tmp_path / "notes").write_text("keep me")
    with pytest.raises(
        GanportError, match=r"expected a folder of tagged faces .* found another fil"
    ):
        write_faces(tmp_path / "notes", 1, 16, replace=True)
    assert (tmp_path / "notes").read_text() == "keep me"


def test_write_faces_missing_folder_raises(tmp_path: Path) -> None:
    with pytest.raises(GanportError, match="expected an existing folder"):
        write_faces(tmp_path / "no" / "x.zip", 1, 16)


@pytest.mark.parametrize("name", ["faces.zip", "faces"])
def test_write_faces_interrupted_leaves_nothing(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "track", partial(_fail_after_one, KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        write_faces(tmp_path / name, 3, 16)
    assert not list(tmp_path.iterdir())


def test_write_faces_failed_replacement_keeps_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "faces.zip"
    write_faces(out, 2, 16)
    before = out.read_bytes()
    full = OSError(28, "No space left on device")
    monkeypatch.setattr(datasets, "track", partial(_fail_after_one, full))
    with pytest.raises(GanportError, match="found No space left on device"):
        write_faces(out, 3, 16, replace=True)
    assert out.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["faces.zip"]
