"""A run gives its best checkpoint, else its latest, passes over torn ones, and says why."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganport_models import CheckpointError
from ganport_models.metadata import CARD, WEIGHTS, describe_files
from ganport_models.migrations import SCHEMA_VERSION
from ganport_models.selection import (
    FOLDER,
    best,
    choose,
    newest,
)


def write(run: Path, step: int, score: float | None = None, **more: Any) -> Path:
    folder = run / FOLDER / f"{step:09d}"
    folder.mkdir(parents=True)
    (folder / WEIGHTS).write_bytes(b"weights")
    card: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "step": step,
        "images": step * 64,
        "files": describe_files(folder),
    }
    if score is not None:
        scale = {"extractor": "pixels", "eval_images": 512, "collapsed": False}
        card["score"] = {"score": score, **scale, **more}
    (folder / CARD).write_text(json.dumps(card))
    return folder


def test_the_best_is_taken_and_the_reason_given(tmp_path: Path) -> None:
    for step, score in ((1000, 0.5), (2000, 0.834), (3000, 0.7)):
        write(tmp_path, step, score)
    choice = choose(tmp_path)
    assert choice.card["step"] == 2000
    assert choice.reason == "best of 3 by score 0.83; the latest is 000003000"
    assert best(tmp_path) == choice.folder


def test_the_best_may_be_the_latest(tmp_path: Path) -> None:
    write(tmp_path, 1000, 0.5)
    write(tmp_path, 2000, 0.6)
    assert choose(tmp_path).reason == "best of 2 by score 0.60, and the latest"


def test_of_scores_that_differ_by_chance_alone_the_newest_wins(tmp_path: Path) -> None:
    write(tmp_path, 1000, 0.8349)
    write(tmp_path, 2000, 0.8301)
    assert choose(tmp_path).card["step"] == 2000


def test_without_a_score_the_latest_is_taken(tmp_path: Path) -> None:
    write(tmp_path, 1000)
    write(tmp_path, 2000)
    choice = choose(tmp_path)
    assert (choice.card["step"], choice.reason) == (2000, "the latest; none has a score")
    assert best(tmp_path) is None


def test_a_torn_best_is_passed_over_and_named(tmp_path: Path) -> None:
    write(tmp_path, 1000, 0.5)
    (write(tmp_path, 2000, 0.9) / WEIGHTS).write_bytes(b"wei")
    write(tmp_path, 3000, 0.7)
    choice = choose(tmp_path)
    assert choice.card["step"] == 3000
    assert choice.reason == "best of 3 by score 0.70, and the latest; 000002000 is torn"


def test_when_all_scored_ones_are_torn_the_latest_is_taken(tmp_path: Path) -> None:
    (write(tmp_path, 1000, 0.9) / WEIGHTS).unlink()
    write(tmp_path, 2000)
    write(tmp_path, 3000)
    assert choose(tmp_path).card["step"] == 3000


@pytest.mark.parametrize("other", [{"extractor": "judge 0a1b"}, {"eval_images": 64}])
def test_scores_of_another_scale_are_not_compared(tmp_path: Path, other: dict[str, Any]) -> None:
    write(tmp_path, 1000, 0.99, **other)
    write(tmp_path, 2000, 0.3)
    write(tmp_path, 3000, 0.2)
    choice = choose(tmp_path)
    assert choice.reason == "best of 2 by score 0.30; the latest is 000003000"


def test_a_collapsed_one_is_best_only_when_all_are(tmp_path: Path) -> None:
    write(tmp_path, 1000, 0.9, collapsed=True)
    write(tmp_path, 2000, 0.8, collapsed=True)
    assert choose(tmp_path).reason == "best of 2 by score 0.90, all collapsed; the latest is " + (
        "000002000"
    )
    write(tmp_path, 3000, 0.1)
    assert choose(tmp_path).card["step"] == 3000


@pytest.mark.parametrize(
    "damage",
    [
        {"score": "high"},
        {"score": True},
        {"extractor": 7},
        {"extractor": "\x1b[2J"},
        {"eval_images": 0},
        {"eval_images": 2.5},
    ],
)
def test_a_damaged_score_is_none(tmp_path: Path, damage: dict[str, Any]) -> None:
    write(tmp_path, 1000, 0.2)
    write(tmp_path, 2000, **({"score": 0.9} | damage))
    assert choose(tmp_path).card["step"] == 1000


@pytest.mark.parametrize("text", [b"", b"[]", b'{"score": []}', b"[" * 100_000, b"\xff"])
def test_a_damaged_card_is_no_candidate(tmp_path: Path, text: bytes) -> None:
    write(tmp_path, 1000, 0.2)
    (write(tmp_path, 2000, 0.9) / CARD).write_bytes(text)
    assert choose(tmp_path).card["step"] == 1000
    assert newest(tmp_path)[0].name == "000001000"


def test_latest_and_steps_may_be_asked_for(tmp_path: Path) -> None:
    write(tmp_path, 0, 0.1)
    write(tmp_path, 1000, 0.9)
    write(tmp_path, 2000, 0.5)
    assert choose(tmp_path, "latest").card["step"] == 2000
    assert choose(tmp_path, "latest").reason == "the latest"
    assert choose(tmp_path, "0").card["step"] == 0
    assert choose(tmp_path, "1000").reason == "the step asked for"


@pytest.mark.parametrize("take", ["3", "oldest", "", "-1", "\x1b[2J"])
def test_a_step_that_is_not_there_is_refused(tmp_path: Path, take: str) -> None:
    write(tmp_path, 0)
    write(tmp_path, 1000)
    with pytest.raises(CheckpointError, match=r"expected best, latest, or the step.*steps 1000, 0"):
        choose(tmp_path, take)


def test_a_torn_step_is_not_replaced_by_another(tmp_path: Path) -> None:
    (write(tmp_path, 1000, 0.9) / WEIGHTS).unlink()
    write(tmp_path, 2000, 0.5)
    with pytest.raises(CheckpointError, match=r"a whole checkpoint; found .*no such file"):
        choose(tmp_path, "1000")


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.integers(0, 100), st.booleans(), st.sampled_from(["pixels", "judge"])),
        min_size=1,
        max_size=6,
    )
)
def test_nothing_comparable_is_better(
    tmp_path_factory: pytest.TempPathFactory, found: list[tuple[int, bool, str]]
) -> None:
    run = tmp_path_factory.mktemp("run")
    for step, (score, collapsed, extractor) in enumerate(found):
        write(run, step, score / 100, collapsed=collapsed, extractor=extractor)
    rivals = [
        (not collapsed, score, step)
        for step, (score, collapsed, extractor) in enumerate(found)
        if extractor == found[-1][2]
    ]
    assert choose(run).card["step"] == max(rivals)[2]
