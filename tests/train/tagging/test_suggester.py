"""Tests of the suggestions: what is learned, from how many images, and what is left alone."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ganport_train.tagging.classifier import MIN_IMAGES
from ganport_train.tagging.session import TagSession
from ganport_train.tagging.store import TagStore
from ganport_train.tagging.suggester import Suggester

COLORS = ("red", "green", "blue")
COUNT = 60
PARTS = {"red": ["warm"], "green": [], "blue": ["cool", "dark"]}
"""The labels of the group `tones`, of which an image may have several."""


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


def tag_tones(session: TagSession, count: int) -> None:
    labels = ["warm", "cool", "dark", "striped"]
    group = {"action": "add_group", "group": "tones", "labels": labels, "multiple": True}
    session.change(group)
    parts = [{"images": [i], "labels": {"tones": PARTS[COLORS[i % 3]]}} for i in range(count)]
    session.change({"action": "tag", "changes": parts})


def test_suggester_learns_in_the_background_after_a_change(
    session: TagSession, suggester: Suggester
) -> None:
    assert suggester.latest()["groups"] == {}
    label_first(session, 30)
    wait_until(lambda: suggester.latest()["revision"] == session.revision)
    found = suggester.latest()["groups"]["color"]
    assert found["accuracy"] > 0.95
    assert {index: [label for label, _ in pairs] for index, pairs in found["labels"].items()} == {
        index: [index % 3] for index in range(30, 59)
    }
    assert all(0.9 < pairs[0][1] < 1 for pairs in found["labels"].values())


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


def test_likely_labels_of_a_group_of_several_are_suggested(
    session: TagSession, suggester: Suggester
) -> None:
    tag_tones(session, 30)
    suggester.learn()
    found = suggester.latest()["groups"]["tones"]
    assert found["useful"] and found["accuracy"] > 0.95
    likely = {
        index: [found["names"][label] for label, sure in pairs if sure >= 0.5]
        for index, pairs in found["labels"].items()
    }
    assert likely == {index: PARTS[COLORS[index % 3]] for index in range(30, 59)}
    # The green images have no label, which is a suggestion too.
    assert sorted(found["none"]) == [index for index in range(30, 59) if index % 3 == 1]
    sure = [sure for pairs in found["labels"].values() for _, sure in pairs if sure >= 0.5]
    assert all(0.8 < confidence < 1 for confidence in [*sure, *found["none"].values()])
    assert [found["names"][label] for label in found["unknown"]] == ["striped"]


def test_group_of_several_waits_for_enough_images_and_for_different_ones(
    session: TagSession, suggester: Suggester
) -> None:
    tag_tones(session, MIN_IMAGES - 1)
    suggester.learn()
    assert suggester.latest()["groups"] == {}
    parts = [{"images": list(range(40)), "labels": {"tones": ["warm"]}}]
    session.change({"action": "tag", "changes": parts})
    suggester.learn()
    assert suggester.latest()["groups"] == {}


def test_image_that_has_a_choice_of_several_gets_no_suggestion(
    session: TagSession, suggester: Suggester
) -> None:
    tag_tones(session, 30)
    parts = [{"images": [40], "left_out": True}, {"images": [41], "labels": {"tones": []}}]
    session.change({"action": "tag", "changes": parts})
    suggester.learn()
    labels = suggester.latest()["groups"]["tones"]["labels"]
    assert not {3, 40, 41, 59} & labels.keys() and 42 in labels


def test_labels_of_several_that_images_do_not_show_are_not_suggested(
    session: TagSession, suggester: Suggester
) -> None:
    tag_tones(session, 0)
    random = np.random.default_rng(0).random((50, 2)) < 0.5
    choices = [
        [name for name, on in zip(("warm", "cool"), row, strict=True) if on] for row in random
    ]
    parts = [{"images": [i], "labels": {"tones": choice}} for i, choice in enumerate(choices)]
    session.change({"action": "tag", "changes": parts})
    suggester.learn()
    found = suggester.latest()["groups"]["tones"]
    assert not found["useful"] and found["labels"] == found["none"] == {}
