"""Runs on sprites: the format in config, checkpoint and grid, exact resume, and older runs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tomli_w
import torch
from PIL import Image

from ganport_models import Checkpoint
from ganport_runtime.images.format import ImageFormat
from ganport_train.config import recipes
from ganport_train.config.recipe import Recipe
from ganport_train.data import Dataset, load_dataset
from ganport_train.engine.sample_grids import generate_grid
from ganport_train.engine.trainer import Trainer
from ganport_train.engine.warm_start import WarmStart
from ganport_train.runs.run_dir import CONFIG, RunEnvironment, read_config, write_config
from ganport_train.runs.train_state import StopSignal
from ganport_train.synthetic.writer import write_sprites

CPU = torch.device("cpu")
Until = Callable[..., Recipe]
Digests = Callable[[Path], dict[str, str]]


@pytest.fixture(scope="module")
def sprites(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("sprites")
    write_sprites(folder / "sprites.zip", 60, 32)
    return load_dataset(folder / "sprites.zip", resolution=32, cache=folder / "cache")


@pytest.fixture
def automatic(tiny: list[str]) -> Recipe:
    options = [*tiny, "data.resolution=32", "length.max_images=16", "logging.eval_images=8"]
    return recipes.load("quick", options)


def start(run: Path, recipe: Recipe, dataset: Dataset) -> Trainer:
    run.mkdir(exist_ok=True)
    return Trainer(run, recipe, dataset, CPU, log=lambda line: None)


def test_run_on_sprites_states_their_format_and_resumes_exactly(
    tmp_path: Path, automatic: Recipe, sprites: Dataset, until: Until, digests: Digests
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    trainer = start(whole, automatic, sprites)
    assert (trainer.recipe.data.mode, trainer.recipe.data.pixelated) == ("rgba", True)
    assert trainer.recipe.data.palette == len(sprites.image.palette) > 2
    trainer.train(StopSignal())
    start(parts, until(automatic, 8), sprites).train(StopSignal())
    resumed = start(parts, automatic, sprites)
    resumed.resume()
    assert resumed.state.step == 2
    resumed.train(StopSignal())
    assert digests(whole) == digests(parts)
    checkpoint = Checkpoint.load(whole)
    assert checkpoint.image == sprites.image
    assert checkpoint.config.image_channels == 4
    images = generate_grid(checkpoint.generator(), sprites.conditions, sprites.image).images
    visible = images[images[..., 3] > 0]
    assert set(np.unique(images[..., 3])) <= {0, 255}
    colors = {f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue, _ in visible.tolist()}
    assert colors <= set(sprites.image.palette)
    grids = sorted((whole / "samples").glob("*.png"))
    assert len(grids) == 2
    with Image.open(grids[0]) as page:
        assert page.mode == "RGB"


def test_warm_start_from_sprites_keeps_their_mode(
    tmp_path: Path, automatic: Recipe, sprites: Dataset
) -> None:
    start(tmp_path / "run", automatic, sprites).train(StopSignal())
    adopted = WarmStart.load(str(tmp_path / "run")).adopt(recipes.load("quick"))
    assert (adopted.data.mode, adopted.data.resolution) == ("rgba", 32)


def test_config_older_than_modes_keeps_rgb_images(tmp_path: Path, automatic: Recipe) -> None:
    environment = RunEnvironment.current(Path("data"), "ab", CPU)
    write_config(tmp_path, automatic, environment)
    assert read_config(tmp_path)[0] == automatic
    tables = automatic.to_json()
    for name in ("mode", "pixelated", "palette"):
        del tables["data"][name]
    run = vars(environment) | {"rollback": {}}
    old = tomli_w.dumps({"schema_version": 2, **tables, "run": run})
    (tmp_path / CONFIG).write_text(old)
    recipe, _ = read_config(tmp_path)
    assert (recipe.data.mode, recipe.data.pixelated, recipe.data.palette) == ("rgb", False, "none")
    assert recipe == automatic.with_image(ImageFormat((32, 32)))
