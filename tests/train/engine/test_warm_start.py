"""Warm starts: which weights a label of another data set gets, and what is refused."""

import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ganport_models import (
    CheckpointError,
    build_discriminator,
    build_generator,
    discriminator_names,
    generator_names,
)
from ganport_models.selection import newest
from ganport_runtime.conditions import Conditions
from ganport_train.config import recipes
from ganport_train.config.parsing import RecipeError
from ganport_train.config.recipe import Recipe
from ganport_train.data import Dataset
from ganport_train.engine.ema import GeneratorEma
from ganport_train.engine.trainer import Trainer
from ganport_train.engine.warm_start import WarmStart, save_compact
from ganport_train.runs.train_state import StopSignal

BEFORE = Conditions.one_hots({"hair": ["red", "blue", "green"], "eyes": ["black", "brown"]})
REORDERED = Conditions.one_hots({"hair": ["green", "red", "blue"], "eyes": ["brown", "black"]})
SWAPPED = Conditions.one_hots({"eyes": ["brown", "black"], "hair": ["green", "red", "blue"]})
REQUESTS = [{"hair": "blue", "eyes": "brown"}, {"hair": "green", "eyes": "black"}]


def recipe_of(generator: str, discriminator: str) -> Recipe:
    options = [f"network.generator={generator}", f"network.discriminator={discriminator}"]
    sizes = ["base_channels=2", "z_dim=4", "embed_dim=4", "num_levels=2", "num_blocks=1"]
    return recipes.load("quick", [*options, "data.resolution=16", *(f"network.{s}" for s in sizes)])


def networks_of(recipe: Recipe, conditions: Conditions) -> dict[str, nn.Module]:
    """Return new networks with an EMA, as a run has them."""
    config, groups = recipe.network_config(conditions), [g.size for g in conditions.groups]
    generator = build_generator(recipe.network.generator, config)
    return {
        "generator": generator,
        "discriminator": build_discriminator(recipe.network.discriminator, config, None, groups),
        "average": GeneratorEma(generator, recipe.ema, 4),
    }


def start_of(recipe: Recipe, networks: dict[str, nn.Module]) -> WarmStart:
    tensors = {
        f"{name}/{key}": value.clone()
        for name, network in networks.items()
        for key, value in network.state_dict().items()
    }
    return WarmStart("a run", recipe, BEFORE, 4000, tensors)


def outputs(network: nn.Module, inputs: Tensor, conditions: Conditions) -> Tensor:
    condition = torch.from_numpy(conditions.encode_many(REQUESTS))
    result: Tensor = network.eval()(inputs, condition)
    return result


