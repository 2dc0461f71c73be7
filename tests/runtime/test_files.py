import hashlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ganport_runtime.errors import FileError, RequestError
from ganport_runtime.files import (
    atomic_directory,
    atomic_write,
    check_output,
    remove_stale_temporaries,
    sha256_of,
)


def test_sha256_of_bytes_and_file_are_equal(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    expected = hashlib.sha256(b"abc").hexdigest()
    assert sha256_of(b"abc") == sha256_of(tmp_path / "a") == expected


def test_atomic_write_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    atomic_write(path, b"old")
    atomic_write(path, b"new")
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def test_failed_atomic_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "taken"
    path.mkdir()
    (path / "inside").touch()
    with pytest.raises(FileError, match=r"taken: expected a path that can be written; found .+\."):
        atomic_write(path, b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]
    assert (path / "inside").exists()


def test_atomic_directory_appears_when_complete(tmp_path: Path) -> None:
    path = tmp_path / "bundle"
    with atomic_directory(path) as folder:
        (folder / "sub").mkdir()
        (folder / "sub" / "a").write_text("a")
        assert not path.exists()
        assert folder.parent == tmp_path
    assert (path / "sub" / "a").read_text() == "a"
    assert [entry.name for entry in tmp_path.iterdir()] == ["bundle"]


def test_atomic_directory_replaces_an_old_one(tmp_path: Path) -> None:
    path = tmp_path / "bundle"
    path.mkdir()
    (path / "old").touch()
    with atomic_directory(path) as folder:
        (folder / "new").touch()
    assert [entry.name for entry in path.iterdir()] == ["new"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["bundle"]


def test_atomic_directory_replaces_a_file(tmp_path: Path) -> None:
    path = tmp_path / "bundle"
    path.write_text("a zip once")
    with atomic_directory(path) as folder:
        (folder / "new").touch()
    assert [entry.name for entry in path.iterdir()] == ["new"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["bundle"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failed_atomic_directory_keeps_the_old_one(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "bundle"
    path.mkdir()
    (path / "old").touch()

    def interrupted() -> None:
        with atomic_directory(path) as folder:
            (folder / "half").touch()
            raise error

    with pytest.raises(error):
        interrupted()
    assert [entry.name for entry in path.iterdir()] == ["old"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["bundle"]


def test_check_output_accepts_new_and_existing_files(tmp_path: Path) -> None:
    (tmp_path / "old.PNG").touch()
    check_output(tmp_path / "new.png", (".png",))
    check_output(tmp_path / "old.PNG", (".png",))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.jpg", "a name ending in .png; found the suffix '.jpg'. Call it 'a.png'"),
        ("a", "Call it 'a.png'"),
        ("missing/a.png", "missing: expected an existing folder; found no such f"),
        ("file/a.png", "file: expected an existing folder; found a file"),
        ("folder.png", "expected a file to write; found a folder"),
    ],
)
def test_check_output_of_unusable_path_is_a_request_error(
    tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(RequestError) as caught:
        check_output(tmp_path / name, (".png",))
    assert message in str(caught.value)


LEFT = ".bundle-1.0123456789ab.tmp"


@pytest.fixture
def a_minute_later(monkeypatch: pytest.MonkeyPatch) -> float:
    # os.utime cannot set the ctime of a renamed folder.
    later = time.time() + 60
    monkeypatch.setattr(time, "time", lambda: later)
    return later


def leave(folder: Path, name: str = LEFT) -> Path:
    (folder / name / "sub").mkdir(parents=True)
    (folder / name / "sub/half").write_bytes(b"half")
    return folder / name


def test_stale_temporaries_are_removed(tmp_path: Path, a_minute_later: float) -> None:
    leave(tmp_path)
    remove_stale_temporaries(tmp_path, re.compile("bundle-."), age=50)
    assert list(tmp_path.iterdir()) == []


def test_recent_temporaries_are_kept(tmp_path: Path, a_minute_later: float) -> None:
    leave(tmp_path)
    remove_stale_temporaries(tmp_path, re.compile("bundle-."), age=70)
    assert [entry.name for entry in tmp_path.iterdir()] == [LEFT]


def test_folder_in_use_is_kept(tmp_path: Path, a_minute_later: float) -> None:
    os.utime(leave(tmp_path) / "sub/half", (a_minute_later, a_minute_later))
    remove_stale_temporaries(tmp_path, re.compile("bundle-."), age=50)
    assert [entry.name for entry in tmp_path.iterdir()] == [LEFT]


@pytest.mark.parametrize(
    "name", ["bundle-1", ".bundle-1.0123.tmp", ".bundle-12.0123456789ab.tmp", f"{LEFT}.tmp"]
)
def test_folders_of_other_names_are_kept(tmp_path: Path, a_minute_later: float, name: str) -> None:
    leave(tmp_path, name)
    remove_stale_temporaries(tmp_path, re.compile("bundle-."), age=0)
    assert (tmp_path / name / "sub/half").exists()


def test_temporaries_of_atomic_directory_match(tmp_path: Path, a_minute_later: float) -> None:
    with pytest.raises(FileError, match="No such file"), atomic_directory(tmp_path / "bundle-1"):
        remove_stale_temporaries(tmp_path, re.compile("bundle-."), age=50)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="needs the limits of POSIX")
def test_file_size_limit_of_the_system_is_a_file_error(tmp_path: Path) -> None:
    """The limit holds for a process of its own: the test must be able to write."""
    code = """
import errno, resource, sys
from pathlib import Path
from ganport_runtime.errors import FileError
from ganport_runtime.files import atomic_directory, atomic_write
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
folder = Path(sys.argv[1])
try:
    atomic_write(folder / "a", b"x" * 2000)
except FileError as error:
    assert error.errno == errno.EFBIG and error.place == str(folder / "a"), error
    print(error)
try:
    with atomic_directory(folder / "b") as inside:
        (inside / "c").write_bytes(b"x" * 2000)
except FileError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False
    )
    assert done.stdout.count("found File too large. Free some space") == 2, done.stderr
    assert list(tmp_path.iterdir()) == []
