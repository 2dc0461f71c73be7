"""Layers against reference implementations."""

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations
from torch.overrides import TorchFunctionMode

from ganport_models.blocks import (
    SkipImages,
    init_dcgan_,
    resize_convolution,
    spectral_norm,
    with_spectral_norm,
)


def test_resize_convolution_equals_upsampling_and_convolution() -> None:
    torch.manual_seed(0)
    layer = resize_convolution(3, 5)
    kernels = layer.parametrizations.weight.original  # type: ignore[union-attr]
    assert isinstance(kernels, torch.Tensor)
    kernels.data.normal_()
    image = torch.randn(2, 3, 6, 7)
    upsampled = F.interpolate(image, scale_factor=2.0, mode="nearest")
    # A transposed convolution flips its kernels and has inputs before outputs.
    turned = kernels.transpose(0, 1).flip(2, 3)
    expected = F.conv2d(upsampled, turned, layer.bias, padding=1)
    torch.testing.assert_close(layer(image), expected, atol=1e-5, rtol=1e-5)


def test_resize_convolution_starts_without_a_checkerboard() -> None:
    torch.manual_seed(0)
    flat = resize_convolution(4, 2)(torch.ones(1, 4, 8, 8))[:, :, 2:-2, 2:-2]
    torch.testing.assert_close(flat, flat[:, :, :1, :1].expand_as(flat))


def test_init_dcgan_gives_convolutions_and_norms_the_deviation_of_the_paper() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(64, 128, 4), nn.ConvTranspose2d(128, 64, 4), nn.BatchNorm2d(4096), nn.Linear(9, 9)
    )
    linear = network[3].weight.clone()
    init_dcgan_(network)
    # The standard error of a deviation from n values is deviation / sqrt(2 n); 5 of them.
    for layer, mean in ((network[0], 0.0), (network[1], 0.0), (network[2], 1.0)):
        error = 0.02 / (2 * layer.weight.numel()) ** 0.5
        weight = layer.weight.detach()
        assert abs(float(weight.std()) - 0.02) < 5 * error
        assert abs(float(weight.mean()) - mean) < 10 * error
    assert torch.equal(network[3].weight, linear)


def test_init_dcgan_leaves_spectrally_normalized_layers() -> None:
    torch.manual_seed(0)
    layer = with_spectral_norm(nn.Conv2d(3, 4, 3), "spectral")
    before = layer.weight.clone()
    init_dcgan_(nn.Sequential(layer))
    torch.testing.assert_close(layer.eval().weight, before)


def test_skip_images_sum_the_doubled_images_of_all_maps() -> None:
    skips = SkipImages([2, 1], 3)
    for convolution in (skips.first, *skips.others):
        nn.init.ones_(convolution.weight)
        nn.init.zeros_(convolution.bias)
    maps = [torch.full((1, 2, 2, 2), 3.0), torch.full((1, 1, 4, 4), 0.5)]
    # Flat maps stay flat: 2 * 3 + 0.5 in each of the three colors.
    torch.testing.assert_close(skips(maps), torch.full((1, 3, 8, 8), 6.5))


class AutocastOfProducts(TorchFunctionMode):
    """Records whether autocast is on at each product of a matrix and a vector."""

    def __init__(self) -> None:
        super().__init__()
        self.states: list[bool] = []

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        if func is torch.mv:
            self.states.append(torch.is_autocast_enabled("cpu"))
        return func(*args, **(kwargs or {}))


def test_spectral_norm_is_that_of_torch_in_float32() -> None:
    layers = []
    for norm in (spectral_norm, parametrizations.spectral_norm):
        torch.manual_seed(0)
        layers.append(norm(nn.Conv2d(3, 5, 4)))
    with torch.autocast("cpu", torch.bfloat16), AutocastOfProducts() as products:
        images = [layer(torch.ones(2, 3, 8, 8)) for layer in layers]
    assert torch.equal(*images)
    assert images[0].dtype == torch.bfloat16
    ours, theirs = (layer.state_dict() for layer in layers)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    half = len(products.states) // 2
    assert not any(products.states[:half])
    assert all(products.states[half:])
