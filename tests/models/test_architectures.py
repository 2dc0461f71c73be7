"""Tests that run for every registered network."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from ganport_models import (
    Flow,
    Generator,
    NetworkConfig,
    NetworkError,
    build_discriminator,
    build_generator,
    discriminator_names,
    generator_names,
)
from ganport_models.network import Norm

TINY = NetworkConfig(resolution=32, condition_size=5, base_channels=8, z_dim=8, embed_dim=9)
"""Small, but wide enough that no layer is dead for a single seed."""
ROUNDING = 1e-4
"""Bound on the change by another batch size: float32 rounds numbers of about 1 by 6e-8 in each of a
dozen layers, and a batch that is mixed by mistake changes an output by tenths."""


def perturbed(network: Generator) -> Generator:
    """Change every parameter, because zero-initialized layers have no effect."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return network


def conditions(count: int) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.arange(count) % 5, 5).float()


@pytest.mark.parametrize("resolution", [16, 64])
@pytest.mark.parametrize("name", generator_names())
def test_generator_returns_images_in_range(name: str, resolution: int) -> None:
    config = replace(TINY, resolution=resolution)
    generator = build_generator(name, config)
    image = generator(torch.randn(3, *generator.z_shape), conditions(3))
    assert image.shape == (3, 3, resolution, resolution)
    assert image.dtype == torch.float32
    assert image.abs().max() <= 1


@pytest.mark.parametrize("name", generator_names())
def test_generator_every_parameter_has_gradient(name: str) -> None:
    generator = build_generator(name, TINY)
    target = torch.randn(4, 3, 32, 32)
    if isinstance(generator, Flow):
        generator.likelihood(target.sigmoid(), conditions(4))[1].sum().backward()
    else:
        image = generator(torch.randn(4, *generator.z_shape), conditions(4))
        (image * target).sum().backward()
    still = [key for key, value in generator.named_parameters() if value.grad is None]
    assert not still


@pytest.mark.parametrize("name", generator_names())
def test_generator_depends_on_noise_and_condition(name: str) -> None:
    torch.manual_seed(1)
    generator = perturbed(build_generator(name, TINY)).eval()
    z = torch.randn(2, *generator.z_shape)
    same = generator(z[:1], conditions(1))
    assert not torch.allclose(same, generator(z[1:], conditions(1)))
    assert not torch.allclose(same, generator(z[:1], conditions(2)[1:]))


@pytest.mark.parametrize("name", generator_names())
def test_generator_eval_rows_are_independent(name: str) -> None:
    generator = build_generator(name, TINY).eval()
    z = torch.randn(5, *generator.z_shape)
    together = generator(z, conditions(5))
    alone = generator(z[2:3], conditions(5)[2:3])
    torch.testing.assert_close(together[2:3], alone, atol=ROUNDING, rtol=0)


@pytest.mark.parametrize("norm", [None, "batch", "none", "spectral"])
@pytest.mark.parametrize("name", discriminator_names())
def test_discriminator_scores_images_under_conditions(name: str, norm: Norm | None) -> None:
    torch.manual_seed(0)
    discriminator = build_discriminator(name, TINY, norm, (2, 3))
    images = torch.randn(4, 3, 32, 32)
    logits = discriminator(images, conditions(4))
    assert logits.shape == (4,)
    seen = logits.sum()
    if discriminator.classifies:
        logits, labels = discriminator.score_and_classify(
            discriminator.embed(images), conditions(4)
        )
        assert labels.shape == (4, 5)
        seen = logits.sum() + labels.sum()
    seen.backward()
    assert all(value.grad is not None for value in discriminator.parameters())
    discriminator.eval()
    features = discriminator.embed(images)
    right, wrong = conditions(4), conditions(5)[1:]
    same = torch.equal(discriminator.score(features, right), discriminator.score(features, wrong))
    assert same != discriminator.conditional


@pytest.mark.parametrize("norm", ["batch", "none", "spectral"])
@pytest.mark.parametrize("name", discriminator_names())
def test_discriminator_has_requested_norm(name: str, norm: Norm) -> None:
    layers = list(build_discriminator(name, TINY, norm).modules())
    assert any(isinstance(layer, torch.nn.BatchNorm2d) for layer in layers) == (norm == "batch")
    convolutions = [layer for layer in layers if isinstance(layer, torch.nn.Conv2d)]
    spectral = [torch.nn.utils.parametrize.is_parametrized(layer) for layer in convolutions]
    assert all(spectral) if norm == "spectral" else not any(spectral)


@pytest.mark.parametrize("name", discriminator_names())
def test_discriminator_declares_batch_statistics(name: str) -> None:
    torch.manual_seed(0)
    discriminator = build_discriminator(name, TINY)
    for layer in discriminator.modules():
        if isinstance(layer, torch.nn.modules.dropout._DropoutNd):
            layer.eval()
    images = torch.randn(4, 3, 32, 32)
    with torch.nn.utils.parametrize.cached():
        alone, together = discriminator.embed(images[:2]), discriminator.embed(images)[:2]
    assert torch.allclose(alone, together, atol=ROUNDING) != discriminator.uses_batch_statistics


