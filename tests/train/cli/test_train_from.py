"""`train-gan --from` as a user meets it, and data sets with few images or a rare label."""

import io
import re
import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import Result
from PIL import Image

from ganport_models import Checkpoint
from ganport_train.data import load_dataset
from ganport_train.runs.run_dir import read_config

Settings = Callable[..., list[str]]
Invoke = Callable[..., Result]
Refusal = Callable[..., str]


def write_noise(path: Path, hair: Sequence[str]) -> Path:
    """Write a zip of tagged images of random pixels, one for each hair color."""
    random = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        tags = [f"{index},{color} hair red eyes\n" for index, color in enumerate(hair)]
        archive.writestr("tags.csv", "".join(tags))
        for index in range(len(hair)):
            buffer = io.BytesIO()
            Image.fromarray(random.integers(0, 256, (16, 16, 3), np.uint8)).save(buffer, "PNG")
            archive.writestr(f"images/{index}.png", buffer.getvalue())
    return path


@pytest.fixture
def source(tmp_path: Path, faces: Path, settings: Settings, invoke: Invoke) -> Path:
    """Return a run on all colors of hair and eyes."""
    run = tmp_path / "source"
    words = settings("length.max_images=24", "network.base_channels=3")
    assert invoke("quick", "--data", faces, "--out", run, *words).exit_code == 0
    return run


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """Return ten images of two hair colors, one of which the source does not know."""
    return write_noise(tmp_path / "few.zip", ["pink", "silver"] * 5)


def options(settings: Settings, *more: str) -> list[str]:
    """Return the `--set` arguments of a tiny run without the sizes of its networks."""
    words = settings("length.max_images=16", *more)
    pairs = zip(words[::2], words[1::2], strict=True)
    sizes = ("data.resolution", "network.")
    return [word for pair in pairs if not pair[1].startswith(sizes) for word in pair]


def test_run_from_another_takes_its_networks_and_labels(
    tmp_path: Path, source: Path, few: Path, settings: Settings, invoke: Invoke
) -> None:
    run = tmp_path / "run"
    words = ("quick", "--from", source, "--data", few, "--out", run)
    result = invoke(*words, *options(settings, "logging.keep=9", "logging.eval_images=512"))
    assert result.exit_code == 0, result.output
    assert re.search(r"took (\d+) of \1 tensors of .*, 24 training images", result.output)
    assert "hair: took 1 of 2 labels; new, at the mean: silver; left out: " in result.output
    assert "eyes: took 1 of 1 labels; left out: " in result.output
    assert "warning: only 8 training images" in result.output
    recipe, environment = read_config(run)
    assert recipe.network.base_channels == 3
    assert environment.start_from == str(source / "checkpoints" / "000000006")
    before, first = Checkpoint.load(source), Checkpoint.load(run, "0")
    torch.testing.assert_close(first.weights["stem.weight"], before.weights["stem.weight"])
    shutil.rmtree(source)
    longer = invoke("--resume", run, "--set", "length.max_images=24")
    assert longer.exit_code == 0, longer.output


def test_run_that_ended_before_its_first_checkpoint_starts_from_the_source_again(
    tmp_path: Path, source: Path, few: Path, settings: Settings, invoke: Invoke
) -> None:
    run = tmp_path / "run"
    words = ("quick", "--from", source, "--data", few, "--out", run, *options(settings))
    assert invoke(*words).exit_code == 0
    expected = Checkpoint.load(run).weights
    shutil.rmtree(run / "checkpoints")
    again = invoke("--resume", run)
    assert "took " in again.output
    found = Checkpoint.load(run).weights
    assert all(torch.equal(value, found[name]) for name, value in expected.items())


def test_source_with_another_size_or_a_resumed_run_is_refused(
    tmp_path: Path, source: Path, few: Path, refusal: Refusal
) -> None:
    words = ("quick", "--from", source, "--data", few, "--out", tmp_path / "run")
    assert "no change of the networks" in refusal(*words, "--set", "network.z_dim=9")
    assert "--resume excludes --from" in refusal("--resume", source, "--from", source)
    assert "--from nowhere" in refusal("quick", "--from", "nowhere", *words[3:])
    assert not (tmp_path / "run").exists()


def test_rare_label_is_trained_with_a_warning(
    tmp_path: Path, settings: Settings, invoke: Invoke
) -> None:
    data = write_noise(tmp_path / "rare.zip", ["pink", *["black"] * 1000])
    words = settings("length.max_images=16", "logging.eval_images=512")
    result = invoke("quick", "--data", data, "--out", tmp_path / "run", *words)
    assert result.exit_code == 0, result.output
    assert re.search(r"warning: hair: 9\d\d training images of black, 1 of pink", result.output)
    dataset = load_dataset(data, resolution=16)
    pink = dataset.conditions.slices["hair"].start + dataset.conditions["hair"].labels.index("pink")
    train, _ = dataset.split(0.9)
    assert dataset.vectors[train, pink].sum() == 1
