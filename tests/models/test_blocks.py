"""Layers against reference implementations."""

import torch
from torch.nn import functional as F

from ganport_models.blocks import resize_convolution


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
