"""What a training keeps: one whole epoch at any moment, and nothing that is not its own."""

import json
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from ganport_train.evaluation.judge import resume_state
from ganport_train.evaluation.judge.file import WEIGHTS, JudgeError
from ganport_train.evaluation.judge.resume_state import FOLDER
from ganport_train.runs.checkpoint_io import NETWORKS, OPTIMIZERS, State

MADE = {"made_from": {"epochs": 3}, "made_on": {"device": "cpu"}}


def state(value: float = 1.0) -> State:
    network = nn.Linear(64, 64)
    nn.init.constant_(network.weight, value)
    return State({"network": network}, {"optimizer": torch.optim.AdamW(network.parameters())})


@pytest.fixture
def judge(tmp_path: Path) -> Path:
    """A folder with an epoch in it."""
    folder = tmp_path / "judge"
    resume_state.prepare(folder)
    resume_state.keep(folder, state(), [0.5], MADE)
    return folder


def kept(judge: Path) -> list[str]:
    return sorted(path.name for path in (judge / FOLDER).iterdir())


def test_the_newest_epoch_alone_is_kept(judge: Path) -> None:
    resume_state.keep(judge, state(2.0), [0.5, 0.25], MADE)
    assert kept(judge) == ["epoch-00002"]
    found = resume_state.newest(judge)
    assert found is not None
    assert (list(found.losses), found.made_from, found.made_on) == ([0.5, 0.25], *MADE.values())
    taken = state(0.0)
    taken.load(found.folder)
    assert (taken.networks["network"].state_dict()["weight"] == 2).all()


def test_before_the_first_epoch_there_is_none(tmp_path: Path) -> None:
    resume_state.prepare(tmp_path / "judge")
    assert resume_state.newest(tmp_path / "judge") is None
    assert resume_state.newest(tmp_path / "nowhere") is None


def test_a_kill_between_two_epochs_leaves_the_newer(judge: Path) -> None:
    first = judge / FOLDER / "epoch-00001"
    first.rename(judge / "aside")
    resume_state.keep(judge, state(), [0.5, 0.25], MADE)
    (judge / "aside").rename(first)
    half = judge / FOLDER / ".epoch-00003.0a1b2c3d4e5f.tmp"
    half.mkdir()
    (half / NETWORKS).write_bytes(b"half")
    assert resume_state.holds_nothing_else(judge)
    resume_state.prepare(judge)
    assert kept(judge) == ["epoch-00001", "epoch-00002"]
    found = resume_state.newest(judge)
    assert found is not None and found.folder.name == "epoch-00002"


@pytest.mark.parametrize("name", [NETWORKS, OPTIMIZERS])
@pytest.mark.parametrize("alter", [b"", b"other"])
def test_torn_and_altered_files_are_found(judge: Path, name: str, alter: bytes) -> None:
    (judge / FOLDER / "epoch-00001" / name).write_bytes(alter)
    with pytest.raises(JudgeError, match=r"torn or altered\. Remove .*training and train again"):
        resume_state.newest(judge)


@pytest.mark.parametrize("text", ["", "[]", "[" * 100_000, "{}", '{"losses": ["low"]}'])
def test_damaged_progress_is_an_error(judge: Path, text: str) -> None:
    (judge / FOLDER / "epoch-00001" / "progress.json").write_text(text)
    with pytest.raises(JudgeError, match="expected the state of an unfinished training"):
        resume_state.newest(judge)


def test_losses_that_are_no_numbers_are_an_error(judge: Path) -> None:
    place = judge / FOLDER / "epoch-00001" / "progress.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | {"losses": [float("nan")]}))
    with pytest.raises(JudgeError, match="NaN is not a JSON number"):
        resume_state.newest(judge)


def test_a_full_disk_leaves_the_epoch_before(judge: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(JudgeError, match=r"and room in it; found .*the same command goes on"):
            resume_state.keep(judge, state(), [0.5, 0.25], MADE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert kept(judge) == ["epoch-00001"]
    assert resume_state.newest(judge) is not None


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(JudgeError, match="expected a folder that can be written to"):
        resume_state.prepare(tmp_path / "file")


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")


@pytest.mark.parametrize(
    ("spoil", "alone"),
    [
        (lambda judge: None, True),
        (lambda judge: write(judge / WEIGHTS), True),  # a kill before the card was written
        (lambda judge: write(judge / ".judge.json.0a1b2c3d4e5f.tmp"), True),
        (lambda judge: write(judge / "notes.txt"), False),
        (lambda judge: write(judge / FOLDER / "1.png"), False),
        (lambda judge: write(judge / "other" / "1.png"), False),
    ],
)
def test_files_of_others_are_noticed(
    judge: Path, spoil: Callable[[Path], None], alone: bool
) -> None:
    spoil(judge)
    assert resume_state.holds_nothing_else(judge) is alone


def test_the_end_leaves_nothing(judge: Path) -> None:
    resume_state.remove(judge)
    assert list(judge.iterdir()) == []
