"""DCGAN generators: with labels as planes, joined conditions, or scales and shifts (FiLM)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganport_models.blocks import (
    LabelPlanes,
    SkipImages,
    condition_embedding,
    init_bilinear_,
    latent_to_map,
    leaky_relu,
    resize_convolution,
    to_base_map,
    up_convolution,
    upsample_stack,
)
from ganport_models.network import Generator, NetworkConfig, register_generator


@register_generator("dcgan")
class DCGANGenerator(Generator):
    """Noise and condition -> transposed convolutions -> tanh (report 001, rows B1, B2).

    Without a condition it is plain DCGAN (Radford et al. 2016, figure 1). The report's 122 inputs
    are 100 of the noise and 22 of the condition.
    """

    conditional = False

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        channels = config.channels()
        self.stem = latent_to_map(config.z_dim + config.condition_size, channels[0], config)
        self.body = upsample_stack(
            [*channels, config.image_channels], nn.ReLU, config.kernel, bias=False
        )

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Return images (N, K, H, W) in [-1, 1] from z (N, z_dim) and condition (N, C)."""
        joined = torch.cat([z, condition], dim=1) if self.config.condition_size else z
        image: Tensor = self.body(self.stem(joined[:, :, None, None]))
        return image


@register_generator("dense_dcgan")
class DenseDCGANGenerator(Generator):
    """`DCGANGenerator` with a Linear stem and biases (report 004, rows E1 to E3)."""

    conditional = False

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        channels = config.channels()
        self.base_channels = channels[0]
        inputs = config.z_dim + config.condition_size
        self.stem = nn.Linear(inputs, channels[0] * config.base_area)
        self.body = upsample_stack([*channels, config.image_channels], nn.ReLU, config.kernel)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Return images (N, K, H, W) in [-1, 1] from z (N, z_dim) and condition (N, C)."""
        joined = torch.cat([z, condition], dim=1) if self.config.condition_size else z
        image: Tensor = self.body(to_base_map(self.stem(joined), self.base_channels, self.config))
        return image


@register_generator("concat_dcgan")
class ConcatGenerator(Generator):
    """Embedded condition and noise -> Linear -> transposed convolutions -> tanh.

    Report 000, row A1. At 64 pixels, 64 base channels, z_dim 100 and 22 conditions it has the
    5,688,387 parameters that the report prints.
    """

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        channels = config.channels()
        self.base_channels = channels[0]
        self.condition = condition_embedding(config.condition_size, config.embed_dim)
        self.stem = nn.Linear(config.z_dim + config.embed_dim, channels[0] * config.base_area)
        self.body = upsample_stack([*channels, config.image_channels], leaky_relu, config.kernel)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Return images (N, K, H, W) in [-1, 1] from z (N, z_dim) and condition (N, C)."""
        joined = torch.cat([z, self.condition(condition)], dim=1)
        image: Tensor = self.body(to_base_map(self.stem(joined), self.base_channels, self.config))
        return image


class FilmStage(nn.Module):
    """Batch norm, a scale and shift from the style (FiLM, Perez et al. 2018), ReLU, a layer."""

    def __init__(
        self, inputs: int, outputs: int, style: int, build: Callable[[int, int], nn.Module]
    ) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs, affine=False)
        # The order of creation decides the initial weights of a seed.
        self.film = nn.Linear(style, 2 * inputs)
        self.up = build(inputs, outputs)

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        """Map features (N, inputs, H, W) and style (N, style) to what the layer returns."""
        scale, shift = self.film(style)[:, :, None, None].chunk(2, dim=1)
        features = torch.addcmul(shift, self.norm(features), 1 + scale)
        result: Tensor = self.up(F.relu(features))
        return result


