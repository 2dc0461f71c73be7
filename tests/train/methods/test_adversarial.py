"""One step: who learns from what, at which rate, and what the mismatched pairs add."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from ganport_models import NetworkConfig, build_discriminator, build_generator
from ganport_models.network import Norm
from ganport_runtime.conditions import Conditions
from ganport_train.config.parsing import RecipeError
from ganport_train.config.sections import MethodOptions, OptimizerOptions
from ganport_train.methods.adversarial import Adversarial
from ganport_train.methods.batch import Batch
from ganport_train.methods.diversity import twinned
from ganport_train.methods.mismatch import change_one_group

SHAPE = NetworkConfig(resolution=16, condition_size=3, base_channels=2, z_dim=4, embed_dim=4)
CONDITIONS = Conditions.one_hots({"hair": ["red", "blue", "pink"]})
METHOD = MethodOptions(loss="hinge", mismatch_weight=0.0)
RATES = OptimizerOptions(generator_lr=0.001, discriminator_lr=0.02, beta1=0.1, beta2=0.9)


def batch(seed: int = 1) -> Batch:
    torch.manual_seed(1)
    vectors = np.eye(3, dtype=np.float32)[np.arange(6) % 3]
    return Batch(torch.rand(6, 3, 16, 16) * 2 - 1, vectors, np.random.default_rng(seed))


def drawn(data: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """The noise and then the mismatched conditions that a step of this batch draws."""
    twin = replace(data, random=copy.deepcopy(data.random))
    z = twin.noise((4,))
    return z, twin.tensor(change_one_group(data.vectors, CONDITIONS, twin.random))


def method(
    options: MethodOptions = METHOD,
    rates: OptimizerOptions = RATES,
    discriminator: str = "projection_dcgan",
    norm: Norm | None = None,
) -> Adversarial:
    torch.manual_seed(0)
    return Adversarial(
        build_generator("film_dcgan", SHAPE),
        build_discriminator(discriminator, SHAPE, norm),
        CONDITIONS,
        options,
        rates,
        "fp32",
    )


def moved(network: torch.nn.Module, before: dict[str, torch.Tensor]) -> bool:
    return any(not torch.equal(p, before[name]) for name, p in network.named_parameters())


@pytest.mark.parametrize("still", ["generator", "discriminator"])
def test_each_network_learns_at_its_own_rate(still: str) -> None:
    step = method(rates=replace(RATES, **{f"{still}_lr": 0.0}))
    networks = {"generator": step.generator, "discriminator": step.discriminator}
    before = {name: copy.deepcopy(dict(net.named_parameters())) for name, net in networks.items()}
    step.step(batch(), 0)
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
    fake = generator(drawn(data)[0], data.condition).detach()
    real_logits = discriminator.score(discriminator.embed(data.real), data.condition)
    fake_logits = discriminator(fake, data.condition)
    figures = step.step(data, 0)
    hinge = (1 - real_logits).relu().mean() + (1 + fake_logits).relu().mean()
    torch.testing.assert_close(figures["d_loss"], hinge.detach(), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(figures["d_real"], real_logits.mean().detach(), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(figures["d_fake"], fake_logits.mean().detach(), atol=1e-4, rtol=1e-4)


def test_mismatched_pairs_add_their_weighted_loss() -> None:
    data = batch()
    reference = method()
    discriminator = copy.deepcopy(reference.discriminator)
    wrong = discriminator.score(discriminator.embed(data.real), drawn(data)[1])
    expected = 0.7 * (1 + wrong).relu().mean().item()
    plain = reference.step(batch(), 0)["d_loss"].item()
    weighted = method(replace(METHOD, mismatch_weight=0.7)).step(batch(), 0)["d_loss"].item()
    assert weighted - plain == pytest.approx(expected, abs=1e-4)


def test_a_critic_gains_nothing_by_giving_everything_less() -> None:
    options = replace(METHOD, loss="wasserstein", mismatch_weight=2.0)
    plain, lowered = method(options), method(options)
    with torch.no_grad():
        lowered.discriminator.realism.bias.sub_(7.0)
    one, other = plain.step(batch(), 0)["d_loss"], lowered.step(batch(), 0)["d_loss"]
    torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_pairs_share_their_condition() -> None:
    options = replace(METHOD, loss="relativistic")
    step, data = method(options, norm="none"), batch()
    generator, discriminator = copy.deepcopy((step.generator, step.discriminator))
    fake = generator(drawn(data)[0], data.condition).detach()
    margin = discriminator(data.real, data.condition) - discriminator(fake, data.condition)
    figures = step.step(data, 0)
    expected = torch.nn.functional.softplus(-margin).mean().detach()
    torch.testing.assert_close(figures["d_loss"], expected, atol=1e-4, rtol=1e-4)


def test_what_is_missing_to_the_variety_of_real_pictures_adds_to_the_generators_loss() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (80, 16, 16, 3), np.uint8)
    plain, varied = method(), method(replace(METHOD, diversity_weight=3.0))
    for one in (plain, varied):
        one.meet(pictures, np.ones((80, 1), np.float32), np.arange(80))
    # Both see the same conditions: those that are drawn twice.
    vectors = twinned(batch().vectors)
    expected, found = (one.step(replace(batch(), vectors=vectors), 0) for one in (plain, varied))
    assert "diversity" not in expected
    assert found["diversity"] < 1
    assert found["d_loss"].item() == pytest.approx(expected["d_loss"].item())
    assert found["g_loss"].item() == pytest.approx(expected["g_loss"].item())
    # It reaches the weights: those of the generator end elsewhere.
    assert moved(varied.generator, dict(plain.generator.named_parameters()))


def test_half_of_the_conditions_are_drawn_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []
    step = method(replace(METHOD, diversity_weight=1.0))
    score = step.discriminator.score

    def noted(features: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        seen.append(condition)
        return score(features, condition)

    monkeypatch.setattr(step.discriminator, "score", noted)
    data = batch()
    step.step(data, 0)
    own, twins = data.condition, torch.from_numpy(twinned(data.vectors))
    # The discriminator's look at real and at drawn pictures, then the generator's.
    assert all(torch.equal(one, two) for one, two in zip(seen, (own, twins, twins), strict=True))


def test_the_squared_gradients_come_at_every_interval_and_weigh_as_much() -> None:
    at_each = method(replace(METHOD, r1=0.5, r2=0.25), norm="none")
    figures = at_each.step(batch(), 0)
    plain = method(norm="none").step(batch(), 0)["d_loss"]
    added = figures["d_loss"] - plain
    torch.testing.assert_close(added, 0.5 * figures["r1"] + 0.25 * figures["r2"])
    seldom = method(replace(METHOD, r1=0.5, r2=0.25, reg_interval=4), norm="none")
    torch.testing.assert_close(seldom.step(batch(), 0)["d_loss"] - plain, 4 * added)
    assert "r1" not in seldom.step(batch(), 1)


def test_rates_fall_along_a_cosine_with_the_pictures_seen() -> None:
    step = method(rates=replace(RATES, lr_decay_images=1000, final_lr_ratio=0.2))
    rates = []
    for images in (0, 500, 1000, 5000):
        step.set_rates(images)
        rates.append(step.optimizers["discriminator"].param_groups[0]["lr"])
    assert rates == pytest.approx([0.02, 0.012, 0.004, 0.004])


def test_the_discriminator_is_left_trainable() -> None:
    step = method()
    step.step(batch(), 0)
    assert all(value.requires_grad for value in step.discriminator.parameters())


def test_the_generator_follows_at_every_nth_step_of_the_discriminator() -> None:
    step = method(replace(METHOD, discriminator_steps=3))
    learned = ["g_loss" in step.step(batch(number), number) for number in range(6)]
    assert learned == [False, False, True] * 2


def test_the_generator_takes_several_steps_for_one_with_noise_of_their_own() -> None:
    one, five = method(), method(replace(METHOD, generator_steps=5))
    for steps in (one, five):
        steps.step(batch(), 0)
    assert one.optimizers["generator"].state_dict()["state"][0]["step"] == 1
    assert five.optimizers["generator"].state_dict()["state"][0]["step"] == 5
    assert five.optimizers["discriminator"].state_dict()["state"][0]["step"] == 1


def test_a_clipped_critic_stays_within_its_bounds() -> None:
    step = method(replace(METHOD, weight_clip=0.001), discriminator="dcgan")
    step.step(batch(), 0)
    largest = max(float(value.detach().abs().max()) for value in step.discriminator.parameters())
    assert largest == pytest.approx(0.001)


def test_the_penalty_is_added_with_its_weight() -> None:
    plain = method(discriminator="dcgan", norm="none").step(batch(), 0)
    weighted = method(replace(METHOD, gp_weight=3.0), discriminator="dcgan", norm="none")
    figures = weighted.step(batch(), 0)
    added = figures["d_loss"] - plain["d_loss"]
    torch.testing.assert_close(added, 3 * figures["penalty"], atol=1e-4, rtol=1e-4)


def test_classifiers_learn_from_real_and_drawn_pictures_by_their_weights() -> None:
    options = replace(METHOD, classify_real=0.0, classify_fake=0.0, classify_generator=0.0)
    plain = method(options, discriminator="acgan_dcgan").step(batch(), 0)
    real = method(replace(options, classify_real=2.0), discriminator="acgan_dcgan")
    figures = real.step(batch(), 0)
    added = figures["d_loss"] - plain["d_loss"]
    torch.testing.assert_close(added, 2 * figures["d_class"], atol=1e-4, rtol=1e-4)
    assert "g_class" not in figures
    both = method(replace(options, classify_generator=1.0), discriminator="acgan_dcgan")
    assert "g_class" in both.step(batch(), 0)


@pytest.mark.parametrize("head", ["projection_head_dcgan", "residual_head"])
def test_a_head_beside_the_projection_teaches_both_networks(head: str) -> None:
    options = replace(METHOD, mismatch_weight=1.0, classify_real=0.5, classify_fake=0.0)
    step = method(replace(options, classify_generator=0.3), discriminator=head)
    (weight, _) = step.discriminator.classifier.parameters()
    before = weight.detach().clone()
    figures = step.step(batch(), 0)
    assert {"d_class", "g_class"} <= figures.keys()
    assert not torch.equal(before, weight)
    # Without its weights it is the discriminator without a head.
    blind = replace(METHOD, classify_real=0.0, classify_fake=0.0, classify_generator=0.0)
    plain = method(METHOD, discriminator=head.replace("_head", "")).step(batch(), 0)
    torch.testing.assert_close(
        method(blind, discriminator=head).step(batch(), 0)["d_loss"], plain["d_loss"]
    )


def test_in_unit_range_the_discriminator_sees_pictures_from_0_to_1() -> None:
    step = method(replace(METHOD, unit_range=True))
    seen: list[torch.Tensor] = []
    step.discriminator.body.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    step.step(batch(), 0)
    assert all(images.min() >= 0 and images.max() <= 1 for images in seen)


@pytest.mark.parametrize(
    ("options", "discriminator", "message"),
    [
        ({"mismatch_weight": 1.0}, "acgan_dcgan", "a discriminator whose score sees the condition"),
        ({"gp_weight": 1.0}, "concat_dcgan", "without batch norm; found network.norm = batch"),
        (
            {"generator_steps": 2, "discriminator_steps": 2},
            "concat_dcgan",
            "several steps of one network for one of the other; found several of both",
        ),
        (
            {"diversity_weight": 1.0, "loss": "relativistic"},
            "projection_dcgan",
            r"method\.diversity_weight: expected .* found method\.loss = relativistic",
        ),
        (
            {"diversity_weight": 1.0, "gp_weight": 1.0},
            "projection_dcgan",
            r"found method\.gp_weight\.",
        ),
    ],
)
def test_options_that_do_not_go_together(
    options: dict[str, Any], discriminator: str, message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        method(replace(METHOD, **options), discriminator=discriminator)
