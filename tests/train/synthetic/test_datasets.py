"""Datasets of several tables and any item type."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from ganport_runtime.errors import GanportError
from ganport_train.synthetic.datasets import DatasetSpec, write_dataset


def contents(title: str = "letters", table: str = "first.txt") -> DatasetSpec[str]:
    tables = {table: b"one", "second.txt": b"two"}
    return DatasetSpec(title, tables, {"a.png": "A", "b.png": "B"}, str.encode)


@pytest.mark.parametrize("workers", [1, 2])
def test_write_dataset_writes_tables_then_images(tmp_path: Path, workers: int) -> None:
    write_dataset(tmp_path / "x.zip", contents(), workers=workers)
    write_dataset(tmp_path / "x", contents(), workers=workers)
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    assert list(packed.items()) == [
        ("first.txt", b"one"),
        ("second.txt", b"two"),
        ("images/a.png", b"A"),
        ("images/b.png", b"B"),
    ]
    assert all((tmp_path / "x" / name).read_bytes() == data for name, data in packed.items())


def test_write_dataset_replaces_same_type_only(tmp_path: Path) -> None:
    write_dataset(tmp_path / "x", contents())
    write_dataset(tmp_path / "x", contents(), replace=True)
    with pytest.raises(GanportError, match="expected a folder of numbers to replace; found a fol"):
        write_dataset(tmp_path / "x", contents("numbers", "third.txt"), replace=True)
    assert (tmp_path / "x" / "first.txt").read_bytes() == b"one"


@pytest.mark.parametrize("workers", [0, 257])
def test_write_dataset_workers_out_of_range_raises(tmp_path: Path, workers: int) -> None:
    message = f"workers: expected a whole number from 1 to 256; found {workers}."
    with pytest.raises(GanportError, match=message):
        write_dataset(tmp_path / "x", contents(), workers=workers)
    assert not list(tmp_path.iterdir())
