import zipfile
from pathlib import Path

import pytest

from ganport_export import OptionError
from ganport_export.bundle_writer import Target

FILES = {"manifest.json": b"{}", "b.bin": b"\x00" * 100, "a.txt": b"text"}


def write(path: Path | str, *, overwrite: bool = False) -> Target:
    target = Target.at(path, overwrite=overwrite)
    target.write(FILES)
    return target


def test_a_plain_name_becomes_a_stored_zip(tmp_path):
    write(tmp_path / "x.ganport")
    with zipfile.ZipFile(tmp_path / "x.ganport") as archive:
        entries = archive.infolist()
        assert {entry.filename: archive.read(entry) for entry in entries} == FILES
    assert [entry.filename for entry in entries] == sorted(FILES)
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}


def test_the_same_files_give_the_same_zip(tmp_path):
    write(tmp_path / "x.ganport")
    Target.at(tmp_path / "y.ganport", overwrite=False).write(dict(reversed(FILES.items())))
    assert (tmp_path / "x.ganport").read_bytes() == (tmp_path / "y.ganport").read_bytes()


def test_a_trailing_slash_makes_a_folder(tmp_path):
    target = write(f"{tmp_path}/x.ganport/")
    assert target.folder
    assert {f.name: f.read_bytes() for f in (tmp_path / "x.ganport").iterdir()} == FILES


def test_nothing_is_replaced_unless_asked(tmp_path):
    path = tmp_path / "x.ganport"
    path.write_bytes(b"older")
    with pytest.raises(OptionError, match="--force") as refused:
        write(path)
    assert refused.value.exit_code == 2
    assert path.read_bytes() == b"older"
    write(path, overwrite=True)
    assert zipfile.is_zipfile(path)


def test_a_bundle_folder_is_replaced_by_a_folder(tmp_path):
    write(f"{tmp_path}/x.ganport/")
    (tmp_path / "x.ganport" / "stale.onnx").write_bytes(b"old")
    write(tmp_path / "x.ganport", overwrite=True)
    assert {file.name for file in (tmp_path / "x.ganport").iterdir()} == set(FILES)


def test_a_folder_that_is_no_bundle_is_never_replaced(tmp_path):
    folder = tmp_path / "x.ganport"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(OptionError, match="a folder that is none"):
        write(folder, overwrite=True)
    assert (folder / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x.onnx", r"a name ending in \.ganport"),
        ("", r"a name ending in \.ganport"),
        ("nowhere/x.ganport", "an existing folder"),
    ],
)
def test_an_unusable_path_is_refused_before_any_work(tmp_path, name, message):
    with pytest.raises(OptionError, match=message) as refused:
        Target.at(tmp_path / name, overwrite=True)
    assert refused.value.exit_code == 2


def test_a_failed_write_leaves_the_older_bundle(tmp_path):
    write(f"{tmp_path}/x.ganport/")
    target = Target.at(f"{tmp_path}/x.ganport/", overwrite=True)
    with pytest.raises(OSError):
        target.write({"a.txt": b"new", "missing/b.txt": b"cannot be"})
    assert {f.name: f.read_bytes() for f in (tmp_path / "x.ganport").iterdir()} == FILES
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.ganport"]
