import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_train.data import source as module
from ganport_train.data.formats.registry import open_source
from ganport_train.data.issues import DataError, EntryError
from ganport_train.data.source import check_name, is_litter

Write = Callable[..., Path]
PLAIN = {"tags.csv": b"1,pink hair\n", "images/1.png": b"abc"}


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_names_and_contents(kind: str, request: pytest.FixtureRequest) -> None:
    litter = {".DS_Store": b"", "__MACOSX/tags.csv": b"", "images/Thumbs.db": b"", ".git/x": b""}
    with open_source(request.getfixturevalue(kind)(PLAIN | litter)) as source:
        assert source.names == {"tags.csv", "images/1.png"}
        assert source.refused == []
        assert source.read("images/1.png", 3) == b"abc"
        with pytest.raises(EntryError, match=r"at most 0 MiB; found 0\.0 MiB"):
            source.read("images/1.png", 2)


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_too_many_files(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ENTRIES", 1)
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
def test_the_digest_of_a_folder_follows_names_and_contents(
    folder: Write, changed: dict[str, bytes]
) -> None:
    digest = open_source(folder(PLAIN)).digest
    assert open_source(folder(PLAIN, "copy")).digest == digest
    assert open_source(folder(changed, "changed")).digest != digest


def test_links_stay_inside_the_folder(folder: Write, tmp_path: Path) -> None:
    root = folder(PLAIN)
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
    assert [(issue.file, issue.found) for issue in source.refused] == [
        ("again", "a link to a folder"),
        ("images/lost.png", "no plain file"),
        ("images/out.png", "a link that leads out of it"),
        ("more", "a link that leads out of it"),
    ]
    assert source.digest != before


def test_a_circle_of_links_is_no_file(folder: Write) -> None:
    root = folder(PLAIN)
    (root / "images/2.png").symlink_to("3.png")
    (root / "images/3.png").symlink_to("2.png")
    source = open_source(root)
    assert source.names == PLAIN.keys()
    assert [issue.found for issue in source.refused] == ["no plain file"] * 2


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may open all")
def test_a_closed_folder_does_not_pass_for_an_empty_one(folder: Write) -> None:
    root = folder(PLAIN)
    (root / "images").chmod(0)
    source = open_source(root)
    refused = [(issue.file, issue.found) for issue in source.refused]
    (root / "images").chmod(0o700)
    assert refused == [("images", "one that is closed")]


def test_a_pipe_is_never_opened(folder: Write) -> None:
    root = folder(PLAIN)
    os.mkfifo(root / "images/2.png")
    source = open_source(root)
    assert [issue.found for issue in source.refused] == ["no plain file"]
    assert source.digest


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../tags.csv", "climbs out"),
        ("images/../../x.png", "climbs out"),
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
def test_bad_names(name: str, reason: str) -> None:
    with pytest.raises(EntryError, match=reason):
        check_name(name)


@given(st.text(st.sampled_from("ab./\\:C\n-é"), max_size=12))
def test_an_accepted_name_lies_below_the_root(name: str) -> None:
    try:
        check_name(name)
    except EntryError:
        return
    path = PurePosixPath("/root") / name
    assert os.path.normpath(path) == str(path)
    assert path.parts[:2] == ("/", "root")
    assert len(path.parts) > 2


@given(st.from_regex(r"[a-z0-9_]{1,8}(/[a-z0-9_.-]{0,4}[a-z0-9]){0,3}", fullmatch=True))
def test_plain_names_are_accepted(name: str) -> None:
    if ".." not in name.split("/") and not is_litter(name):
        check_name(name)
