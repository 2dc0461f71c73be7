"""StarGAN's step: its terms, its targets, and who learns when."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ganport_models import NetworkConfig, Translator, build_discriminator, build_generator
from ganport_runtime.conditions import Conditions, SignedMultiHot
from ganport_train.config.sections import MethodOptions, OptimizerOptions
from ganport_train.methods.batch import Batch
from ganport_train.methods.translation import Translation

SHAPE = NetworkConfig(16, 3, 2, 1, 1, num_blocks=1)
CONDITIONS = Conditions((SignedMultiHot("attributes", ("Black_Hair", "Male", "Young")),))
OPTIONS = MethodOptions(name="translation", loss="wasserstein", gp_weight=10.0)


def method(options: MethodOptions = OPTIONS) -> Translation:
    torch.manual_seed(0)
    generator = build_generator("stargan", SHAPE)
    assert isinstance(generator, Translator)
    critic = build_discriminator("stargan", SHAPE)
    return Translation(generator, critic, CONDITIONS, options, OptimizerOptions(), "fp32")


def batch(seed: int = 0) -> Batch:
    torch.manual_seed(1)
    vectors = np.where(np.random.default_rng(3).random((6, 3)) < 0.5, -1, 1).astype(np.float32)
    return Batch(torch.rand(6, 3, 16, 16) * 2 - 1, vectors, np.random.default_rng(seed))


def test_all_terms_are_told() -> None:
    figures = method().step(batch(), 0)
    names = {"d_loss", "d_real", "d_fake", "d_class", "penalty", "g_loss", "g_class", "cycle"}
    assert set(figures) == names


def test_the_discriminator_s_loss_is_the_sum_of_its_terms() -> None:
    figures = method().step(batch(), 0)
    expected = figures["d_fake"] - figures["d_real"] + figures["d_class"] + 10 * figures["penalty"]
    torch.testing.assert_close(figures["d_loss"], expected)


def test_the_way_back_is_weighed() -> None:
    heavy = method(replace(OPTIONS, cycle_weight=20.0)).step(batch(), 0)
    light = method(replace(OPTIONS, cycle_weight=0.0)).step(batch(), 0)
    assert (heavy["g_loss"] - light["g_loss"]).item() == pytest.approx(
        20 * heavy["cycle"].item(), rel=1e-3
    )


def test_the_generator_follows_at_every_fifth_step() -> None:
    step = method(replace(OPTIONS, discriminator_steps=5))
    assert ["cycle" in step.step(batch(n), n) for n in range(5)] == [False] * 4 + [True]
