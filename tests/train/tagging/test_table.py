"""Tests of the table of a tagged folder: its name, its separator, and what its columns mean."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ganport_train.data.check import check_dataset
from ganport_train.data.issues import DataError
from ganport_train.tagging.session import TagSession
from ganport_train.tagging.store import TagStore

Open = Callable[[], TagSession]


def tag(session: TagSession, indices: list[int], **labels: str | None) -> None:
    session.change({"action": "tag", "changes": [{"images": indices, "labels": labels}]})


def test_cells_keep_their_meaning_as_the_table_keeps_its_separator(
    folder: Path, open_session: Open
) -> None:
    # One size is a mistake.
    text = "ID;Hair;size;items\n0;pink;low;bag|hat\n1;black;2,25;bag\n2;pink;0,5;hat\n"
    text += "".join(f"{row};pink;{row},5;hat\n" for row in range(3, 12))
    (folder / "metadata.csv").write_text(text)
    before = check_dataset(folder, resolution=16).groups
    session = open_session()
    assert session.store.layout.extras == ("size",)
    assert session.state.multiple == {"items"}
    tag(session, [1], Hair="pink")
    tag(session, [1], Hair="black")
    assert check_dataset(folder, resolution=16).groups == before
    assert "size" in before and "images/1.png;black;" in (folder / "metadata.csv").read_text()


def test_separator_returns_with_a_table_that_had_no_rows(folder: Path, open_session: Open) -> None:
    (folder / "metadata.csv").write_text("ID;Hair;size\n0;pink;1,5\n1;black;2,25\n2;pink;0,5\n")
    session = open_session()
    tag(session, [0, 1, 2], Hair=None)
    assert not (folder / "metadata.csv").exists()
    again = open_session()
    tag(again, [0], Hair="pink")
    written = (folder / "metadata.csv").read_text()
    assert written == "file_name;Hair;size\nimages/0.png;pink;1,5\n"


def test_labels_with_a_separator_of_other_tables_are_no_lists(
    folder: Path, open_session: Open
) -> None:
    (folder / "metadata.csv").write_text('ID;Hair\n0;"pink;long"\n1;black\n2;"pink;long"\n')
    session = open_session()
    assert session.state.groups == {"Hair": ("black", "pink;long")}
    assert not session.state.multiple


@pytest.mark.parametrize("name", ["tags.csv", "Tags.CSV", "TAGS.csv"])
def test_table_of_tags_has_any_letter_case(folder: Path, open_session: Open, name: str) -> None:
    (folder / name).write_text("0,pink hair\n1,black hair\n")
    session = open_session()
    assert session.store.table.name == name and not session.store.layout.has_header
    tag(session, [2], hair="pink")
    assert (folder / name).read_text() == "0,pink hair\n1,black hair\n2,pink hair\n"
    assert {path.name for path in folder.glob("[tTm]*")} == {name, f"{name}.bak"}
    assert check_dataset(folder, resolution=16).images == 3


def test_two_tables_of_tags_are_refused(folder: Path) -> None:
    for name in ("tags.csv", "Tags.CSV"):
        (folder / name).write_text("0,pink hair\n1,black hair\n")
    if len(list(folder.glob("*.[cC]*"))) == 2:  # not in a folder that ignores letter case
        with pytest.raises(DataError, match=r"one table tags\.csv"):
            TagStore(folder)


def test_row_without_an_image_is_not_taken(folder: Path, open_session: Open) -> None:
    (folder / "metadata.csv").write_text("file_name,hair\n0.png,pink\nabsent.png,black\n")
    session = open_session()
    assert session.state.groups == {"hair": ("pink",)}
    assert [notice.split()[0] for notice in session.store.notices] == ["1"]


def test_tags_csv_with_a_header_is_a_table_with_columns(folder: Path, open_session: Open) -> None:
    (folder / "tags.csv").write_text("file_name,hair\n0.png,pink\n1.png,black\n")
    session = open_session()
    assert session.state.groups == {"hair": ("black", "pink")} and session.store.layout.has_header
    tag(session, [2], hair="pink")
    assert (folder / "tags.csv").read_text().startswith("file_name,hair\nimages/0.png,pink\n")
