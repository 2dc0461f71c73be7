import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from ganport_models import (
    Discriminator,
    NetworkConfig,
    Translator,
    build_discriminator,
    build_generator,
)
from ganport_runtime.conditions import Conditions, SignedMultiHot
from ganport_train.config.parsing import RecipeError
from ganport_train.config.sections import MethodOptions, OptimizerOptions
from ganport_train.methods.method import Batch
from ganport_train.methods.translation import TranslationMethod

CONFIG = NetworkConfig(16, 3, 2, 1, 1, num_blocks=1)
CONDITIONS = Conditions((SignedMultiHot("attributes", ("Black_Hair", "Male", "Young")),))
OPTIONS = MethodOptions(name="translation", loss="wasserstein", gp_weight=10.0)


def method(
    options: MethodOptions = OPTIONS, discriminator: Discriminator | None = None
) -> TranslationMethod:
    torch.manual_seed(0)
    generator = build_generator("stargan", CONFIG)
    assert isinstance(generator, Translator)
    critic = discriminator or build_discriminator("stargan", CONFIG)
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


def generator_gradients(options: MethodOptions) -> torch.Tensor:
    step = method(options)
    step.step(batch(), 0)
    return torch.cat([value.grad.flatten() for value in step.generator.parameters()])


def test_cycle_weight_scales_the_cycle_loss() -> None:
    none, light, heavy = (
        generator_gradients(replace(OPTIONS, cycle_weight=weight)) for weight in (0.0, 10.0, 20.0)
    )
    assert not torch.equal(light, none)
    torch.testing.assert_close(heavy - none, 2 * (light - none), atol=1e-4, rtol=1e-3)


def test_discriminator_steps_trains_the_generator_every_fifth_step() -> None:
    step = method(replace(OPTIONS, discriminator_steps=5))
    assert ["cycle" in step.step(batch(n), n) for n in range(5)] == [False] * 4 + [True]


def weights(options: MethodOptions) -> torch.Tensor:
    step = method(options)
    step.step(batch(), 0)
    networks = step.networks.values()
    return torch.cat([value.detach().flatten() for net in networks for value in net.parameters()])


@pytest.mark.parametrize(
    "options",
    [
        {"label_smoothing": 0.1},
        {"r1": 1.0},
        {"r2": 1.0},
        {"weight_clip": 0.01},
        {"unit_range": True},
        {"generator_steps": 2},
    ],
    ids=str,
)
def test_options_of_the_adversarial_method_count(options: dict[str, Any]) -> None:
    assert not torch.equal(weights(replace(OPTIONS, **options)), weights(OPTIONS))


@pytest.mark.parametrize("options", [{"classify_fake": 5.0}, {"diversity_weight": 1.0}], ids=str)
def test_options_about_generated_labels_have_no_effect(options: dict[str, Any]) -> None:
    assert torch.equal(weights(replace(OPTIONS, **options)), weights(OPTIONS))


def test_paired_loss_compares_real_images_with_translations() -> None:
    step, data = method(replace(OPTIONS, loss="relativistic", gp_weight=0.0)), batch()
    generator, critic = copy.deepcopy((step.generator, step.discriminator))
    target = data.local_rows(copy.deepcopy(data.random).permutation(data.all_conditions))
    margin = critic(data.real, data.condition) - critic(generator(data.real, target), target)
    metrics = step.step(data, 0)
    expected = torch.nn.functional.softplus(-margin).mean().detach() + metrics["d_class"]
    torch.testing.assert_close(metrics["d_loss"], expected)


def test_mismatch_weight_needs_a_conditional_discriminator() -> None:
    options = replace(OPTIONS, mismatch_weight=1.0)
    with pytest.raises(RecipeError) as caught:
        method(options)
    assert caught.value.place == "method.mismatch_weight"
    step = method(options, build_discriminator("projection_head_dcgan", CONFIG, "none"))
    assert step.step(batch(), 0)["d_loss"].isfinite()


def test_compile_raises() -> None:
    method().compile("none")
    with pytest.raises(RecipeError):
        method().compile("networks")
