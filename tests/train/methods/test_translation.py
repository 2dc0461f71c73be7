from dataclasses import replace

import numpy as np
import pytest
import torch

from ganport_models import NetworkConfig, Translator, build_discriminator, build_generator
from ganport_runtime.conditions import Conditions, SignedMultiHot
from ganport_train.config.sections import MethodOptions, OptimizerOptions
from ganport_train.methods.method import Batch
from ganport_train.methods.translation import TranslationMethod

CONFIG = NetworkConfig(16, 3, 2, 1, 1, num_blocks=1)
CONDITIONS = Conditions((SignedMultiHot("attributes", ("Black_Hair", "Male", "Young")),))
OPTIONS = MethodOptions(name="translation", loss="wasserstein", gp_weight=10.0)


def method(options: MethodOptions = OPTIONS) -> TranslationMethod:
    torch.manual_seed(0)
    generator = build_generator("stargan", CONFIG)
    assert isinstance(generator, Translator)
    critic = build_discriminator("stargan", CONFIG)
    return TranslationMethod(generator, critic, CONDITIONS, options, OptimizerOptions(), "fp32")


def batch(seed: int = 0) -> Batch:
    torch.manual_seed(1)
    vectors = np.where(np.random.default_rng(3).random((6, 3)) < 0.5, -1, 1).astype(np.float32)
    return Batch(torch.rand(6, 3, 16, 16) * 2 - 1, vectors, np.random.default_rng(seed))


def test_step_returns_every_term() -> None:
    metrics = method().step(batch(), 0)
    names = {"d_loss", "d_real", "d_fake", "d_class", "penalty", "g_loss", "g_class", "cycle"}
    assert set(metrics) == names


def test_discriminator_loss_is_the_sum_of_its_terms() -> None:
    metrics = method().step(batch(), 0)
    expected = metrics["d_fake"] - metrics["d_real"] + metrics["d_class"] + 10 * metrics["penalty"]
    torch.testing.assert_close(metrics["d_loss"], expected)


def test_cycle_weight_scales_the_cycle_loss() -> None:
    heavy = method(replace(OPTIONS, cycle_weight=20.0)).step(batch(), 0)
    light = method(replace(OPTIONS, cycle_weight=0.0)).step(batch(), 0)
    assert (heavy["g_loss"] - light["g_loss"]).item() == pytest.approx(
        20 * heavy["cycle"].item(), rel=1e-3
    )


def test_discriminator_steps_trains_the_generator_every_fifth_step() -> None:
    step = method(replace(OPTIONS, discriminator_steps=5))
    assert ["cycle" in step.step(batch(n), n) for n in range(5)] == [False] * 4 + [True]
