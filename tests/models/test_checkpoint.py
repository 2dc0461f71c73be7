"""A checkpoint loads whole or not at all, and says which file is at fault."""

import json
import re
from pathlib import Path

import pytest
import safetensors.torch
import torch

from ganport_models import Checkpoint, CheckpointError, NetworkConfig, build_generator
from ganport_models.metadata import CARD, WEIGHTS, describe_files
from ganport_models.migrations import SCHEMA_VERSION
from ganport_models.selection import newest
from ganport_runtime.conditions import Conditions

SHAPE = NetworkConfig(resolution=16, condition_size=5, base_channels=2, z_dim=6, embed_dim=4)
CONDITIONS = Conditions.one_hots({"hair": ["pink", "black", "red"], "eyes": ["blue", "green"]})


def write(folder: Path, *, step: int = 7, seed: int = 0) -> Path:
    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    weights = build_generator("film_dcgan", SHAPE).state_dict()
    safetensors.torch.save_file(weights, folder / WEIGHTS)
    card = {
        "schema_version": SCHEMA_VERSION,
        "step": step,
        "images": step * 64,
        "architecture": "film_dcgan",
        "network_config": SHAPE.to_json(),
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
    with pytest.raises(CheckpointError, match="another sha256 than its card states") as caught:
        Checkpoint.load(tmp_path)
    assert "Train first" not in str(caught.value)
    assert ".." not in str(caught.value)


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
    change(folder, schema_version=SCHEMA_VERSION + 1)
    with pytest.raises(
        CheckpointError, match=r"schema version 2 or lower; found version 3\. Use a newer"
    ):
        Checkpoint.load(folder)


def number(name: str, value: object) -> dict[str, object]:
    return {"network_config": SHAPE.to_json() | {name: value}}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"architecture": 3}, "architecture: expected text"),
        ({"architecture": "film_dcgn"}, "generator: expected one of"),
        ({"schema_version": True}, "schema_version: expected an integer"),
        ({"schema_version": 1.0}, "schema_version: expected an integer"),
        ({"schema_version": 0}, "schema_version: expected an integer from 1"),
        ({"step": "seven"}, "step: expected an integer"),
        ({"step": -1}, "step: expected an integer from 0"),
        ({"step": 7.0}, "step: expected an integer"),
        ({"images": True}, "images: expected an integer"),
        ({"images": -1}, "images: expected an integer from 0"),
        ({"images": 10**25}, "images: expected an integer"),
        ({"images": float("inf")}, "Infinity is not a JSON number"),
        ({"recipe": []}, "recipe: expected a JSON object"),
        ({"conditions": "hair"}, "conditions: expected"),
        ({"conditions": []}, "a condition_size of 5 beside conditions of 0"),
        (
            {"network_config": {"resolution": "x"}},
            "network_config: resolution: expected an integer",
        ),
        (
            {"network_config": {"depth": 4}},
            "expected the required key 'resolution'",
        ),
        (number("depth", 4), "a network_config with numbers that are unknown"),
        (number("resolution", 48), "resolution: expected a power of two"),
        (number("base_channels", True), "base_channels: expected an integer"),
        (number("base_channels", 2.0), "base_channels: expected an integer"),
        (number("base_channels", 1025), "base_channels: expected a number from 1 to 1024"),
        (number("z_dim", 65537), "z_dim: expected a number from 1 to 65536"),
        (number("embed_dim", 10**30), "embed_dim: expected an integer"),
        ({"files": {}}, f"files: expected the required key '{WEIGHTS}'"),
        ({"files": [WEIGHTS]}, "files: expected a JSON object"),
        ({"files": {WEIGHTS: "all of it"}}, f"files: {WEIGHTS}: expected a JSON object"),
        ({"files": {WEIGHTS: {"size": True}}}, "size: expected an integer"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, fields: dict[str, object], words: str) -> None:
    folder = write(tmp_path / "one")
    change(folder, **fields)
    with pytest.raises(CheckpointError, match=re.escape(words)) as caught:
        Checkpoint.load(folder)
    assert CARD in caught.value.place or WEIGHTS in caught.value.place


