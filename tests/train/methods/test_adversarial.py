"""One step: who learns from what, at which rate, and what the mismatched pairs add."""

import copy
from dataclasses import replace

import pytest
import torch

from ganport_models import Shape, build_discriminator, build_generator
from ganport_train.methods.adversarial import Adversarial, Batch
from ganport_train.recipe import MethodOptions, OptimizerOptions

SHAPE = Shape(resolution=16, condition_size=3, features=2, latent=4, embedding=4)
METHOD = MethodOptions(loss="hinge", mismatch=0.0)
RATES = OptimizerOptions(generator_rate=0.001, discriminator_rate=0.02, beta1=0.1, beta2=0.9)


def batch() -> Batch:
    torch.manual_seed(1)
    condition = torch.eye(3)[torch.arange(6) % 3]
    return Batch(
        real=torch.rand(6, 3, 16, 16) * 2 - 1,
        condition=condition,
        mismatched=condition.roll(1, dims=1),
        z=torch.randn(6, 4),
    )


def method(options: MethodOptions = METHOD, rates: OptimizerOptions = RATES) -> Adversarial:
    torch.manual_seed(0)
    generator = build_generator("film_dcgan", SHAPE)
    discriminator = build_discriminator("projection_dcgan", SHAPE)
    return Adversarial(generator, discriminator, options, rates, "fp32")


def moved(network: torch.nn.Module, before: dict[str, torch.Tensor]) -> bool:
    return any(not torch.equal(p, before[name]) for name, p in network.named_parameters())


@pytest.mark.parametrize("still", ["generator", "discriminator"])
def test_each_network_learns_at_its_own_rate(still: str) -> None:
    step = method(rates=replace(RATES, **{f"{still}_rate": 0.0}))
    networks = {"generator": step.generator, "discriminator": step.discriminator}
    before = {name: copy.deepcopy(dict(net.named_parameters())) for name, net in networks.items()}
    step.step(batch())
    for name, network in networks.items():
        assert moved(network, before[name]) == (name != still)


def test_adam_gets_rates_and_betas() -> None:
    optimizers = method().optimizers
    rates = {name: adam.param_groups[0]["lr"] for name, adam in optimizers.items()}
    assert rates == {"generator": 0.001, "discriminator": 0.02}
    assert all(adam.param_groups[0]["betas"] == (0.1, 0.9) for adam in optimizers.values())


def test_the_losses_are_the_closed_form() -> None:
    step, data = method(), batch()
    generator, discriminator = copy.deepcopy((step.generator, step.discriminator))
    fake = generator(data.z, data.condition).detach()
    real_logits = discriminator.score(discriminator.embed(data.real), data.condition)
    fake_logits = discriminator(fake, data.condition)
    figures = step.step(data)
    hinge = (1 - real_logits).relu().mean() + (1 + fake_logits).relu().mean()
    torch.testing.assert_close(figures["d_loss"], hinge.detach(), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(figures["d_real"], real_logits.mean().detach(), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(figures["d_fake"], fake_logits.mean().detach(), atol=1e-4, rtol=1e-4)


def test_mismatched_pairs_add_their_weighted_loss() -> None:
    data = batch()
    reference = method()
    discriminator = copy.deepcopy(reference.discriminator)
    wrong = discriminator.score(discriminator.embed(data.real), data.mismatched)
    expected = 0.7 * (1 + wrong).relu().mean().item()
    plain = reference.step(data)["d_loss"].item()
    weighted = method(replace(METHOD, mismatch=0.7)).step(data)["d_loss"].item()
    assert weighted - plain == pytest.approx(expected, abs=1e-4)


def test_the_discriminator_is_left_trainable() -> None:
    step = method()
    step.step(batch())
    assert all(value.requires_grad for value in step.discriminator.parameters())
