"""Tests of the files of a tagged folder: the table, the unfinished tags, backups, the lock."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ganport_runtime.errors import RequestError
from ganport_train.data.check import check_dataset
from ganport_train.data.issues import DataError
from ganport_train.tagging.session import TagSession
from ganport_train.tagging.store import STATE, TagStore, lock_tags

Open = Callable[[], TagSession]
EMPTY_STATE: dict[str, object] = {"schema_version": 1, "table": "", "previous_table": ""}
EMPTY_STATE |= {"groups": {}, "images": {}, "extras": [], "needed": [], "cells": {}}


def tag(session: TagSession, indices: list[int], **labels: str | list[str] | None) -> None:
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
    report = check_dataset(folder, resolution=16)
    assert (report.images, report.errors) == (8, 0)
    assert report.conditions.labels == {
        "hair": {"black": 3, "light-blue": 5},
        "eyes": {"blue": 3, "red": 5},
    }


def test_check_reads_several_labels_of_a_group(folder: Path, open_session: Open) -> None:
    session = open_session()
    labels = ["sword", "shield", "red-hat"]
    add = {"action": "add_group", "group": "items", "labels": labels, "multiple": True}
    session.change(add)
    tag(session, [0, 1], items=["shield", "sword"])
    tag(session, [2, 3], items=["red-hat"])
    tag(session, [4], items=[])
    report = check_dataset(folder, resolution=16)
    assert (report.images, report.errors) == (5, 0)
    assert report.conditions.labels == {"items": {"red-hat": 2, "shield": 2, "sword": 2}}
    again = open_session()
    assert again.state.images == session.state.images
    (folder / STATE).unlink()
    from_table = open_session()
    assert from_table.state.multiple == {"items"}
    assert from_table.state.of("images/0.png").labels == {"items": ("shield", "sword")}
    assert from_table.state.of("images/4.png").labels == {"items": ()}


def test_group_of_several_labels_needs_no_image_with_two(folder: Path, open_session: Open) -> None:
    session = open_session()
    add = {"action": "add_group", "group": "items", "labels": ["bag", "hat"], "multiple": True}
    session.change(add)
    tag(session, [0, 1, 2], items=["bag"])
    tag(session, [3, 4], items=["hat"])
    tag(session, [5], items=[])
    report = check_dataset(folder, resolution=16)
    assert (report.images, report.errors) == (6, 0)
    assert report.groups["items"].startswith("any of 2 labels")


def test_column_of_lists_becomes_a_group_if_its_labels_fit_a_list(
    folder: Path, open_session: Open
) -> None:
    text = "file_name,items,notes\n0,sword|shield,it's|e\n1,sword,e\n2,,e\n"
    (folder / "metadata.csv").write_text(text)
    session = open_session()
    assert session.state.groups == {"items": ("shield", "sword")}
    assert session.store.layout.extras == ("notes",)
    assert session.state.of("images/2.png").labels == {"items": ()}


def test_tags_csv_refuses_a_group_of_several_labels(folder: Path, open_session: Open) -> None:
    (folder / "tags.csv").write_text("0,pink hair\n1,black hair\n")
    session = open_session()
    with pytest.raises(RequestError, match=r"tags\.csv"):
        session.change({"action": "add_group", "group": "items", "multiple": True})


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
    report = check_dataset(top, resolution=16)
    assert (report.images, report.errors) == (4, 0)


@pytest.mark.parametrize("table", ["tags.csv", "metadata.csv"])
def test_table_of_another_author_is_taken_and_copied_before_the_first_change(
    folder: Path, open_session: Open, table: str
) -> None:
    lines = {
        "tags.csv": ["0,pink hair", "1,black hair", "broken line", "2,pink hair"],
        "metadata.csv": ["file_name,hair", "images/0.png,pink", "1.png,black", "broken line"],
    }[table]
    text = "\n".join(lines[:3]) + "\n" + "\n".join(lines[3:])
    (folder / table).write_text(text)
    session = open_session()
    assert session.state.of("images/1.png").labels == {"hair": "black"}
    assert (folder / table).read_text() == text
    tag(session, [3], hair="pink")
    assert (folder / f"{table}.bak").read_text() == text
    report = check_dataset(folder, resolution=16)
    assert report.errors == 0
    assert report.images == (4 if table == "tags.csv" else 3)
    tag(session, [4], hair="pink")
    assert not (folder / f"{table}.bak2").exists()
    assert any("could not be read" in notice for notice in session.store.notices)
    assert [path.name for path in folder.glob("*.csv")] == [table]


def test_other_columns_of_a_table_are_kept(folder: Path, open_session: Open) -> None:
    story = "a long text, of more than five words"
    text = f"ID;Hair;age;caption\n0;light blue;3;{story}\n1;black;4;\n2;;5;{story}\n3;black;;\n"
    (folder / "metadata.csv").write_text(text)
    session = open_session()
    assert list(session.state.groups) == ["Hair"]
    tag(session, [0, 4], Hair="black")
    first = f"ID;Hair;age;caption\nimages/0.png;black;3;{story}\nimages/1.png;black;4;\n"
    assert (folder / "metadata.csv").read_text() == first
    again = open_session()
    tag(again, [2], Hair="light blue")
    last = f"images/2.png;light blue;5;{story}\n"
    assert (folder / "metadata.csv").read_text() == first + last
    report = check_dataset(folder, resolution=16)
    assert (report.images, report.errors) == (3, 0)
    with pytest.raises(RequestError):
        session.change({"action": "add_group", "group": "age"})


def test_template_with_empty_cells_gives_its_groups(folder: Path, open_session: Open) -> None:
    (folder / "metadata.csv").write_text("file_name,hair,eyes\nimages/0.png,,\n1.png,pink,\n")
    session = open_session()
    assert session.state.groups == {"hair": ("pink",), "eyes": ()}
    assert session.state.of("images/1.png").labels == {"hair": "pink"}


def test_class_folders_become_a_group(
    tmp_path: Path, draw_image: Callable[[Path, str, int], None]
) -> None:
    for index in range(6):
        draw_image(tmp_path / ("cat" if index % 2 else "dog") / f"{index}.png", "red", index)
    session = TagSession(TagStore(tmp_path))
    assert session.state.groups == {"class": ("cat", "dog")}
    session.change({"action": "add_group", "group": "size", "labels": ["big", "small"]})
    tag(session, [0, 1, 3], size="big")
    tag(session, [4], size="small")
    report = check_dataset(tmp_path, resolution=16)
    assert report.conditions.labels == {
        "class": {"cat": 2, "dog": 2},
        "size": {"big": 3, "small": 1},
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metadata.jsonl", '{"file_name": "images/0.png", "hair": "pink"}\n'),
        ("labels.tsv", "file_name\thair\nimages/0.png\tpink\n"),
        ("images/metadata.csv", "file_name,hair\n0.png,pink\n"),
        ("dataset.json", '{"labels": [["images/0.png", 1]]}'),
        ("list_attr_celeba.txt", "1\nSmiling\n0.png 1\n"),
    ],
)
def test_labels_that_cannot_be_kept_are_refused(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(DataError, match="one CSV table"):
        TagStore(folder)


def test_table_changed_in_a_session_is_copied(folder: Path, open_session: Open) -> None:
    session = open_session()
    session.change({"action": "add_group", "group": "hair", "labels": ["pink", "black"]})
    tag(session, [0], hair="pink")
    (folder / "metadata.csv").write_text("file_name,hair\nimages/0.png,black\n")
    tag(session, [1], hair="pink")
    assert (folder / "metadata.csv.bak").read_text().endswith("0.png,black\n")
    assert "metadata.csv.bak" in session.store.notices[-1]


def test_table_changed_between_sessions_overrules_older_tags(
    folder: Path, open_session: Open
) -> None:
    session = open_session()
    session.change({"action": "add_group", "group": "hair", "labels": ["pink", "black"]})
    tag(session, [0, 1], hair="pink")
    (folder / "metadata.csv").write_text("file_name,hair\nimages/0.png,white\n")
    again = open_session()
    assert again.state.of("images/0.png").labels == {"hair": "white"}
    assert again.state.of("images/1.png").labels == {"hair": "pink"}
    assert again.state.groups["hair"] == ("pink", "black", "white")


def test_kill_between_the_two_files_loses_nothing(folder: Path, open_session: Open) -> None:
    session = open_session()
    session.change({"action": "add_group", "group": "hair", "labels": ["pink", "black"]})
    tag(session, [0], hair="pink")
    table = folder / "metadata.csv"
    before = table.read_bytes()
    tag(session, [0], hair="black")
    table.write_bytes(before)
    again = open_session()
    assert again.state.of("images/0.png").labels == {"hair": "black"}
    tag(again, [1], hair="pink")
    assert b"images/0.png,black" in table.read_bytes()
    assert not (folder / "metadata.csv.bak").exists()


def test_table_without_rows_is_removed_and_returns_with_redo(
    folder: Path, open_session: Open
) -> None:
    session = open_session()
    session.change({"action": "add_group", "group": "hair", "labels": ["pink"]})
    tag(session, [0], hair="pink")
    session.change({"action": "undo"})
    assert not (folder / "metadata.csv").exists()
    session.change({"action": "redo"})
    assert (folder / "metadata.csv").read_text() == "file_name,hair\nimages/0.png,pink\n"


@pytest.mark.parametrize(
    "state",
    [
        {"schema_version": 2},
        {"groups": []},
        {"groups": {" a": []}},
        {"groups": {"a": "b"}, "images": {"x": {"labels": {"a": "c"}}}},
        {"images": {"x": {"labels": {"a": "b"}}}},
        {"images": {"x": {"labels": 3}}},
        {"images": {"x": {"labels": {"hair": ["pink"]}}}},
        {"cells": {"x": 3}},
        {"extras": 3},
        {"separator": "a"},
        {"separator": [","]},
        *("", "[]", "{", "\x00", "[" * 100_000),
    ],
)
def test_damaged_state_is_refused_by_name(
    folder: Path, open_session: Open, state: str | dict[str, object]
) -> None:
    text = state if isinstance(state, str) else json.dumps(EMPTY_STATE | state)
    (folder / STATE).write_text(text)
    with pytest.raises(DataError, match=STATE):
        open_session()
    assert (folder / STATE).read_text() == text


def test_state_of_many_images_keeps_those_inside_the_folder(
    folder: Path, open_session: Open
) -> None:
    entry = {"labels": {"hair": "pink", "eyes": "red"}}
    images = {f"../{index}.png": entry for index in range(140_000)} | {"images/0.png": entry}
    groups = {"groups": {"hair": ["pink"], "eyes": ["red"]}}
    (folder / STATE).write_text(json.dumps(EMPTY_STATE | groups | {"images": images}))
    assert list(open_session().state.images) == ["images/0.png"]


def test_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a folder of images"):
        TagStore(tmp_path)


def test_second_tagger_of_a_folder_is_refused(folder: Path) -> None:
    with lock_tags(folder), pytest.raises(RequestError, match="another"), lock_tags(folder):
        pass
    with lock_tags(folder):
        pass