@pytest.mark.parametrize("after", [REORDERED, SWAPPED])
@pytest.mark.parametrize("name", generator_names())
def test_generator_of_reordered_labels_returns_the_same_images(
    name: str, after: Conditions
) -> None:
    recipe = recipe_of(name, "projection_dcgan")
    torch.manual_seed(0)
    old, new = networks_of(recipe, BEFORE), networks_of(recipe, after)
    z = torch.randn(2, *old["generator"].z_shape)  # type: ignore[operator]
    start_of(recipe, old).load_into(new, after, 4)
    for part in ("generator", "average"):
        expected = outputs(old[part], z, BEFORE)
        torch.testing.assert_close(outputs(new[part], z, after), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", discriminator_names())
def test_discriminator_of_reordered_labels_returns_the_same_logits(name: str) -> None:
    recipe = recipe_of("dcgan", name)
    torch.manual_seed(0)
    old, new = networks_of(recipe, BEFORE), networks_of(recipe, REORDERED)
    images = torch.randn(2, 3, 16, 16)
    start_of(recipe, old).load_into(new, REORDERED, 4)
    old_network, new_network = old["discriminator"], new["discriminator"]
    expected = outputs(old_network, images, BEFORE)
    torch.testing.assert_close(outputs(new_network, images, REORDERED), expected)
    if old_network.classifies:
        features = old_network.embed(images)  # type: ignore[operator]
        before, after = (
            network.score_and_classify(features, torch.from_numpy(layout.encode_many(REQUESTS)))[1]  # type: ignore[operator]
            for network, layout in ((old_network, BEFORE), (new_network, REORDERED))
        )
        torch.testing.assert_close(after, before[:, [2, 0, 1, 4, 3]])


def test_new_label_starts_at_the_mean_of_its_group() -> None:
    recipe = recipe_of("dcgan", "dcgan")
    after = Conditions.one_hots({"hair": ["silver", "blue"], "hat": ["yes", "no"]})
    old, new = networks_of(recipe, BEFORE), networks_of(recipe, after)
    lines = start_of(recipe, old).load_into(new, after, 4)
    before = old["generator"].state_dict()["stem.weight"].flatten(1)
    weights = new["generator"].state_dict()["stem.weight"].flatten(1)
    torch.testing.assert_close(weights[:4], before[:4])  # the noise
    torch.testing.assert_close(weights[4], before[4:7].mean(dim=0))
    torch.testing.assert_close(weights[5], before[5])
    torch.testing.assert_close(weights[6:], before[4:].mean(dim=0).expand(2, -1))
    assert new["average"].get_buffer("n_averaged") == 1000
    text = "\n".join(lines)
    assert "hair: took 1 of 2 labels; new, at the mean: silver; left out: red, green" in text
    assert "hat: took 0 of 2 labels; new, at the mean: yes, no" in text
    assert "eyes: left out" in text


def test_overrides_of_adopted_networks_are_refused() -> None:
    recipe = recipe_of("dcgan", "dcgan")
    start = start_of(recipe, networks_of(recipe, BEFORE))
    adopted = start.adopt(recipes.load("flagship"), ["training.batch_size=8"])
    assert adopted.network == recipe.network
    assert adopted.data.resolution == 16
    for text in ("network.base_channels=8", "data.resolution=32"):
        with pytest.raises(RecipeError, match="no change of the networks of --from a run"):
            start.adopt(recipe, [text])


def test_compact_file_holds_the_ema_and_the_discriminator(
    tmp_path: Path,
    recipe: Recipe,
    dataset: Dataset,
    trainer: Callable[[Path, Recipe], Trainer],
) -> None:
    run = trainer(tmp_path / "run", recipe)
    run.train(StopSignal())
    path = tmp_path / "compact.safetensors"
    save_compact(str(tmp_path / "run"), path)
    full, compact = WarmStart.load(str(newest(tmp_path / "run")[0])), WarmStart.load(str(path))
    assert compact.images == 24
    assert compact.recipe == full.recipe
    assert compact.conditions == dataset.conditions
    for part in ("generator", "discriminator"):
        key = next(name for name in compact.tensors if name.startswith(f"{part}/"))
        source = key.replace("generator/", "average/module.")
        torch.testing.assert_close(compact.tensors[key], full.tensors[source], atol=1e-3, rtol=1e-3)
    started = trainer(tmp_path / "new", recipe)
    started.start_from(compact)
    ema, generator = started.ema.module.state_dict(), started.method.generator.state_dict()
    assert all(torch.equal(value, generator[name]) for name, value in ema.items())


def test_paths_without_a_checkpoint_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"--from nowhere: .*'starter'; found no such"):
        WarmStart.load("nowhere")
    with pytest.raises(CheckpointError, match="a folder without a checkpoint"):
        WarmStart.load(str(tmp_path))
    (tmp_path / "file").write_bytes(b"no tensors")
    with pytest.raises(CheckpointError, match="unaltered checkpoint file"):
        WarmStart.load(str(tmp_path / "file"))


def test_shipped_starter_is_small_and_fits_its_networks() -> None:
    start = WarmStart.load("starter")
    path = Path(str(resources.files("ganport_train"))) / "starter.safetensors"
    assert path.stat().st_size <= 2 * 2**20
    networks = networks_of(start.recipe, start.conditions)
    lines = start.load_into(networks, start.conditions, 32)
    counts = re.match(r"took (\d+) of (\d+) tensors of starter", lines[0])
    assert counts
    assert counts[1] == counts[2]
    assert set(start.conditions.fields) == {"hair", "eyes"}
