"""Every registered network through the same tests: a new one is tested by being registered."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from ganport_models import (
    NetworkError,
    Shape,
    build_discriminator,
    build_generator,
    discriminator_names,
    generator_names,
)

TINY = Shape(resolution=32, condition_size=5, features=2, latent=6, embedding=7)


def conditions(count: int) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.arange(count) % 5, 5).float()


@pytest.mark.parametrize("resolution", [16, 64])
@pytest.mark.parametrize("name", generator_names())
def test_generator_draws_pictures_in_range(name: str, resolution: int) -> None:
    shape = Shape(resolution, 5, 2, 6, 7)
    generator = build_generator(name, shape)
    image = generator(torch.randn(3, *generator.z_shape), conditions(3))
    assert image.shape == (3, 3, resolution, resolution)
    assert image.dtype == torch.float32
    assert image.abs().max() <= 1


@pytest.mark.parametrize("name", generator_names())
def test_every_parameter_of_a_generator_learns(name: str) -> None:
    generator = build_generator(name, TINY)
    target = torch.randn(4, 3, 32, 32)
    (generator(torch.randn(4, *generator.z_shape), conditions(4)) * target).sum().backward()
    still = [key for key, value in generator.named_parameters() if value.grad is None]
    assert not still


@pytest.mark.parametrize("name", generator_names())
def test_generator_follows_noise_and_condition(name: str) -> None:
    torch.manual_seed(0)
    generator = build_generator(name, TINY).eval()
    z = torch.randn(2, *generator.z_shape)
    same = generator(z[:1], conditions(1))
    assert not torch.allclose(same, generator(z[1:], conditions(1)))
    assert not torch.allclose(same, generator(z[:1], conditions(2)[1:]))


@pytest.mark.parametrize("name", generator_names())
def test_eval_generator_treats_each_row_alone(name: str) -> None:
    generator = build_generator(name, TINY).eval()
    z = torch.randn(5, *generator.z_shape)
    together = generator(z, conditions(5))
    alone = generator(z[2:3], conditions(5)[2:3])
    torch.testing.assert_close(together[2:3], alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", discriminator_names())
def test_discriminator_scores_pictures_under_conditions(name: str) -> None:
    torch.manual_seed(0)
    discriminator = build_discriminator(name, TINY)
    images = torch.randn(4, 3, 32, 32)
    logits = discriminator(images, conditions(4))
    assert logits.shape == (4,)
    logits.sum().backward()
    assert all(value.grad is not None for value in discriminator.parameters())
    discriminator.eval()
    features = discriminator.embed(images)
    right, wrong = conditions(4), conditions(5)[1:]
    assert not torch.allclose(
        discriminator.score(features, right), discriminator.score(features, wrong)
    )


@pytest.mark.parametrize("name", discriminator_names())
def test_a_discriminator_that_mixes_batches_says_so(name: str) -> None:
    torch.manual_seed(0)
    discriminator = build_discriminator(name, TINY)
    images = torch.randn(4, 3, 32, 32)
    with torch.nn.utils.parametrize.cached():
        alone, together = discriminator.embed(images[:2]), discriminator.embed(images)[:2]
    assert torch.allclose(alone, together, atol=1e-5) != discriminator.mixes_batch


def test_anime_cgan_has_the_parameters_the_report_prints() -> None:
    shape = Shape(resolution=64, condition_size=22, features=64, latent=100, embedding=256)
    generator = build_generator("concat_dcgan", shape)
    assert sum(value.numel() for value in generator.parameters()) == 5_688_387


def test_anime_cgan_discriminator_has_the_layers_of_the_report() -> None:
    shape = Shape(resolution=64, condition_size=22, features=64, latent=100, embedding=256)
    weights = build_discriminator("concat_dcgan", shape).state_dict()
    sizes = {tuple(value.shape) for key, value in weights.items() if key.endswith("weight")}
    assert {(256, 22), (64, 3, 4, 4), (512, 256, 4, 4), (512, 768, 1, 1)} <= sizes
    assert {(512, 8192), (1, 512)} <= sizes


def test_projection_discriminator_is_spectrally_normal() -> None:
    torch.manual_seed(0)
    discriminator = build_discriminator("projection_dcgan", TINY)
    for _ in range(50):  # each pass in training refines the estimate by one power iteration
        discriminator(torch.randn(2, 3, 32, 32), conditions(2))
    for layer in discriminator.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            largest = torch.linalg.matrix_norm(layer.weight.flatten(1), ord=2)
            assert largest.item() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(
    ("build", "name"),
    [(build_generator, name) for name in generator_names()]
    + [(build_discriminator, name) for name in discriminator_names()],
)
def test_a_network_without_its_condition_is_refused(
    build: Callable[[str, Shape], torch.nn.Module], name: str
) -> None:
    with pytest.raises(NetworkError, match=r"at least 1: this network needs a condition; found 0"):
        build(name, replace(TINY, condition_size=0))


def test_unknown_network_suggests_the_nearest() -> None:
    with pytest.raises(NetworkError, match="Did you mean 'film_dcgan'"):
        build_generator("film_dcgn", TINY)
    with pytest.raises(NetworkError, match="expected one of concat_dcgan, projection_dcgan"):
        build_discriminator("nothing like it", TINY)
