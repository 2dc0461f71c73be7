"""Tests of a tagging session: requests of the page, refusals, and a disk that is full."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganport_runtime.errors import FileError, RequestError
from ganport_train.tagging.session import TagSession

Open = Callable[[], TagSession]


@pytest.fixture
def session(open_session: Open) -> TagSession:
    session = open_session()
    session.change({"action": "add_group", "group": "hair", "labels": ["pink", "black"]})
    return session


def test_change_returns_the_changed_images_only(session: TagSession) -> None:
    request = {"action": "tag", "changes": [{"images": [3, 4], "labels": {"hair": "pink"}}]}
    answer = session.change(request)
    assert answer["tags"] == {
        index: {"labels": {"hair": "pink"}, "left_out": False} for index in (3, 4)
    }
    assert (answer["revision"], answer["rows"], answer["can_undo"]) == (2, 2, True)
    assert "images" not in answer
    assert len(session.snapshot()["tags"]) == 12


def test_one_request_labels_some_images_and_clears_others_in_one_step(session: TagSession) -> None:
    label = {"images": [0, 1, 2], "labels": {"hair": "pink"}}
    session.change({"action": "tag", "changes": [label]})
    clear = {"images": [2], "labels": {"hair": None}}
    session.change(
        {"action": "tag", "changes": [{"images": [5], "labels": {"hair": "pink"}}, clear]}
    )
    tagged = [i for i in range(12) if session.snapshot()["tags"][i]["labels"]]
    assert tagged == [0, 1, 5]
    session.change({"action": "undo"})
    tagged = [i for i in range(12) if session.snapshot()["tags"][i]["labels"]]
    assert tagged == [0, 1, 2]


@pytest.mark.parametrize(
    "request_",
    [
        None,
        [],
        {},
        {"action": "save"},
        {"action": []},
        {"action": "tag"},
        {"action": "tag", "changes": [3]},
        {"action": "tag", "changes": [{"images": [12], "labels": {}}]},
        {"action": "tag", "changes": [{"images": [-1], "labels": {}}]},
        {"action": "tag", "changes": [{"images": [True], "labels": {}}]},
        {"action": "tag", "changes": [{"images": ["../x"], "labels": {}}]},
        {"action": "tag", "changes": [{"images": [0], "labels": {"hair": ["pink"]}}]},
        {"action": "tag", "changes": [{"images": [0], "labels": {"hair": "green"}}]},
        {"action": "tag", "changes": [{"images": [0], "labels": {"hair": [3]}}]},
        {"action": "tag", "changes": [{"images": [0], "labels": "pink"}]},
        {"action": "add_group", "group": "a/b"},
        {"action": "add_group", "group": "file_name"},
        {"action": "add_group", "group": "Split"},
        {"action": "rename_group", "group": "hair", "name": "image"},
        {"action": "add_group", "group": "eyes", "labels": ["light,blue"]},
        {"action": "add_label", "group": "hair", "label": "=1+1"},
        {"action": "add_group", "group": "eyes", "labels": "red"},
        {"action": "add_group", "group": "eyes", "labels": 3},
        {"action": "add_label", "group": "hair"},
        {"action": "add_group", "group": "items", "labels": ["bag"], "multiple": 1},
        {"action": "rename_label", "group": "hair", "label": 3, "name": "x"},
        {"action": "remove_group", "group": "nose"},
    ],
)
def test_request_outside_the_format_changes_nothing(session: TagSession, request_: Any) -> None:
    before = session.snapshot()
    with pytest.raises(RequestError):
        session.change(request_)
    assert session.snapshot() == before


def test_change_that_cannot_be_saved_is_dropped(
    session: TagSession, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = session.snapshot()
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(FileError):
        session.change({"action": "add_label", "group": "hair", "label": "white"})
    monkeypatch.undo()
    assert session.snapshot() == before
    assert [path.name for path in folder.glob(".*.tmp")] == []
