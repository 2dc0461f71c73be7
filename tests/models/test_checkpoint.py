"""A checkpoint loads whole or not at all, and says which file is at fault."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from ganport_models import Checkpoint, CheckpointError, Shape, build_generator
from ganport_models.checkpoint import CARD, WEIGHTS, describe_files
from ganport_runtime.conditions import Conditions

SHAPE = Shape(resolution=16, condition_size=5, features=2, latent=6, embedding=4)
CONDITIONS = Conditions.one_hots({"hair": ["pink", "black", "red"], "eyes": ["blue", "green"]})


def write(folder: Path, *, step: int = 7, seed: int = 0) -> Path:
    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    weights = build_generator("film_dcgan", SHAPE).state_dict()
    safetensors.torch.save_file(weights, folder / WEIGHTS)
    card = {
        "schema_version": 1,
        "step": step,
        "images": step * 64,
        "architecture": "film_dcgan",
        "shape": SHAPE.to_json(),
        "conditions": CONDITIONS.to_json(),
        "recipe": {"title": "test"},
        "files": describe_files(folder),
    }
    (folder / CARD).write_text(json.dumps(card))
    return folder


def change(folder: Path, **fields: object) -> None:
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps(card | fields))


def test_round_trip(tmp_path: Path) -> None:
    checkpoint = Checkpoint.load(write(tmp_path / "one"))
    assert (checkpoint.step, checkpoint.images) == (7, 448)
    assert checkpoint.conditions == CONDITIONS
    generator = checkpoint.generator()
    assert not generator.training
    torch.manual_seed(0)
    expected = build_generator("film_dcgan", SHAPE).eval()
    z, condition = torch.randn(2, 6), torch.eye(5)[:2]
    torch.testing.assert_close(generator(z, condition), expected(z, condition))


def test_a_run_gives_its_latest_good_checkpoint(tmp_path: Path) -> None:
    write(tmp_path / "checkpoints" / "000000010", step=10)
    newest = write(tmp_path / "checkpoints" / "000000020", step=20)
    assert Checkpoint.load(tmp_path).step == 20
    torn = newest / WEIGHTS
    torn.write_bytes(torn.read_bytes()[:-40])
    assert Checkpoint.load(tmp_path).step == 10


def test_a_run_without_a_good_one_names_each_fault(tmp_path: Path) -> None:
    folder = write(tmp_path / "checkpoints" / "000000010", step=10)
    (folder / WEIGHTS).write_bytes(b"\0" * (folder / WEIGHTS).stat().st_size)
    with pytest.raises(CheckpointError, match="another sha256 than its card states"):
        Checkpoint.load(tmp_path)


def test_an_empty_run_says_to_train_first(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(CheckpointError, match=r"found none\. Train first: train-gan"):
        Checkpoint.load(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema_version": 1}', "[" * 100_000])
def test_a_damaged_card_is_an_error(tmp_path: Path, text: str) -> None:
    folder = write(tmp_path / "one")
    (folder / CARD).write_text(text)
    with pytest.raises(CheckpointError, match=CARD):
        Checkpoint.load(folder)


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="expected a whole, unaltered checkpoint file"):
        Checkpoint.load(tmp_path / "nowhere")


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "one")
    change(folder, schema_version=2)
    with pytest.raises(CheckpointError, match=r"schema version 1 or lower; found 2\. Use a newer"):
        Checkpoint.load(folder)


@pytest.mark.parametrize(
    "fields",
    [
        {"architecture": 3},
        {"shape": {"resolution": "x"}},
        {"shape": {"depth": 4}},
        {"step": "seven"},
        {"files": {"../secret": {"size": 1, "sha256": ""}}},
        {"files": {WEIGHTS: "all of it"}},
    ],
)
def test_a_wrong_field_is_an_error(tmp_path: Path, fields: dict[str, object]) -> None:
    folder = write(tmp_path / "one")
    change(folder, **fields)
    with pytest.raises(CheckpointError):
        Checkpoint.load(folder)


def test_weights_of_another_shape_are_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "one")
    change(folder, shape=SHAPE.to_json() | {"features": 4})
    with pytest.raises(CheckpointError, match="expected the weights of film_dcgan in this shape"):
        Checkpoint.load(folder).generator()
