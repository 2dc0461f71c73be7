"""Selection of a checkpoint: best, latest or by step, and the reason."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganport_models import CheckpointError
from ganport_models.metadata import METADATA, WEIGHTS, describe_files
from ganport_models.migrations import SCHEMA_VERSION
from ganport_models.selection import (
    FOLDER,
    best,
    newest,
    select_checkpoint,
)


def write(run: Path, step: int, score: float | None = None, **more: Any) -> Path:
    folder = run / FOLDER / f"{step:09d}"
    folder.mkdir(parents=True)
    (folder / WEIGHTS).write_bytes(b"weights")
    metadata: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "step": step,
        "images": step * 64,
        "files": describe_files(folder),
    }
    if score is not None:
        scale = {"extractor": "pixels", "eval_images": 512, "collapsed": False}
        metadata["score"] = {"score": score, **scale, **more}
    (folder / METADATA).write_text(json.dumps(metadata))
    return folder


def test_select_checkpoint_returns_best_with_reason(tmp_path: Path) -> None:
    for step, score in ((1000, 0.5), (2000, 0.834), (3000, 0.7)):
        write(tmp_path, step, score)
    selected = select_checkpoint(tmp_path)
    assert selected.metadata["step"] == 2000
    assert selected.reason == "best of 3 by score 0.83; the latest is 000003000"
    assert best(tmp_path) == selected.folder


def test_select_checkpoint_best_that_is_the_latest_says_so(tmp_path: Path) -> None:
    write(tmp_path, 1000, 0.5)
    write(tmp_path, 2000, 0.6)
    assert select_checkpoint(tmp_path).reason == "best of 2 by score 0.60, and the latest"


def test_select_checkpoint_nearly_equal_scores_prefer_newest(tmp_path: Path) -> None:
    write(tmp_path, 1000, 0.8349)
    write(tmp_path, 2000, 0.8301)
    assert select_checkpoint(tmp_path).metadata["step"] == 2000


def test_select_checkpoint_without_score_returns_latest(tmp_path: Path) -> None:
    write(tmp_path, 1000)
    write(tmp_path, 2000)
    selected = select_checkpoint(tmp_path)
    assert (selected.metadata["step"], selected.reason) == (2000, "the latest; none has a score")
    assert best(tmp_path) is None


def test_select_checkpoint_skips_corrupt_best(tmp_path: Path) -> None:
    write(tmp_path, 1000, 0.5)
    (write(tmp_path, 2000, 0.9) / WEIGHTS).write_bytes(b"wei")
    write(tmp_path, 3000, 0.7)
    selected = select_checkpoint(tmp_path)
    assert selected.metadata["step"] == 3000
    assert selected.reason == "best of 3 by score 0.70, and the latest; 000002000 is corrupt"


def test_select_checkpoint_all_scored_corrupt_returns_latest(tmp_path: Path) -> None:
    (write(tmp_path, 1000, 0.9) / WEIGHTS).unlink()
    write(tmp_path, 2000)
    write(tmp_path, 3000)
    assert select_checkpoint(tmp_path).metadata["step"] == 3000


@pytest.mark.parametrize("other", [{"extractor": "judge 0a1b"}, {"eval_images": 64}])
def test_select_checkpoint_ignores_incomparable_scores(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    write(tmp_path, 1000, 0.99, **other)
    write(tmp_path, 2000, 0.3)
    write(tmp_path, 3000, 0.2)
    selected = select_checkpoint(tmp_path)
    assert selected.reason == "best of 2 by score 0.30; the latest is 000003000"


def test_select_checkpoint_ranks_collapsed_last(tmp_path: Path) -> None:
    write(tmp_path, 1000, 0.9, collapsed=True)
    write(tmp_path, 2000, 0.8, collapsed=True)
    assert select_checkpoint(
        tmp_path
    ).reason == "best of 2 by score 0.90, all collapsed; the latest is " + ("000002000")
    write(tmp_path, 3000, 0.1)
    assert select_checkpoint(tmp_path).metadata["step"] == 3000


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
def test_select_checkpoint_ignores_invalid_score(tmp_path: Path, damage: dict[str, Any]) -> None:
    write(tmp_path, 1000, 0.2)
    write(tmp_path, 2000, **({"score": 0.9} | damage))
    assert select_checkpoint(tmp_path).metadata["step"] == 1000


@pytest.mark.parametrize("text", [b"", b"[]", b'{"score": []}', b"[" * 100_000, b"\xff"])
def test_select_checkpoint_skips_invalid_metadata(tmp_path: Path, text: bytes) -> None:
    write(tmp_path, 1000, 0.2)
    (write(tmp_path, 2000, 0.9) / METADATA).write_bytes(text)
    assert select_checkpoint(tmp_path).metadata["step"] == 1000
    assert newest(tmp_path)[0].name == "000001000"


def test_select_checkpoint_latest_or_step(tmp_path: Path) -> None:
    write(tmp_path, 0, 0.1)
    write(tmp_path, 1000, 0.9)
    write(tmp_path, 2000, 0.5)
    assert select_checkpoint(tmp_path, "latest").metadata["step"] == 2000
    assert select_checkpoint(tmp_path, "latest").reason == "the latest"
    assert select_checkpoint(tmp_path, "0").metadata["step"] == 0
    assert select_checkpoint(tmp_path, "1000").reason == "the requested step"


@pytest.mark.parametrize("which", ["3", "oldest", "", "-1", "\x1b[2J"])
def test_select_checkpoint_missing_step_raises(tmp_path: Path, which: str) -> None:
    write(tmp_path, 0)
    write(tmp_path, 1000)
    with pytest.raises(
        CheckpointError, match=r"expected best, latest, or the step.*steps are 1000, 0"
    ):
        select_checkpoint(tmp_path, which)


def test_select_checkpoint_corrupt_step_raises(tmp_path: Path) -> None:
    (write(tmp_path, 1000, 0.9) / WEIGHTS).unlink()
    write(tmp_path, 2000, 0.5)
    with pytest.raises(CheckpointError, match=r"an intact checkpoint; found .*no such file"):
        select_checkpoint(tmp_path, "1000")


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.integers(0, 100), st.booleans(), st.sampled_from(["pixels", "judge"])),
        min_size=1,
        max_size=6,
    )
)
def test_select_checkpoint_returns_maximum(
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
    assert select_checkpoint(run).metadata["step"] == max(rivals)[2]
