import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_train.data import source as module
from ganport_train.data.formats.registry import open_source
from ganport_train.data.issues import DataError, EntryError
from ganport_train.data.source import check_name, is_clutter

Write = Callable[..., Path]
PLAIN = {"tags.csv": b"1,pink hair\n", "images/1.png": b"abc"}


@pytest.mark.parametrize("kind", ["write_folder", "write_zip"])
def test_source_lists_and_reads_files(kind: str, request: pytest.FixtureRequest) -> None:
    litter = {".DS_Store": b"", "__MACOSX/tags.csv": b"", "images/Thumbs.db": b"", ".git/x": b""}
    with open_source(request.getfixturevalue(kind)(PLAIN | litter)) as source:
        assert source.names == {"tags.csv", "images/1.png"}
        assert source.rejected == []
        assert source.read("images/1.png", 3) == b"abc"
        with pytest.raises(EntryError, match=r"at most 0 MiB; found 0\.0 MiB"):
            source.read("images/1.png", 2)


@pytest.mark.parametrize("kind", ["write_folder", "write_zip"])
def test_names_over_file_limit_raise(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_FILES", 1)
    with (
        open_source(request.getfixturevalue(kind)(PLAIN)) as source,
        pytest.raises(DataError, match="expected at most 1 files; found 2 or more"),
    ):
        assert source.names


@pytest.mark.parametrize(
    "changed",
    [
        PLAIN | {"images/1.png": b"abd"},
        PLAIN | {"images/2.png": b""},
        {"tags.csv": b"1,pink hair\n", "images/2.png": b"abc"},
        {"tags.csv": b"1,pink hair\nabc", "images/1.png": b""},
    ],
)
def test_folder_digest_depends_on_names_and_contents(
    write_folder: Write, changed: dict[str, bytes]
) -> None:
    digest = open_source(write_folder(PLAIN)).digest
    assert open_source(write_folder(PLAIN, "copy")).digest == digest
    assert open_source(write_folder(changed, "changed")).digest != digest


def test_links_out_of_folder_are_rejected(write_folder: Write, tmp_path: Path) -> None:
    root = write_folder(PLAIN)
    before = open_source(root).digest
    (tmp_path / "secret.png").write_bytes(b"secret")
    (tmp_path / "other").mkdir()
    (root / "images/good.png").symlink_to("1.png")
    (root / "images/out.png").symlink_to(tmp_path / "secret.png")
    (root / "images/lost.png").symlink_to("absent.png")
    (root / "more").symlink_to(tmp_path / "other")
    (root / "again").symlink_to("images")
    source = open_source(root)
    assert source.names == {"tags.csv", "images/1.png", "images/good.png"}
    assert [(issue.file, issue.found) for issue in source.rejected] == [
        ("again", "a link to a folder"),
        ("images/lost.png", "something else"),
        ("images/out.png", "a link that leads out of it"),
        ("more", "a link that leads out of it"),
    ]
    assert source.digest != before


def test_cycle_of_links_is_rejected(write_folder: Write) -> None:
    root = write_folder(PLAIN)
    (root / "images/2.png").symlink_to("3.png")
    (root / "images/3.png").symlink_to("2.png")
    source = open_source(root)
    assert source.names == PLAIN.keys()
    assert [issue.found for issue in source.rejected] == ["something else"] * 2


def test_unreadable_folder_is_rejected(
    write_folder: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_folder(PLAIN)
    scan = os.scandir

    def refuse(path: str) -> Iterator[os.DirEntry[str]]:
        # No mode of a folder keeps root out.
        if Path(path).name == "images":
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    source = open_source(root)
    assert source.names == {"tags.csv"}
    assert [(issue.file, issue.expected) for issue in source.rejected] == [
        ("images", "readable folders")
    ]


def test_file_that_vanishes_changes_the_digest(write_folder: Write) -> None:
    source = open_source(write_folder(PLAIN))
    before = open_source(source.path).digest
    assert source.names == PLAIN.keys()
    (source.path / "images/1.png").unlink()
    assert source.digest != before
    with pytest.raises(EntryError) as caught:
        source.read("images/1.png", 3)
    assert (caught.value.expected, caught.value.found) == (
        "a readable file",
        "No such file or directory",
    )


def test_pipe_is_rejected(write_folder: Write) -> None:
    root = write_folder(PLAIN)
    os.mkfifo(root / "images/2.png")
    source = open_source(root)
    assert [issue.found for issue in source.rejected] == ["something else"]
    assert source.digest


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../tags.csv", "leaves the dataset"),
        ("images/../../x.png", "leaves the dataset"),
        ("/etc/passwd", "is absolute"),
        ("C:/x.png", "is absolute"),
        ("images\\1.png", "has a backslash"),
        ("images//1.png", "has an empty part"),
        ("./1.png", "has an empty part"),
        ("images/\x00.png", "has a control character"),
        ("images/\x1b[2J.png", "has a control character"),
        ("", "has an empty part"),
    ],
)
def test_check_name_unsafe_name_raises(name: str, reason: str) -> None:
    with pytest.raises(EntryError, match=reason):
        check_name(name)


@given(st.text(st.sampled_from("ab./\\:C\n-é"), max_size=12))
def test_check_name_accepted_name_stays_below_root(name: str) -> None:
    try:
        check_name(name)
    except EntryError:
        return
    path = PurePosixPath("/root") / name
    assert os.path.normpath(path) == str(path)
    assert path.parts[:2] == ("/", "root")
    assert len(path.parts) > 2


@given(st.from_regex(r"[a-z0-9_]{1,8}(/[a-z0-9_.-]{0,4}[a-z0-9]){0,3}", fullmatch=True))
def test_check_name_plain_name_passes(name: str) -> None:
    if ".." not in name.split("/") and not is_clutter(name):
        check_name(name)
