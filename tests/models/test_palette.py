"""The generator of pixel art: pixels are mixtures of its colors."""

from __future__ import annotations

import pytest
import torch

from ganport_models import NetworkConfig, build_generator
from ganport_models.generators.palette import COLORS, PaletteGenerator


@pytest.fixture
def generator() -> PaletteGenerator:
    config = NetworkConfig(16, 3, 32, 5, 6, image_channels=4)
    torch.manual_seed(0)
    generator = build_generator("film_palette_dcgan", config)
    assert isinstance(generator, PaletteGenerator)
    return generator.eval()


def draw(generator: PaletteGenerator) -> torch.Tensor:
    with torch.no_grad():
        images: torch.Tensor = generator(torch.randn(6, 5), torch.eye(3).repeat(2, 1))
    return images


def test_palette_generator_of_one_color_draws_it(generator: PaletteGenerator) -> None:
    color = torch.tensor([0.25, -0.5, 1.0, 1.0])
    generator.init_colors(color.repeat(COLORS, 1))
    images = draw(generator)
    assert images.shape == (6, 4, 16, 16)
    torch.testing.assert_close(images, color[None, :, None, None].expand_as(images))


def test_palette_generator_with_large_logits_draws_colors_of_its_table(
    generator: PaletteGenerator,
) -> None:
    colors = torch.rand(5, 4) * 2 - 1
    generator.init_colors(colors.repeat(COLORS // 5 + 1, 1)[:COLORS])
    last = generator.stages[-1].up
    with torch.no_grad():
        last.weight *= 1e6
    pixels = draw(generator).permute(0, 2, 3, 1).reshape(-1, 1, 4)
    distances = (pixels - colors).abs().amax(dim=-1).amin(dim=-1)
    assert (distances < 1e-3).float().mean() > 0.99
    assert len({round(float(pixel.sum()), 3) for pixel in pixels[:, 0]}) >= 3


def test_palette_generator_adds_noise_to_the_choice_of_colors_in_training_only(
    generator: PaletteGenerator,
) -> None:
    z, condition = torch.randn(2, 5), torch.eye(3)[:2]
    generator.train()
    with torch.no_grad():
        noisy, again = generator(z, condition), generator(z, condition)
        generator.eval()
        assert torch.equal(generator(z, condition), generator(z, condition))
    assert (noisy - again).abs().mean() > 0.1


def test_init_colors_keeps_the_colors_that_are_not_given(generator: PaletteGenerator) -> None:
    before = generator.colors.detach().clone()
    generator.init_colors(torch.zeros(7, 4))
    assert not generator.colors[:7].any()
    assert torch.equal(generator.colors[7:], before[7:])
