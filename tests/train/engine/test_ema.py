"""The running average, its half-life, and its batch statistics."""

import pytest
import torch

from ganport_models import NetworkConfig, build_generator
from ganport_train.config.sections import EmaOptions
from ganport_train.engine.ema import averaged, decay, ready

SHAPE = NetworkConfig(resolution=16, condition_size=3, base_channels=2, z_dim=4, embed_dim=4)


def test_after_a_half_life_half_is_kept() -> None:
    options = EmaOptions(half_life=640, rampup_ratio=1.0)
    assert decay(options, batch=64, updates=10**6) ** 10 == pytest.approx(0.5)


def test_the_half_life_ramps_up_with_pictures_seen() -> None:
    options = EmaOptions(half_life=10_000, rampup_ratio=0.05)
    # 100 updates of 64 pictures are 6,400; 5 % of them is a half-life of 320, five batches.
    assert decay(options, batch=64, updates=100) == pytest.approx(0.5 ** (1 / 5))
    assert decay(options, batch=64, updates=0) == 0.0


def test_the_average_is_the_closed_form() -> None:
    options = EmaOptions(half_life=8, rampup_ratio=1.0)
    generator = build_generator("film_dcgan", SHAPE)
    average = averaged(generator, options, batch=4)
    weight = next(generator.parameters())
    expected = torch.zeros_like(weight)
    for step, value in enumerate([1.0, 2.0, 5.0, 3.0]):
        with torch.no_grad():
            weight.fill_(value)
        average.update_parameters(generator)
        keep = decay(options, 4, step)
        expected = value + (expected - value) * keep if step else torch.full_like(weight, value)
    torch.testing.assert_close(next(average.module.parameters()), expected)


def test_batch_statistics_are_re_estimated_on_a_copy() -> None:
    torch.manual_seed(0)
    generator = build_generator("concat_dcgan", SHAPE)
    average = averaged(generator, EmaOptions(), batch=4)
    average.update_parameters(generator)
    before = {key: value.clone() for key, value in average.state_dict().items()}
    z, condition = torch.randn(256, 4), torch.eye(3)[torch.arange(256) % 3]
    drawable = ready(average, lambda: (z, condition))
    assert not drawable.training
    for key, value in average.state_dict().items():
        assert torch.equal(value, before[key])

    # The statistics of the first norm are those of its input over these very draws.
    inputs: list[torch.Tensor] = []
    norm = next(m for m in drawable.modules() if isinstance(m, torch.nn.BatchNorm2d))
    norm.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    with torch.no_grad():
        drawable(z, condition)
    mean = inputs[0].mean(dim=(0, 2, 3))
    torch.testing.assert_close(norm.running_mean, mean, atol=1e-5, rtol=1e-4)
