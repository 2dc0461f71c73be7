"""Tests of the files of a tagged folder: the table, the unfinished tags, backups, the lock."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ganport_runtime.errors import RequestError
from ganport_train.data.check import check_dataset
from ganport_train.data.issues import DataError
from ganport_train.tagging.session import TagSession
from ganport_train.tagging.state import ImageTags
from ganport_train.tagging.store import STATE, TagStore, lock_tags

Open = Callable[[], TagSession]
PINK = ImageTags({"hair": "pink"})


def tag(session: TagSession, indices: list[int], **labels: str | None) -> None:
    session.change({"action": "tag", "changes": [{"images": indices, "labels": labels}]})


def test_images_are_in_natural_order(folder: Path) -> None:
    names = TagStore(folder).images
    assert names == tuple(f"images/{index}.png" for index in range(12))


def test_tags_survive_a_restart(open_session: Open) -> None:
    session = open_session()
    session.change({"action": "add_group", "group": "hair", "labels": ["pink", "black"]})
    session.change({"action": "add_group", "group": "eyes", "labels": ["red", "blue"]})
    tag(session, [0], hair="pink", eyes="red")
    tag(session, [1], hair="black")
    again = open_session()
    assert again.state.groups == session.state.groups
    assert again.state.images == session.state.images


def test_check_reads_the_table_of_complete_images(folder: Path, open_session: Open) -> None:
    session = open_session()
    session.change({"action": "add_group", "group": "hair", "labels": ["light-blue", "black"]})
    session.change({"action": "add_group", "group": "eyes", "labels": ["red", "blue"]})
    tag(session, [0, 1, 2, 3, 4], hair="light-blue", eyes="red")
    tag(session, [5, 6, 7], hair="black", eyes="blue")
    tag(session, [8], hair="black")
    report = check_dataset(folder, resolution=16, progress=False)
    assert (report.images, report.errors) == (8, 0)
    assert report.conditions.labels == {
        "hair": {"black": 3, "light-blue": 5},
        "eyes": {"blue": 3, "red": 5},
    }


def test_check_reads_images_at_the_top_and_in_folders(tmp_path: Path, folder: Path) -> None:
    top = tmp_path / "top"
    (top / "more").mkdir(parents=True)
    for index in range(4):
        source = folder / "images" / f"{index}.png"
        target = top / ("more" if index % 2 else ".") / f"an image, {index // 2}.png"
        target.write_bytes(source.read_bytes())
    session = TagSession(TagStore(top))
    session.change({"action": "add_group", "group": "hair", "labels": ["pink", "black"]})
    tag(session, [0, 1], hair="pink")
    tag(session, [2, 3], hair="black")
    report = check_dataset(top, resolution=16, progress=False)
    assert (report.images, report.errors) == (4, 0)


def test_table_of_another_author_is_taken_and_copied_before_the_first_change(
    folder: Path, open_session: Open
) -> None:
    text = "0,pink hair\n1,black hair\nbroken line\n"
    (folder / "tags.csv").write_text(text)
    session = open_session()
    assert session.state.of("images/1.png").labels == {"hair": "black"}
    assert (folder / "tags.csv").read_text() == text
    tag(session, [2], hair="pink")
    assert (folder / "tags.csv").read_text() == "0,pink hair\n1,black hair\n2,pink hair\n"
    assert (folder / "tags.csv.bak").read_text() == text
    tag(session, [3], hair="pink")
    assert not (folder / "tags.csv.bak2").exists()
    assert any("cannot be read" in notice for notice in session.store.notices)


def test_table_changed_in_a_session_is_copied(folder: Path, open_session: Open) -> None:
    session = open_session()
    session.change({"action": "add_group", "group": "hair", "labels": ["pink", "black"]})
    tag(session, [0], hair="pink")
    (folder / "tags.csv").write_text("0,black hair\n")
    tag(session, [1], hair="pink")
    assert (folder / "tags.csv.bak").read_text() == "0,black hair\n"
    assert "tags.csv.bak" in session.store.notices[-1]


def test_table_changed_between_sessions_overrules_older_tags(
    folder: Path, open_session: Open
) -> None:
    session = open_session()
    session.change({"action": "add_group", "group": "hair", "labels": ["pink", "black"]})
    tag(session, [0, 1], hair="pink")
    (folder / "tags.csv").write_text("0,white hair\n")
    again = open_session()
    assert again.state.of("images/0.png").labels == {"hair": "white"}
    assert again.state.of("images/1.png").labels == {"hair": "pink"}
    assert again.state.groups["hair"] == ("pink", "black", "white")


def test_table_without_rows_is_removed_and_returns_with_redo(
    folder: Path, open_session: Open
) -> None:
    session = open_session()
    session.change({"action": "add_group", "group": "hair", "labels": ["pink"]})
    tag(session, [0], hair="pink")
    session.change({"action": "undo"})
    assert not (folder / "tags.csv").exists()
    session.change({"action": "redo"})
    assert (folder / "tags.csv").read_text() == "0,pink hair\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"schema_version": 2, "table": "", "groups": {}, "images": {}}',
        '{"schema_version": 1, "table": "", "groups": [], "images": {}}',
        '{"schema_version": 1, "table": "", "groups": {"a b": []}, "images": {}}',
        '{"schema_version": 1, "table": "", "groups": {}, "images": {"x": {"labels": {"a": "b"}}}}',
        '{"schema_version": 1, "table": "", "groups": {}, "images": {"x": {"labels": 3}}}',
    ],
)
def test_damaged_state_is_refused_by_name(folder: Path, open_session: Open, text: str) -> None:
    (folder / STATE).write_text(text)
    with pytest.raises(DataError, match=STATE):
        open_session()
    assert (folder / STATE).read_text() == text


def test_state_names_no_path_outside_the_folder(folder: Path, open_session: Open) -> None:
    entry = {"labels": {"hair": "pink"}}
    saved = {
        "schema_version": 1,
        "table": "",
        "groups": {"hair": ["pink"]},
        "images": {"../secret.png": entry, "images/0.png": entry},
    }
    (folder / STATE).write_text(json.dumps(saved))
    assert list(open_session().state.images) == ["images/0.png"]


def test_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a folder of images"):
        TagStore(tmp_path)


def test_second_tagger_of_a_folder_is_refused(folder: Path) -> None:
    with lock_tags(folder), pytest.raises(RequestError, match="another"), lock_tags(folder):
        pass
    with lock_tags(folder):
        pass
