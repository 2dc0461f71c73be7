"""Tests of the suggestions: what is learned, from how many images, and what is left alone."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ganport_train.tagging.classifier import MIN_IMAGES
from ganport_train.tagging.session import TagSession
from ganport_train.tagging.store import TagStore
from ganport_train.tagging.suggester import Suggester

COLORS = ("red", "green", "blue")
COUNT = 60


@pytest.fixture
def session(tmp_path: Path, draw_image: Callable[[Path, str, int], None]) -> TagSession:
    """Return a session of 60 images of three colors in turn, one of them corrupt."""
    for index in range(COUNT):
        draw_image(tmp_path / f"{index}.png", COLORS[index % 3], index)
    (tmp_path / "59.png").write_bytes(b"no image")
    session = TagSession(TagStore(tmp_path))
    session.change({"action": "add_group", "group": "color", "labels": list(COLORS)})
    session.change({"action": "add_group", "group": "size", "labels": ["big", "small"]})
    return session


@pytest.fixture
def suggester(session: TagSession) -> Suggester:
    """Return a running suggester that has read the images."""
    suggester = Suggester(session)
    suggester.start()
    wait_until(lambda: suggester.latest()["revision"] == session.revision)
    return suggester


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def label_first(session: TagSession, count: int) -> None:
    parts = [{"images": [i], "labels": {"color": COLORS[i % 3]}} for i in range(count)]
    session.change({"action": "tag", "changes": parts})


def test_suggester_learns_in_the_background_after_a_change(
    session: TagSession, suggester: Suggester
) -> None:
    assert suggester.latest()["groups"] == {}
    label_first(session, 30)
    wait_until(lambda: suggester.latest()["revision"] == session.revision)
    found = suggester.latest()["groups"]["color"]
    assert found["accuracy"] > 0.95
    assert {index: label for index, (label, _) in found["labels"].items()} == {
        index: index % 3 for index in range(30, 59)
    }
    assert all(0.9 < confidence < 1 for _, confidence in found["labels"].values())


def test_suggester_waits_for_enough_labels(session: TagSession, suggester: Suggester) -> None:
    label_first(session, MIN_IMAGES - 1)
    suggester.learn()
    assert suggester.latest()["groups"] == {}


def test_image_that_is_left_out_or_labeled_gets_no_suggestion(
    session: TagSession, suggester: Suggester
) -> None:
    label_first(session, 30)
    out = {"images": [40], "left_out": True}
    session.change({"action": "tag", "changes": [out]})
    suggester.learn()
    labels = suggester.latest()["groups"]["color"]["labels"]
    assert 40 not in labels and 3 not in labels and 41 in labels


def test_labels_that_images_do_not_show_are_not_suggested(
    session: TagSession, suggester: Suggester
) -> None:
    # The label of every image depends on its index alone.
    sizes = ("big", "small", "small", "big", "big", "small", "big")
    parts = [{"images": [i], "labels": {"size": sizes[i * i % 7]}} for i in range(50)]
    session.change({"action": "tag", "changes": parts})
    suggester.learn()
    found = suggester.latest()["groups"]["size"]
    assert not found["useful"] and found["labels"] == {}
