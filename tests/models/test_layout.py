"""The networks of scenes: labels get places, and sums over a map find objects at any place."""

from __future__ import annotations

import torch

from ganport_models import NetworkConfig, build_discriminator, build_generator
from ganport_models.discriminators.projection import PooledHeadDiscriminator
from ganport_models.generators.layout import GAIN, LayoutGenerator

CONFIG = NetworkConfig(resolution=64, condition_size=5, base_channels=4, z_dim=6, embed_dim=8)


def layout_generator() -> LayoutGenerator:
    torch.manual_seed(0)
    generator = build_generator("film_layout_dcgan", CONFIG)
    assert isinstance(generator, LayoutGenerator)
    return generator


def test_place_objects_adds_the_vectors_of_the_labels_in_all() -> None:
    generator, condition = layout_generator(), torch.tensor([[1.0, 0, 0.5, 0, 0], [0] * 5])
    placed = generator.place_objects(torch.randn(2, 6), condition)
    assert placed.shape == (2, 16, 8, 8)
    torch.testing.assert_close(placed.sum(dim=(2, 3)), GAIN * condition @ generator.objects)


def test_place_objects_depends_on_the_noise_in_place_only() -> None:
    generator, condition = layout_generator(), torch.eye(5)[:1]
    first, second = (generator.place_objects(torch.randn(1, 6), condition) for _ in range(2))
    assert (first - second).abs().max() > 0.1
    torch.testing.assert_close(first.sum(dim=(2, 3)), second.sum(dim=(2, 3)))


def test_pooled_features_do_not_depend_on_the_place_of_an_object() -> None:
    torch.manual_seed(0)
    discriminator = build_discriminator("pooled_head_dcgan", CONFIG)
    assert isinstance(discriminator, PooledHeadDiscriminator)
    for name, parameter in discriminator.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.zeros_(parameter)  # so that the border looks like the background
    images = torch.zeros(2, 3, 64, 64)
    images[:, :, 24:32, 24:32] = torch.rand(3, 8, 8)
    images[1] = images[1].roll(8, dims=2)
    with torch.no_grad():
        first, second = discriminator.eval().embed(images)
    width = CONFIG.channels()[0]
    torch.testing.assert_close(first[-width:], second[-width:], atol=1e-5, rtol=1e-5)
    assert (first[:-width] - second[:-width]).abs().max() > 1e-3