@pytest.mark.parametrize("name", ["../secret", "..", "", "a\0b", "\x1b[2J", "a" * 50, "a" * 300])
def test_a_hostile_file_name_is_refused(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path / "one")
    (tmp_path / "secret").write_text("")
    change(folder, files=describe_files(folder) | {name: {"size": 0, "sha256": ""}})
    with pytest.raises(CheckpointError, match=r"no plain name of a file|no such file") as caught:
        Checkpoint.load(folder)
    assert str(caught.value).isprintable()


def test_a_shape_is_compared_before_anything_of_it_is_built(tmp_path: Path) -> None:
    folder = write(tmp_path / "one")
    huge = {"base_channels": 1024, "z_dim": 65536, "embed_dim": 65536, "resolution": 1024}
    change(folder, network_config=SHAPE.to_json() | huge)  # some 30 GB, were it built
    with pytest.raises(CheckpointError, match="expected the weights of film_dcgan"):
        Checkpoint.load(folder)


def test_weights_of_another_type_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "one")
    weights = safetensors.torch.load_file(folder / WEIGHTS)
    safetensors.torch.save_file(
        {name: value.double() for name, value in weights.items()}, folder / WEIGHTS
    )
    (folder / CARD).rename(tmp_path / "card")
    files = describe_files(folder)
    (tmp_path / "card").rename(folder / CARD)
    change(folder, files=files)
    with pytest.raises(CheckpointError, match="expected the weights of film_dcgan"):
        Checkpoint.load(folder)


def write_directions(folder: Path, directions: dict[str, torch.Tensor]) -> None:
    safetensors.torch.save_file(directions, folder / "directions.safetensors")
    change(folder, files=describe_files(folder))


def test_directions_come_with_it_where_there_are_any(tmp_path: Path) -> None:
    folder = write(tmp_path / "x")
    assert not Checkpoint.load(folder).directions
    write_directions(folder, {"hair/pink": torch.ones(6)})
    assert torch.equal(Checkpoint.load(folder).directions["hair/pink"], torch.ones(6))


def test_directions_of_another_type_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "x")
    write_directions(folder, {"hair/pink": torch.ones(6, dtype=torch.bfloat16)})
    with pytest.raises(CheckpointError, match=r"found hair/pink in torch\.bfloat16"):
        Checkpoint.load(folder)


def test_newest_gives_the_card_of_the_latest(tmp_path: Path) -> None:
    write(tmp_path / "checkpoints" / "000000010", step=10)
    write(tmp_path / "checkpoints" / "000000020", step=20)
    folder, card = newest(tmp_path)
    assert folder == Checkpoint.load(tmp_path).path
    assert card["step"] == 20


def test_version_1_loads_for_ever() -> None:
    checkpoint = Checkpoint.load(Path(__file__).parent / "data" / "version-1")
    assert (checkpoint.step, checkpoint.images, checkpoint.architecture) == (6, 24, "film_dcgan")
    assert (checkpoint.reason, checkpoint.score) == ("", None)
    condition = torch.from_numpy(checkpoint.conditions.encode("pink hair black eyes"))[None]
    with torch.no_grad():
        picture = checkpoint.generator()(torch.ones(1, 4), condition)
    expected = torch.tensor([0.1081939, 0.0401896])
    found = torch.stack([picture.mean(), picture.std()])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=0)


def test_a_run_gives_its_best_and_says_so(tmp_path: Path) -> None:
    for step, score in ((10, 0.9), (20, 0.4)):
        folder = write(tmp_path / "checkpoints" / f"{step:09d}", step=step)
        scale = {"extractor": "pixels", "eval_images": 8, "collapsed": False}
        change(folder, score={"score": score, **scale})
    best = Checkpoint.load(tmp_path)
    assert (best.step, best.score) == (10, 0.9)
    assert best.reason == "best of 2 by score 0.90; the latest is 000000020"
    assert Checkpoint.load(tmp_path, "latest").step == 20