ANIME = NetworkConfig(resolution=64, condition_size=22, base_channels=64, z_dim=100, embed_dim=256)
LABELS = NetworkConfig(resolution=64, condition_size=24, base_channels=64, z_dim=100, embed_dim=200)
PLAIN = NetworkConfig(
    resolution=64, condition_size=0, base_channels=64, z_dim=100, embed_dim=1, kernel=5
)


@pytest.mark.parametrize(
    ("network", "count"),
    [
        # Report 001: ConvTranspose2d 122-512-256-128-64-3, no bias, and their batch norms.
        (build_generator("dcgan", ANIME), 3_756_928),
        # Report 004: Linear 100-8192 and four 5x5 layers, with biases.
        (build_generator("dense_dcgan", PLAIN), 5_135_363),
        # Report 002, CGAN: 24 planes of 4x4, Linear 384-100, then 200 channels upwards.
        (build_generator("label_planes_dcgan", LABELS), 4_434_688),
        # Report 002, AC-GAN: 512 + 24 channels at the base map.
        (build_generator("late_label_dcgan", LABELS), 3_674_368),
        # Report 003: Linear 24-200, 400 channels upwards, with biases.
        (build_generator("linear_label_dcgan", replace(LABELS, z_dim=200)), 6_040_267),
        # Report 000, ACGAN: heads 8192-512-1, -12 and -10.
        (build_discriminator("acgan_dcgan", ANIME, None, (12, 10)), 15_354_583),
        # Report 001: down to 22 numbers, no bias.
        (build_discriminator("matching_dcgan", ANIME), 2_937_600),
        # Report 002, CGAN: 6 channels in, planes by Linear 384-12288.
        (build_discriminator("label_planes_dcgan", LABELS), 7_487_616),
        # Report 003: 4 channels in, Linear 24-4096, heads for realism and 24 labels.
        (build_discriminator("label_aux_dcgan", LABELS), 3_066_713),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, torch.nn.Module) else "",
)
def test_network_parameter_count_matches_report(network: torch.nn.Module, count: int) -> None:
    assert sum(value.numel() for value in network.parameters()) == count


def test_concat_generator_parameter_count_matches_report() -> None:
    generator = build_generator("concat_dcgan", ANIME)
    assert sum(value.numel() for value in generator.parameters()) == 5_688_387


def test_concat_discriminator_layers_match_report() -> None:
    weights = build_discriminator("concat_dcgan", ANIME).state_dict()
    sizes = {tuple(value.shape) for key, value in weights.items() if key.endswith("weight")}
    assert {(256, 22), (64, 3, 4, 4), (512, 256, 4, 4), (512, 768, 1, 1)} <= sizes
    assert {(512, 8192), (1, 512)} <= sizes


def test_projection_discriminator_has_unit_spectral_norm() -> None:
    torch.manual_seed(0)
    discriminator = build_discriminator("projection_dcgan", TINY)
    for _ in range(50):  # each pass in training refines the estimate by one power iteration
        discriminator(torch.randn(2, 3, 32, 32), conditions(2))
    for layer in discriminator.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            largest = torch.linalg.matrix_norm(layer.weight.flatten(1), ord=2)
            assert largest.item() == pytest.approx(1, abs=0.02)


def builds_without_condition(build: Callable[[], torch.nn.Module]) -> bool:
    """Return whether a network is unconditional; any other one must say that it is not."""
    try:
        build()
    except NetworkError as error:
        assert (error.place, error.found) == ("condition_size", "0")
        return False
    return True


@pytest.mark.parametrize("name", generator_names())
def test_generator_without_condition_generates_or_is_refused(name: str) -> None:
    config = replace(TINY, condition_size=0)
    if not builds_without_condition(lambda: build_generator(name, config)):
        return
    generator = build_generator(name, config)
    image = generator(torch.randn(2, *generator.z_shape), torch.zeros(2, 0))
    assert image.shape == (2, 3, 32, 32)


@pytest.mark.parametrize("name", discriminator_names())
def test_discriminator_without_condition_scores_or_is_refused(name: str) -> None:
    config = replace(TINY, condition_size=0)
    if not builds_without_condition(lambda: build_discriminator(name, config)):
        return
    discriminator = build_discriminator(name, config)
    assert discriminator(torch.randn(2, 3, 32, 32), torch.zeros(2, 0)).shape == (2,)


def test_builds_without_condition_is_true_for_unconditional_networks_only() -> None:
    config = replace(TINY, condition_size=0)
    assert builds_without_condition(lambda: build_generator("dcgan", config))
    assert builds_without_condition(lambda: build_discriminator("dcgan", config))
    assert not builds_without_condition(lambda: build_generator("residual", config))


def test_build_unknown_name_suggests_nearest() -> None:
    with pytest.raises(NetworkError, match="Did you mean 'film_dcgan'"):
        build_generator("film_dcgn", TINY)
    with pytest.raises(NetworkError, match=r"expected one of .*concat_dcgan, "):
        build_discriminator("nothing like it", TINY)