@register_generator("film_dcgan")
class FilmGenerator(Generator):
    """Noise -> Linear -> FiLM stages whose style depends on condition and noise -> tanh.

    A generator learns a condition faster if every resolution receives it (conditional batch norm:
    Dumoulin et al. 2017, and Miyato & Koyama 2018, section 5.1; noise in every stage: BigGAN,
    Brock et al. 2019, section 3).
    """

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        channels = config.channels()
        self.base_channels = channels[0]
        self.style = nn.Sequential(
            nn.Linear(config.z_dim + config.condition_size, config.embed_dim), nn.ReLU()
        )
        self.stem = nn.Linear(config.z_dim, channels[0] * config.base_area)
        self.stages = nn.ModuleList(self.build_stages(config))

    def build_stages(self, config: NetworkConfig) -> Iterator[FilmStage]:
        """Yield the stages from the base map to the image."""
        for inputs, outputs in pairwise([*config.channels(), config.image_channels]):
            yield FilmStage(inputs, outputs, config.embed_dim, _bilinear_convolution)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Return images (N, K, H, W) in [-1, 1] from z (N, z_dim) and condition (N, C)."""
        return torch.tanh(self.map_features(z, condition)[-1])

    def map_features(self, z: Tensor, condition: Tensor) -> list[Tensor]:
        """Return the output of every stage; that of the last is the image."""
        style = self.style(torch.cat([z, condition], dim=1))
        maps = [to_base_map(self.stem(z), self.base_channels, self.config)]
        for stage in self.stages:
            maps.append(stage(maps[-1], style))
        return maps[1:]


class FilmResizeGenerator(FilmGenerator):
    """`FilmGenerator` with resize convolutions.

    The last stage is a 3x3 convolution of half of `base_channels` channels at the size of the
    image. It returns the image, or a number for each of `num_colors`.
    """

    def build_stages(self, config: NetworkConfig) -> Iterator[FilmStage]:
        """Yield the stages from the base map to the size of the image."""
        channels = [*config.channels(), max(1, config.base_channels // 2)]
        for inputs, outputs in pairwise(channels):
            yield FilmStage(inputs, outputs, config.embed_dim, resize_convolution)
        last = partial(nn.Conv2d, kernel_size=3, padding=1)
        outputs = self.num_colors or config.image_channels
        yield FilmStage(channels[-1], outputs, config.embed_dim, last)


@register_generator("film_skip_dcgan")
class FilmSkipGenerator(FilmResizeGenerator):
    """`FilmResizeGenerator` with an image of every size: `quick`'s.

    Both changes remove the weave in flat areas (benchmarks/RESULTS.md, learning).
    """

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        super().build(config)
        self.skips = SkipImages(config.channels()[1:], config.image_channels)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Return images (N, K, H, W) in [-1, 1] from z (N, z_dim) and condition (N, C)."""
        *maps, _, image = self.map_features(z, condition)
        return torch.tanh(self.skips(maps) + image)


def _bilinear_convolution(inputs: int, outputs: int) -> nn.Module:
    return init_bilinear_(up_convolution(inputs, outputs))


@register_generator("label_planes_dcgan")
class LabelPlanesGenerator(Generator):
    """Labels -> planes -> Linear of size z_dim, joined to the noise (report 002, CGAN)."""

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        channels = config.channels()
        self.condition = nn.Sequential(
            LabelPlanes(config),
            leaky_relu(),
            nn.Flatten(),
            nn.Linear(config.condition_size * config.base_area, config.z_dim, bias=False),
            leaky_relu(),
        )
        self.stem = latent_to_map(2 * config.z_dim, channels[0], config)
        self.body = upsample_stack(
            [*channels, config.image_channels], leaky_relu, config.kernel, bias=False
        )

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Return images (N, K, H, W) in [-1, 1] from z (N, z_dim) and condition (N, C)."""
        joined = torch.cat([z, self.condition(condition)], dim=1)
        image: Tensor = self.body(self.stem(joined[:, :, None, None]))
        return image


@register_generator("late_label_dcgan")
class BaseMapLabelGenerator(Generator):
    """Noise -> base map, joined with label planes -> upsampling (report 002, AC-GAN)."""

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        first, *channels = config.channels()
        self.planes = LabelPlanes(config)
        self.stem = nn.Sequential(latent_to_map(config.z_dim, first, config), nn.ReLU())
        joined = first + config.condition_size
        self.join = up_convolution(joined, channels[0], config.kernel, bias=False)
        self.body = upsample_stack(
            [*channels, config.image_channels], nn.ReLU, config.kernel, bias=False
        )

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Return images (N, K, H, W) in [-1, 1] from z (N, z_dim) and condition (N, C)."""
        base = self.stem(z[:, :, None, None])
        image: Tensor = self.body(self.join(torch.cat([base, self.planes(condition)], dim=1)))
        return image


@register_generator("linear_label_dcgan")
class LinearLabelGenerator(LabelPlanesGenerator):
    """Labels -> Linear of size embed_dim -> ReLU, joined to the noise (report 003)."""

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        channels = config.channels()
        self.condition = nn.Sequential(
            nn.Linear(config.condition_size, config.embed_dim), nn.ReLU()
        )
        self.stem = latent_to_map(config.z_dim + config.embed_dim, channels[0], config, bias=True)
        self.body = upsample_stack([*channels, config.image_channels], nn.ReLU, config.kernel)
