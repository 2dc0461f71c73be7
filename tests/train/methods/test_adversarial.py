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
from ganport_train.evaluation.judge.network import JudgeNetwork
from ganport_train.methods.adversarial import AdversarialMethod
from ganport_train.methods.condition_losses import change_one_group, duplicate_pairs
from ganport_train.methods.method import Batch

CONFIG = NetworkConfig(resolution=16, condition_size=3, base_channels=2, z_dim=4, embed_dim=4)
CONDITIONS = Conditions.one_hots({"hair": ["red", "blue", "pink"]})
METHOD = MethodOptions(loss="hinge", mismatch_weight=0.0)
RATES = OptimizerOptions(generator_lr=0.001, discriminator_lr=0.02, beta1=0.1, beta2=0.9)


def batch(seed: int = 1) -> Batch:
    torch.manual_seed(1)
    vectors = np.eye(3, dtype=np.float32)[np.arange(6) % 3]
    return Batch(torch.rand(6, 3, 16, 16) * 2 - 1, vectors, np.random.default_rng(seed))


def random_inputs(data: Batch, candidates: int = 1) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Return the noise and the mismatched conditions of a step with this batch."""
    random, conditions = copy.deepcopy(data.random), data.all_conditions
    z = replace(data, random=random).noise((4,))
    wrong = [change_one_group(conditions, CONDITIONS, random) for _ in range(candidates)]
    return z, list(map(data.local_rows, wrong))


def method(
    options: MethodOptions = METHOD,
    rates: OptimizerOptions = RATES,
    discriminator: str = "projection_dcgan",
    norm: Norm | None = None,
    *,
    classifier: torch.nn.Module | None = None,
) -> AdversarialMethod:
    torch.manual_seed(0)
    return AdversarialMethod(
        build_generator("film_dcgan", CONFIG),
        build_discriminator(discriminator, CONFIG, norm),
        CONDITIONS,
        options,
        rates,
        "fp32",
        classifier=classifier,
    )


def changed(network: torch.nn.Module, before: dict[str, torch.Tensor]) -> bool:
    return any(not torch.equal(p, before[name]) for name, p in network.named_parameters())


@pytest.mark.parametrize("frozen", ["generator", "discriminator"])
def test_learning_rate_of_0_freezes_only_its_network(frozen: str) -> None:
    step = method(rates=replace(RATES, **{f"{frozen}_lr": 0.0}))
    networks = {"generator": step.generator, "discriminator": step.discriminator}
    before = {name: copy.deepcopy(dict(net.named_parameters())) for name, net in networks.items()}
    step.step(batch(), 0)
    for name, network in networks.items():
        assert changed(network, before[name]) == (name != frozen)


def test_optimizers_have_rates_and_betas() -> None:
    optimizers = method().optimizers
    rates = {name: adam.param_groups[0]["lr"] for name, adam in optimizers.items()}
    assert rates == {"generator": 0.001, "discriminator": 0.02}
    assert all(adam.param_groups[0]["betas"] == (0.1, 0.9) for adam in optimizers.values())


def test_step_losses_equal_the_closed_form() -> None:
    step, data = method(), batch()
    generator, discriminator = copy.deepcopy((step.generator, step.discriminator))
    fake = generator(random_inputs(data)[0], data.condition).detach()
    real_logits = discriminator.score(discriminator.embed(data.real), data.condition)
    fake_logits = discriminator(fake, data.condition)
    metrics = step.step(data, 0)
    hinge = (1 - real_logits).relu().mean() + (1 + fake_logits).relu().mean()
    torch.testing.assert_close(metrics["d_loss"], hinge.detach(), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(metrics["d_real"], real_logits.mean().detach(), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(metrics["d_fake"], fake_logits.mean().detach(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("candidates", [1, 3])
def test_mismatch_weight_adds_the_weighted_loss_of_the_highest_score(candidates: int) -> None:
    data, reference = batch(), method()
    discriminator = copy.deepcopy(reference.discriminator)
    features = discriminator.embed(data.real)
    wrong = random_inputs(data, candidates)[1]
    scores = torch.stack([discriminator.score(features, condition) for condition in wrong])
    expected = 0.7 * (1 + scores.amax(dim=0)).relu().mean().item()
    options = replace(METHOD, mismatch_weight=0.7, mismatch_candidates=candidates)
    added = method(options).step(batch(), 0)["d_loss"] - reference.step(batch(), 0)["d_loss"]
    assert added.item() == pytest.approx(expected, abs=1e-4)


def test_wasserstein_mismatch_loss_ignores_a_constant_offset() -> None:
    options = replace(METHOD, loss="wasserstein", mismatch_weight=2.0)
    plain, lowered = method(options), method(options)
    with torch.no_grad():
        lowered.discriminator.realism.bias.sub_(7.0)
    one, other = plain.step(batch(), 0)["d_loss"], lowered.step(batch(), 0)["d_loss"]
    torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_relativistic_loss_compares_images_of_one_condition() -> None:
    options = replace(METHOD, loss="relativistic")
    step, data = method(options, norm="none"), batch()
    generator, discriminator = copy.deepcopy((step.generator, step.discriminator))
    fake = generator(random_inputs(data)[0], data.condition).detach()
    margin = discriminator(data.real, data.condition) - discriminator(fake, data.condition)
    metrics = step.step(data, 0)
    expected = torch.nn.functional.softplus(-margin).mean().detach()
    torch.testing.assert_close(metrics["d_loss"], expected, atol=1e-4, rtol=1e-4)


def test_diversity_loss_changes_only_the_generator() -> None:
    images = np.random.default_rng(0).integers(0, 256, (80, 16, 16, 3), np.uint8)
    plain, varied = method(), method(replace(METHOD, diversity_weight=3.0))
    for one in (plain, varied):
        one.prepare_data(images, np.ones((80, 1), np.float32), np.arange(80))
    # Both methods generate the same conditions, each twice.
    vectors = duplicate_pairs(batch().all_conditions)
    expected, found = (
        one.step(replace(batch(), all_conditions=vectors), 0) for one in (plain, varied)
    )
    assert "diversity" not in expected
    assert found["diversity"] < 1
    assert found["d_loss"].item() == pytest.approx(expected["d_loss"].item())
    assert found["g_loss"].item() == pytest.approx(expected["g_loss"].item())
    # The loss reaches the weights of the generator.
    assert changed(varied.generator, dict(plain.generator.named_parameters()))


def test_diversity_loss_generates_pairs_of_conditions(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []
    step = method(replace(METHOD, diversity_weight=1.0))
    score = step.discriminator.score

    def recording(features: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        seen.append(condition)
        return score(features, condition)

    monkeypatch.setattr(step.discriminator, "score", recording)
    data = batch()
    step.step(data, 0)
    own, pairs = data.condition, torch.from_numpy(duplicate_pairs(data.all_conditions))
    # The discriminator scores real and generated images, then the generator's.
    assert all(torch.equal(one, two) for one, two in zip(seen, (own, pairs, pairs), strict=True))


def test_reg_interval_scales_r1_and_r2() -> None:
    every_step = method(replace(METHOD, r1=0.5, r2=0.25), norm="none")
    metrics = every_step.step(batch(), 0)
    plain = method(norm="none").step(batch(), 0)["d_loss"]
    added = metrics["d_loss"] - plain
    torch.testing.assert_close(added, 0.5 * metrics["r1"] + 0.25 * metrics["r2"])
    every_fourth = method(replace(METHOD, r1=0.5, r2=0.25, reg_interval=4), norm="none")
    torch.testing.assert_close(every_fourth.step(batch(), 0)["d_loss"] - plain, 4 * added)
    assert "r1" not in every_fourth.step(batch(), 1)


def test_learning_rates_follow_a_cosine() -> None:
    step = method(rates=replace(RATES, lr_decay_images=1000, final_lr_ratio=0.2))
    rates = []
    for images in (0, 500, 1000, 5000):
        step.set_learning_rates(images)
        rates.append(step.optimizers["discriminator"].param_groups[0]["lr"])
    assert rates == pytest.approx([0.02, 0.012, 0.004, 0.004])


def test_step_leaves_the_discriminator_trainable() -> None:
    step = method()
    step.step(batch(), 0)
    assert all(value.requires_grad for value in step.discriminator.parameters())


def test_discriminator_steps_trains_the_generator_every_nth_step() -> None:
    step = method(replace(METHOD, discriminator_steps=3))
    learned = ["g_loss" in step.step(batch(number), number) for number in range(6)]
    assert learned == [False, False, True] * 2


def test_generator_steps_trains_the_generator_several_times() -> None:
    one, five = method(), method(replace(METHOD, generator_steps=5))
    for steps in (one, five):
        steps.step(batch(), 0)
    assert one.optimizers["generator"].state_dict()["state"][0]["step"] == 1
    assert five.optimizers["generator"].state_dict()["state"][0]["step"] == 5
    assert five.optimizers["discriminator"].state_dict()["state"][0]["step"] == 1


def test_weight_clip_bounds_the_parameters() -> None:
    step = method(replace(METHOD, weight_clip=0.001), discriminator="dcgan")
    step.step(batch(), 0)
    largest = max(float(value.detach().abs().max()) for value in step.discriminator.parameters())
    assert largest == pytest.approx(0.001)


def test_gp_weight_adds_the_weighted_penalty() -> None:
    plain = method(discriminator="dcgan", norm="none").step(batch(), 0)
    weighted = method(replace(METHOD, gp_weight=3.0), discriminator="dcgan", norm="none")
    metrics = weighted.step(batch(), 0)
    added = metrics["d_loss"] - plain["d_loss"]
    torch.testing.assert_close(added, 3 * metrics["penalty"], atol=1e-4, rtol=1e-4)


def test_classify_weights_scale_the_class_losses() -> None:
    options = replace(METHOD, classify_real=0.0, classify_fake=0.0, classify_generator=0.0)
    plain = method(options, discriminator="acgan_dcgan").step(batch(), 0)
    real = method(replace(options, classify_real=2.0), discriminator="acgan_dcgan")
    metrics = real.step(batch(), 0)
    added = metrics["d_loss"] - plain["d_loss"]
    torch.testing.assert_close(added, 2 * metrics["d_class"], atol=1e-4, rtol=1e-4)
    assert "g_class" not in metrics
    both = method(replace(options, classify_generator=1.0), discriminator="acgan_dcgan")
    assert "g_class" in both.step(batch(), 0)


@pytest.mark.parametrize("head", ["projection_head_dcgan", "residual_head"])
def test_classifier_head_trains_both_networks(head: str) -> None:
    options = replace(METHOD, mismatch_weight=1.0, classify_real=0.5, classify_fake=0.0)
    step = method(replace(options, classify_generator=0.3), discriminator=head)
    (weight, _) = step.discriminator.classifier.parameters()
    before = weight.detach().clone()
    metrics = step.step(batch(), 0)
    assert {"d_class", "g_class"} <= metrics.keys()
    assert not torch.equal(before, weight)
    # With weights of 0 the head has no effect.
    blind = replace(METHOD, classify_real=0.0, classify_fake=0.0, classify_generator=0.0)
    plain = method(discriminator=head.replace("_head", "")).step(batch(), 0)
    found = method(blind, discriminator=head).step(batch(), 0)
    torch.testing.assert_close(found["d_loss"], plain["d_loss"])


def judge_network() -> JudgeNetwork:
    torch.manual_seed(1)
    return JudgeNetwork(CONDITIONS.size, width=4)


def test_classifier_changes_what_the_generator_learns_by_its_weight() -> None:
    plain, silent, weighted = (
        method(replace(METHOD, classifier_weight=weight), classifier=classifier)
        for weight, classifier in ((1.0, None), (0.0, judge_network()), (1.0, judge_network()))
    )
    metrics = [step.step(batch(), 0) for step in (plain, silent, weighted)]
    assert ["g_classifier" in values for values in metrics] == [False, True, True]
    before = dict(plain.generator.named_parameters())
    assert not changed(silent.generator, before)
    assert changed(weighted.generator, before)


def test_classifier_does_not_learn_and_is_part_of_a_checkpoint() -> None:
    step = method(classifier=judge_network())
    step.step(batch(), 0)
    for name, value in judge_network().state_dict().items():
        assert torch.equal(step.modules["classifier"].state_dict()[name], value)
    assert "classifier" not in step.optimizers


def test_unit_range_maps_images_to_0_to_1() -> None:
    step = method(replace(METHOD, unit_range=True))
    seen: list[torch.Tensor] = []
    step.discriminator.body.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    step.step(batch(), 0)
    assert all(images.min() >= 0 and images.max() <= 1 for images in seen)


@pytest.mark.parametrize(
    ("options", "discriminator", "message"),
    [
        ({"mismatch_weight": 1.0}, "acgan_dcgan", "conditional logits"),
        ({"gp_weight": 1.0}, "concat_dcgan", "network.norm = batch"),
        ({"generator_steps": 2, "discriminator_steps": 2}, "concat_dcgan", "several steps of both"),
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
def test_incompatible_options_raise(
    options: dict[str, Any], discriminator: str, message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        method(replace(METHOD, **options), discriminator=discriminator)
