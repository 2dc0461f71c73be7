"""Every network trains, and resumes exactly, with images of every mode and size.

Three combinations of a network cover every pair of network, size and mode; the rest is `matrix`.
"""

from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest
import torch

from ganport_models import discriminator_names, generator_names
from ganport_models.resolution import Resolution, to_size
from ganport_runtime.conditions import Conditions
from ganport_runtime.images.format import CHANNELS
from ganport_runtime.images.pixels import to_float
from ganport_train.config import recipes
from ganport_train.config.recipe import Recipe
from ganport_train.engine.batch_source import BatchSource
from ganport_train.methods.augmentation import change_color
from ganport_train.methods.build import build_method
from ganport_train.methods.condition_losses import real_distance
from ganport_train.methods.method import TrainingMethod
from ganport_train.runs.checkpoint_manager import ModelState

CPU = torch.device("cpu")
CONDITIONS = Conditions.one_hots({"hair": ["pink", "black", "red"], "eyes": ["blue", "green"]})
SIZES: list[Resolution] = [48, (96, 64), 28]
COUNT = 8


def pairs() -> Iterator[tuple[str, str]]:
    """Yield every generator and discriminator in as few pairs as possible."""
    yield "glow", "none"
    yield "stargan", "stargan"
    generators = [name for name in generator_names() if name not in ("glow", "stargan")]
    discriminators = discriminator_names()
    count = max(len(generators), len(discriminators))
    yield from islice(zip(cycle(generators), cycle(discriminators), strict=False), count)


def combinations() -> Iterator[object]:
    for number, (generator, discriminator) in enumerate(pairs()):
        for row, size in enumerate(SIZES):
            for column, mode in enumerate(CHANNELS):
                covered = (number + row + column) % 3 == 0
                marks = [] if covered else [pytest.mark.matrix]
                label = "x".join(map(str, to_size(size)))
                name = f"{generator}-{discriminator}-{label}-{mode}"
                yield pytest.param(generator, discriminator, size, mode, id=name, marks=marks)


def make_recipe(generator: str, discriminator: str, size: Resolution, mode: str) -> Recipe:
    method = {"glow": "flow", "stargan": "translation"}.get(generator, "adversarial")
    sides = list(to_size(size))
    return recipes.load(
        "quick",
        [
            f"data.resolution={sides}",
            f"data.mode={mode}",
            f"network.generator={generator}",
            f"network.discriminator={discriminator}",
            f"method.name={method}",
            "method.diversity_weight=1",
            "augment.translation=0.1",
            "augment.cutout=0.2",
            "network.base_channels=2",
            "network.z_dim=4",
            "network.embed_dim=4",
            "network.num_levels=2",
            "network.num_blocks=1",
            "training.batch_size=4",
            "training.precision=fp32",
        ],
    )


def make_images(size: Resolution, mode: str) -> np.ndarray:
    shape = (COUNT, *to_size(size), CHANNELS[mode])
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def train(method: TrainingMethod, recipe: Recipe, steps: range) -> None:
    images = make_images(recipe.data.resolution, recipe.data.mode)
    vectors = CONDITIONS.encode_many(
        [
            {"hair": ["pink", "black", "red"][i % 3], "eyes": ["blue", "green"][i % 2]}
            for i in range(COUNT)
        ]
    )
    method.prepare_data(images, vectors, np.arange(COUNT))
    batches = BatchSource(images, vectors, np.arange(COUNT), recipe, CPU)
    for number in steps:
        torch.manual_seed(number)
        metrics = method.step(batches.batch(number), number)
        assert all(bool(value.isfinite()) for value in metrics.values())


def state_of(method: TrainingMethod) -> ModelState:
    return ModelState(method.modules, method.optimizers)


@pytest.mark.parametrize(("generator", "discriminator", "size", "mode"), list(combinations()))
def test_networks_train_and_resume_exactly(
    tmp_path: Path, generator: str, discriminator: str, size: Resolution, mode: str
) -> None:
    recipe = make_recipe(generator, discriminator, size, mode)
    torch.manual_seed(0)
    whole = build_method(recipe, CONDITIONS, CPU)
    train(whole, recipe, range(1))
    state_of(whole).save(tmp_path)
    train(whole, recipe, range(1, 2))
    resumed = build_method(recipe, CONDITIONS, CPU)
    state_of(resumed).load(tmp_path)
    train(resumed, recipe, range(1, 2))
    for name, tensor in state_of(whole).tensors().items():
        assert torch.equal(tensor, state_of(resumed).tensors()[name]), name


@pytest.mark.parametrize("mode", CHANNELS)
def test_batches_are_the_floats_of_the_runtime(mode: str) -> None:
    recipe = make_recipe("film_dcgan", "projection_dcgan", 28, mode)
    images = make_images(28, mode)
    vectors = np.zeros((COUNT, 0), np.float32)
    batches = BatchSource(images, vectors, np.arange(COUNT), recipe, CPU)
    real, _ = batches.fixed_subset(COUNT)
    np.testing.assert_allclose(real.numpy(), to_float(images), atol=1e-6)


def test_change_color_of_opaque_rgba_equals_that_of_rgb() -> None:
    torch.manual_seed(0)
    images, random = torch.rand(5, 3, 8, 6) * 2 - 1, torch.rand(5, 4)
    opaque = torch.cat([images, torch.ones(5, 1, 8, 6)], dim=1)
    changed = change_color(opaque, random)
    torch.testing.assert_close(changed[:, :3], change_color(images, random))
    assert torch.equal(changed[:, 3:], opaque[:, 3:])
    clear = change_color(-torch.ones(5, 4, 8, 6), random)
    torch.testing.assert_close(clear, -torch.ones(5, 4, 8, 6))


def test_real_distance_sees_alpha_and_no_invisible_color() -> None:
    images = np.zeros((2, 28, 28, 4), np.uint8)
    images[0, ..., :3] = 255
    rows, vectors = np.arange(2), np.zeros((2, 0), np.float32)
    assert real_distance(images, vectors, rows) < 1e-3
    images[0, ..., 3] = 255
    assert real_distance(images, vectors, rows) > 0.5
