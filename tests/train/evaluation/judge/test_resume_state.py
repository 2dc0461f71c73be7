import json
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from ganport_train.evaluation.judge.resume_state import (
    FOLDER,
    holds_only_training,
    prepare_folder,
    read_latest,
    remove_state,
    save_epoch,
)
from ganport_train.evaluation.judge.storage import WEIGHTS, JudgeError
from ganport_train.runs.checkpoint_manager import NETWORKS, OPTIMIZERS, ModelState

MADE = {
    "made_from": {"epochs": 3, "architecture": "residual"},
    "made_on": {"device": "cpu"},
}


def state(value: float = 1.0) -> ModelState:
    network = nn.Linear(64, 64)
    nn.init.constant_(network.weight, value)
    return ModelState({"network": network}, {"optimizer": torch.optim.AdamW(network.parameters())})


@pytest.fixture
def judge(tmp_path: Path) -> Path:
    """Return a folder with one saved epoch."""
    folder = tmp_path / "judge"
    prepare_folder(folder)
    save_epoch(folder, state(), [0.5], MADE)
    return folder


def saved(judge: Path) -> list[str]:
    return sorted(path.name for path in (judge / FOLDER).iterdir())


def test_save_epoch_keeps_only_the_latest(judge: Path) -> None:
    save_epoch(judge, state(2.0), [0.5, 0.25], MADE)
    assert saved(judge) == ["epoch-00002"]
    latest = read_latest(judge)
    assert latest is not None
    assert (list(latest.losses), latest.made_from, latest.made_on) == ([0.5, 0.25], *MADE.values())
    restored = state(0.0)
    restored.load(latest.folder)
    assert (restored.networks["network"].state_dict()["weight"] == 2).all()


def test_read_latest_before_the_first_epoch_returns_none(tmp_path: Path) -> None:
    prepare_folder(tmp_path / "judge")
    assert read_latest(tmp_path / "judge") is None
    assert read_latest(tmp_path / "nowhere") is None


def test_read_latest_after_a_kill_returns_the_newer_epoch(judge: Path) -> None:
    first = judge / FOLDER / "epoch-00001"
    first.rename(judge / "aside")
    save_epoch(judge, state(), [0.5, 0.25], MADE)
    (judge / "aside").rename(first)
    partial = judge / FOLDER / ".epoch-00003.0a1b2c3d4e5f.tmp"
    partial.mkdir()
    (partial / NETWORKS).write_bytes(b"half")
    assert holds_only_training(judge)
    prepare_folder(judge)
    assert saved(judge) == ["epoch-00001", "epoch-00002"]
    latest = read_latest(judge)
    assert latest is not None and latest.folder.name == "epoch-00002"


@pytest.mark.parametrize("name", [NETWORKS, OPTIMIZERS])
@pytest.mark.parametrize("content", [b"", b"other"])
def test_read_latest_with_altered_files_raises(judge: Path, name: str, content: bytes) -> None:
    (judge / FOLDER / "epoch-00001" / name).write_bytes(content)
    with pytest.raises(JudgeError, match="altered") as caught:
        read_latest(judge)
    assert caught.value.place == str(judge / FOLDER / "epoch-00001")


@pytest.mark.parametrize(
    "text", ["", "[]", "[" * 100_000, "{}", '{"losses": ["low"]}', '{"losses": [NaN]}']
)
def test_read_latest_with_corrupt_progress_raises(judge: Path, text: str) -> None:
    (judge / FOLDER / "epoch-00001" / "progress.json").write_text(text)
    with pytest.raises(JudgeError, match=r"progress\.json"):
        read_latest(judge)


def test_read_latest_of_schema_1_renames_the_settings(judge: Path) -> None:
    path = judge / FOLDER / "epoch-00001" / "progress.json"
    old = {"made_from": {"batch": 8, "rate": 0.1, "held_out": 0.2, "shift": 2, "seed": 3}}
    path.write_text(json.dumps(json.loads(path.read_text()) | old))
    latest = read_latest(judge)
    assert latest is not None
    assert latest.made_from == {
        "architecture": "residual",
        "batch_size": 8,
        "learning_rate": 0.1,
        "val_fraction": 0.2,
        "max_shift": 2,
        "seed": 3,
    }


def test_save_epoch_on_a_full_disk_keeps_the_previous_one(judge: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(JudgeError, match="free space"):
            save_epoch(judge, state(), [0.5, 0.25], MADE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert saved(judge) == ["epoch-00001"]
    assert read_latest(judge) is not None


def test_prepare_folder_under_a_file_raises(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(JudgeError, match="writable folder"):
        prepare_folder(tmp_path / "file")


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")


@pytest.mark.parametrize(
    ("add", "expected"),
    [
        (lambda judge: None, True),
        (lambda judge: write(judge / WEIGHTS), True),  # a kill before the metadata was written
        (lambda judge: write(judge / ".judge.json.0a1b2c3d4e5f.tmp"), True),
        (lambda judge: write(judge / "notes.txt"), False),
        (lambda judge: write(judge / FOLDER / "1.png"), False),
        (lambda judge: write(judge / "other" / "1.png"), False),
    ],
)
def test_holds_only_training_finds_other_files(
    judge: Path, add: Callable[[Path], None], expected: bool
) -> None:
    add(judge)
    assert holds_only_training(judge) is expected


def test_remove_state_leaves_an_empty_folder(judge: Path) -> None:
    remove_state(judge)
    assert list(judge.iterdir()) == []
