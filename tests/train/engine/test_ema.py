"""The EMA of the generator: half-life, ramp-up and batch norm calibration."""

import pytest
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from ganport_models import NetworkConfig, build_generator
from ganport_train.config.sections import EmaOptions
from ganport_train.engine.ema import GeneratorEma, ema_decay, finalize_ema

SHAPE = NetworkConfig(resolution=16, condition_size=3, base_channels=2, z_dim=4, embed_dim=4)


def test_ema_decay_over_a_half_life_is_one_half() -> None:
    options = EmaOptions(half_life=640, rampup_ratio=1.0)
    assert ema_decay(options, batch_size=64, updates=10**6) ** 10 == pytest.approx(0.5)


def test_ema_decay_ramps_up_with_images() -> None:
    options = EmaOptions(half_life=10_000, rampup_ratio=0.05)
    # 100 updates of 64 images are 6,400; 5 % of them is a half-life of 320, five batches.
    assert ema_decay(options, batch_size=64, updates=100) == pytest.approx(0.5 ** (1 / 5))
    assert ema_decay(options, batch_size=64, updates=0) == 0.0


def test_ema_follows_the_closed_form() -> None:
    options = EmaOptions(half_life=8, rampup_ratio=1.0)
    generator = build_generator("film_dcgan", SHAPE)
    ema = GeneratorEma(generator, options, batch_size=4)
    weight = next(generator.parameters())
    expected = torch.zeros_like(weight)
    for step, value in enumerate([1.0, 2.0, 5.0, 3.0]):
        with torch.no_grad():
            weight.fill_(value)
        ema.update_parameters(generator)
        keep = ema_decay(options, 4, step)
        expected = value + (expected - value) * keep if step else torch.full_like(weight, value)
    torch.testing.assert_close(next(ema.module.parameters()), expected)


def test_update_is_that_of_torch_without_a_copy_to_the_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generator = build_generator("residual", SHAPE)
    options = EmaOptions(half_life=8, rampup_ratio=1.0)
    ours, theirs = GeneratorEma(generator, options, batch_size=4), AveragedModel(generator)

    def update(means: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        torch._foreach_lerp_(means, current, 1 - ema_decay(options, 4, int(count)))

    theirs.multi_avg_fn = update
    for _ in range(3):
        with torch.no_grad():
            for tensor in generator.state_dict().values():
                tensor.add_(1)
        theirs.update_parameters(generator)
        with monkeypatch.context() as patch:
            patch.setattr(Tensor, "to", None)  # on a GPU it would wait for all queued work
            ours.update_parameters(generator)
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    for name, value in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], value), name


def test_finalize_ema_calibrates_a_copy() -> None:
    torch.manual_seed(0)
    generator = build_generator("concat_dcgan", SHAPE)
    ema = GeneratorEma(generator, EmaOptions(), batch_size=4)
    ema.update_parameters(generator)
    before = {key: value.clone() for key, value in ema.state_dict().items()}
    z, condition = torch.randn(256, 4), torch.eye(3)[torch.arange(256) % 3]
    final = finalize_ema(ema, lambda: (z, condition))
    assert not final.training
    for key, value in ema.state_dict().items():
        assert torch.equal(value, before[key])

    # The statistics of the first norm are those of its input over these very draws.
    inputs: list[torch.Tensor] = []
    norm = next(m for m in final.modules() if isinstance(m, torch.nn.BatchNorm2d))
    norm.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    with torch.no_grad():
        final(z, condition)
    mean = inputs[0].mean(dim=(0, 2, 3))
    torch.testing.assert_close(norm.running_mean, mean, atol=1e-5, rtol=1e-4)
