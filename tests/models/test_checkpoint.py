"""Loading of checkpoints, and errors that name the file at fault."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch

from ganport_models import Checkpoint, CheckpointError, NetworkConfig, build_generator
from ganport_models.metadata import METADATA, WEIGHTS, describe_files
from ganport_models.migrations import SCHEMA_VERSION
from ganport_models.selection import newest
from ganport_runtime.conditions import Conditions
from ganport_runtime.images.format import ImageFormat

CONFIG = NetworkConfig(resolution=16, condition_size=5, base_channels=2, z_dim=6, embed_dim=4)
CONDITIONS = Conditions.one_hots({"hair": ["pink", "black", "red"], "eyes": ["blue", "green"]})


def write(folder: Path, *, step: int = 7, seed: int = 0, config: NetworkConfig = CONFIG) -> Path:
    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    weights = build_generator("film_dcgan", config).state_dict()
    safetensors.torch.save_file(weights, folder / WEIGHTS)
    metadata = {
        "schema_version": SCHEMA_VERSION,
        "step": step,
        "images": step * 64,
        "architecture": "film_dcgan",
        "network_config": config.to_json(),
        "conditions": CONDITIONS.to_json(),
        "recipe": {"title": "test"},
        "files": describe_files(folder),
    }
    (folder / METADATA).write_text(json.dumps(metadata))
    return folder


def change(folder: Path, **fields: object) -> None:
    metadata = json.loads((folder / METADATA).read_text())
    (folder / METADATA).write_text(json.dumps(metadata | fields))


def test_checkpoint_round_trip(tmp_path: Path) -> None:
    checkpoint = Checkpoint.load(write(tmp_path / "one"))
    assert (checkpoint.step, checkpoint.images) == (7, 448)
    assert checkpoint.conditions == CONDITIONS
    generator = checkpoint.generator()
    assert not generator.training
    torch.manual_seed(0)
    expected = build_generator("film_dcgan", CONFIG).eval()
    z, condition = torch.randn(2, 6), torch.eye(5)[:2]
    torch.testing.assert_close(generator(z, condition), expected(z, condition))


def test_load_run_skips_corrupt_checkpoint(tmp_path: Path) -> None:
    write(tmp_path / "checkpoints" / "000000010", step=10)
    newest = write(tmp_path / "checkpoints" / "000000020", step=20)
    assert Checkpoint.load(tmp_path).step == 20
    weights = newest / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-40])
    assert Checkpoint.load(tmp_path).step == 10


def test_load_run_without_intact_checkpoint_raises(tmp_path: Path) -> None:
    folder = write(tmp_path / "checkpoints" / "000000010", step=10)
    (folder / WEIGHTS).write_bytes(b"\0" * (folder / WEIGHTS).stat().st_size)
    with pytest.raises(CheckpointError, match="a SHA-256 other than") as caught:
        Checkpoint.load(tmp_path)
    assert "Train first" not in str(caught.value)
    assert ".." not in str(caught.value)


def test_load_empty_run_raises(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(CheckpointError, match=r"found none\. Train first: train-gan"):
        Checkpoint.load(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema_version": 1}', "[" * 100_000])
def test_load_invalid_metadata_raises(tmp_path: Path, text: str) -> None:
    folder = write(tmp_path / "one")
    (folder / METADATA).write_text(text)
    with pytest.raises(CheckpointError, match=METADATA):
        Checkpoint.load(folder)


def test_load_missing_folder_raises(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="expected a complete, unaltered checkpoint file"):
        Checkpoint.load(tmp_path / "nowhere")


def test_load_newer_schema_raises(tmp_path: Path) -> None:
    folder = write(tmp_path / "one")
    change(folder, schema_version=SCHEMA_VERSION + 1)
    with pytest.raises(
        CheckpointError, match=r"schema version 3 or lower; found version 4\. Use a newer"
    ):
        Checkpoint.load(folder)


def test_checkpoint_without_image_has_square_rgb_images(tmp_path: Path) -> None:
    assert Checkpoint.load(write(tmp_path / "one")).image == ImageFormat((16, 16))


def test_checkpoint_image_round_trip(tmp_path: Path) -> None:
    config = replace(CONFIG, resolution=(24, 16), image_channels=4)
    image = ImageFormat((24, 16), "rgba", True, ("#000000", "#ff0000"), 2)
    folder = write(tmp_path / "one", config=config)
    change(folder, image=image.to_json())
    checkpoint = Checkpoint.load(folder)
    assert checkpoint.config == config
    assert checkpoint.image == image
    pixels = checkpoint.generator()(torch.randn(2, 6), torch.eye(5)[:2])
    assert pixels.shape == (2, 4, 24, 16)


def number(name: str, value: object) -> dict[str, object]:
    return {"network_config": CONFIG.to_json() | {name: value}}


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
        ({"conditions": []}, "a condition_size of 5 and conditions of 0"),
        (
            {"network_config": {"resolution": "x"}},
            "network_config: resolution: expected an integer",
        ),
        (number("resolution", [16]), "resolution: expected a number or [height, width]"),
        (number("resolution", [16, 17]), "resolution: expected multiples of 4"),
        (number("image_channels", 2), "image_channels: expected 1, 3 or 4"),
        ({"image": {"size": [16, 16], "mode": "gray"}}, "and a network of (16, 16) rgb"),
        ({"image": {"size": [16, 24], "mode": "rgb"}}, "and a network of (16, 16) rgb"),
        ({"image": {"size": [16, 16], "mode": "cmyk"}}, "image: image mode: expected one of"),
        (
            {"network_config": {"depth": 4}},
            "expected the required key 'resolution'",
        ),
        (number("depth", 4), "a network_config with unknown fields"),
        (number("resolution", 50), "resolution: expected multiples of 4"),
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
def test_load_invalid_field_names_it(tmp_path: Path, fields: dict[str, object], words: str) -> None:
    folder = write(tmp_path / "one")
    change(folder, **fields)
    with pytest.raises(CheckpointError, match=re.escape(words)) as caught:
        Checkpoint.load(folder)
    assert METADATA in caught.value.place or WEIGHTS in caught.value.place


@pytest.mark.parametrize("name", ["../secret", "..", "", "a\0b", "\x1b[2J", "a" * 50, "a" * 300])
def test_load_unsafe_file_name_raises(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path / "one")
    (tmp_path / "secret").write_text("")
    change(folder, files=describe_files(folder) | {name: {"size": 0, "sha256": ""}})
    with pytest.raises(CheckpointError, match=r"not a plain file name|no such file") as caught:
        Checkpoint.load(folder)
    assert str(caught.value).isprintable()


def test_load_compares_config_before_building(tmp_path: Path) -> None:
    folder = write(tmp_path / "one")
    huge = {"base_channels": 1024, "z_dim": 65536, "embed_dim": 65536, "resolution": 1024}
    change(folder, network_config=CONFIG.to_json() | huge)  # about 30 GB of weights
    with pytest.raises(CheckpointError, match="expected the weights of film_dcgan"):
        Checkpoint.load(folder)


def test_load_weights_of_other_dtype_raise(tmp_path: Path) -> None:
    folder = write(tmp_path / "one")
    weights = safetensors.torch.load_file(folder / WEIGHTS)
    safetensors.torch.save_file(
        {name: value.double() for name, value in weights.items()}, folder / WEIGHTS
    )
    (folder / METADATA).rename(tmp_path / "metadata")
    files = describe_files(folder)
    (tmp_path / "metadata").rename(folder / METADATA)
    change(folder, files=files)
    with pytest.raises(CheckpointError, match="expected the weights of film_dcgan"):
        Checkpoint.load(folder)


def write_directions(folder: Path, directions: dict[str, torch.Tensor]) -> None:
    safetensors.torch.save_file(directions, folder / "directions.safetensors")
    change(folder, files=describe_files(folder))


def test_load_reads_directions(tmp_path: Path) -> None:
    folder = write(tmp_path / "x")
    assert not Checkpoint.load(folder).directions
    write_directions(folder, {"hair/pink": torch.ones(6)})
    assert torch.equal(Checkpoint.load(folder).directions["hair/pink"], torch.ones(6))


def test_load_directions_of_other_dtype_raise(tmp_path: Path) -> None:
    folder = write(tmp_path / "x")
    write_directions(folder, {"hair/pink": torch.ones(6, dtype=torch.bfloat16)})
    with pytest.raises(CheckpointError, match=r"found hair/pink in torch\.bfloat16"):
        Checkpoint.load(folder)


def test_newest_returns_metadata_of_latest(tmp_path: Path) -> None:
    write(tmp_path / "checkpoints" / "000000010", step=10)
    write(tmp_path / "checkpoints" / "000000020", step=20)
    folder, metadata = newest(tmp_path)
    assert folder == Checkpoint.load(tmp_path).path
    assert metadata["step"] == 20


def test_load_version_1_checkpoint() -> None:
    checkpoint = Checkpoint.load(Path(__file__).parent / "data" / "version-1")
    assert (checkpoint.step, checkpoint.images, checkpoint.architecture) == (6, 24, "film_dcgan")
    assert (checkpoint.reason, checkpoint.score) == ("", None)
    condition = torch.from_numpy(checkpoint.conditions.encode("pink hair black eyes"))[None]
    with torch.no_grad():
        image = checkpoint.generator()(torch.ones(1, 4), condition)
    expected = torch.tensor([0.1081939, 0.0401896])
    found = torch.stack([image.mean(), image.std()])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=0)


def test_load_run_returns_best_with_reason(tmp_path: Path) -> None:
    for step, score in ((10, 0.9), (20, 0.4)):
        folder = write(tmp_path / "checkpoints" / f"{step:09d}", step=step)
        scale = {"extractor": "pixels", "eval_images": 8, "collapsed": False}
        change(folder, score={"score": score, **scale})
    best = Checkpoint.load(tmp_path)
    assert (best.step, best.score) == (10, 0.9)
    assert best.reason == "best of 2 by score 0.90; the latest is 000000020"
    assert Checkpoint.load(tmp_path, "latest").step == 20
