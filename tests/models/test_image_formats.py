"""Every network with images of every mode and size: a pairwise cover, and the rest as `matrix`."""

from collections.abc import Iterator

import pytest
import torch

from ganport_models import (
    Discriminator,
    Flow,
    Generator,
    NetworkConfig,
    NetworkError,
    build_discriminator,
    build_generator,
    discriminator_names,
    generator_names,
)
from ganport_models.resolution import Resolution, to_size
from ganport_runtime.images.format import CHANNELS

SIZES: list[Resolution] = [48, (96, 64), 28]


def combinations(names: list[str]) -> Iterator[object]:
    """Yield every network, size and mode; of a network, three cover all pairs."""
    for number, name in enumerate(names):
        for row, size in enumerate(SIZES):
            for column, mode in enumerate(CHANNELS):
                covered = (number + row + column) % 3 == 0
                marks = [] if covered else [pytest.mark.matrix]
                label = "x".join(map(str, to_size(size)))
                yield pytest.param(name, size, mode, id=f"{name}-{label}-{mode}", marks=marks)


def config(size: Resolution, mode: str, **changes: int) -> NetworkConfig:
    numbers = {"condition_size": 5, "base_channels": 2, "z_dim": 6, "embed_dim": 7}
    numbers |= {"num_levels": 2, "num_blocks": 1, "image_channels": CHANNELS[mode]}
    return NetworkConfig(size, **(numbers | changes))


def conditions(count: int) -> torch.Tensor:
    return torch.eye(5)[torch.arange(count) % 5]


@pytest.mark.parametrize(("name", "size", "mode"), list(combinations(generator_names())))
def test_generator_returns_images_of_its_format(name: str, size: Resolution, mode: str) -> None:
    torch.manual_seed(0)
    generator: Generator = build_generator(name, config(size, mode))
    z = torch.randn(2, *generator.z_shape)
    image = generator(z, conditions(2))
    assert image.shape == (2, CHANNELS[mode], *to_size(size))
    assert image.abs().max() <= 1
    if isinstance(generator, Flow):
        generator.eval()
        assert generator.encode(image.detach(), conditions(2)).shape == z.shape
    else:
        image.sum().backward()
        assert all(value.grad is not None for value in generator.parameters())


@pytest.mark.parametrize(("name", "size", "mode"), list(combinations(discriminator_names())))
def test_discriminator_scores_images_of_its_format(name: str, size: Resolution, mode: str) -> None:
    torch.manual_seed(0)
    discriminator: Discriminator = build_discriminator(name, config(size, mode), None, (2, 3))
    images = torch.randn(2, CHANNELS[mode], *to_size(size), requires_grad=True)
    features = discriminator.embed(images)
    score = discriminator.score(features, conditions(2))
    assert score.shape == (2,)
    if discriminator.classifies:
        assert discriminator.score_and_classify(features, conditions(2))[1].shape == (2, 5)
    (gradient,) = torch.autograd.grad(score.sum(), images)
    assert all(gradient[:, channel].any() for channel in range(CHANNELS[mode]))


def test_glow_more_levels_than_halvings_raises() -> None:
    with pytest.raises(NetworkError, match=r"at most 2 at 28 x 28.* Set network.num_levels=2"):
        build_generator("glow", config(28, "gray", num_levels=3))
