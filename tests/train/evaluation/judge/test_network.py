import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from ganport_runtime.images.format import CHANNELS, ImageFormat
from ganport_runtime.images.pixels import to_float
from ganport_train.backend.device import random_stream
from ganport_train.evaluation.judge.network import (
    ARCHITECTURES,
    MIN_RESOLUTION,
    JudgeNetwork,
    PointwiseConvolution,
    prepare_images,
    random_mirror,
    random_shift,
)

CPU = torch.device("cpu")


@pytest.mark.parametrize("side", [MIN_RESOLUTION, 17, 40])
@pytest.mark.parametrize("width", [4, 5])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_network_for_any_size_returns_features_and_outputs(
    side: int, width: int, architecture: str
) -> None:
    network = JudgeNetwork(7, width, architecture=architecture).eval()
    images = torch.randn(3, 3, side, side)
    features = network.features(images)
    assert features.shape == (3, network.num_features)
    assert network(images).shape == (3, 7)
    torch.testing.assert_close(network(images), network.head(features))


def test_features_are_means_followed_by_maxima() -> None:
    network = JudgeNetwork(2, 4).eval()
    means, maxima = network.features(torch.randn(4, 3, 32, 32)).chunk(2, dim=1)
    assert (maxima >= means).all()
    assert (maxima > means).any()
    # At the smallest resolution the last map has one pixel, which is both.
    means, maxima = network.features(torch.randn(4, 3, 16, 16)).chunk(2, dim=1)
    torch.testing.assert_close(means, maxima)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_backward_reaches_every_parameter(architecture: str) -> None:
    network = JudgeNetwork(5, 4, architecture=architecture)
    network(torch.randn(8, 3, 32, 32)).square().sum().backward()
    unused = [
        name
        for name, value in network.named_parameters()
        if value.grad is None or not value.grad.abs().sum() > 0
    ]
    assert unused == []


def test_only_residual_blocks_add_their_input() -> None:
    torch.manual_seed(0)
    images = torch.rand(2, 4, 8, 8)
    for architecture in ARCHITECTURES:
        block = JudgeNetwork(3, 4, architecture=architecture).eval().blocks[0]
        for layer in block.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.zeros_(layer.weight)
        expected = images if architecture == "residual" else torch.zeros_like(images)
        torch.testing.assert_close(block(images), expected)


def test_dropout_acts_only_in_training() -> None:
    torch.manual_seed(0)
    network, images = JudgeNetwork(3, 4), torch.randn(4, 3, 16, 16)
    assert not torch.equal(network(images), network(images))
    network.eval()
    assert torch.equal(network(images), network(images))


def test_prepare_images_maps_levels_to_minus_1_to_1() -> None:
    levels = np.array([0, 255, 51], np.uint8)
    batch = prepare_images(np.broadcast_to(levels, (1, 16, 16, 3)), ImageFormat((16, 16)), CPU)
    assert batch.shape == (1, 3, 16, 16)
    assert batch[0, :, 3, 5].tolist() == pytest.approx([-1, 1, -0.6])


def test_prepare_images_of_another_size_uses_a_triangle_filter() -> None:
    # Four columns to two: the triangle around the first center, 0.5, weighs 0.75, 0.75 and 0.25.
    columns = np.array([0, 70, 140, 210], np.uint8)
    images = np.broadcast_to(columns[None, None, :, None], (1, 4, 4, 3))
    levels = (prepare_images(images, ImageFormat((2, 2)), CPU) + 1) * 127.5
    first = (0.75 * 0 + 0.75 * 70 + 0.25 * 140) / 1.75
    assert levels[0, 0].tolist() == [pytest.approx([first, 210 - first], rel=1e-4)] * 2


@pytest.mark.parametrize("shape", [(9, 9), (40, 24), (1, 1)])
def test_prepare_images_keeps_a_constant_image_constant(shape: tuple[int, int]) -> None:
    batch = prepare_images(np.full((2, *shape, 3), 102, np.uint8), ImageFormat((16, 16)), CPU)
    assert batch.shape == (2, 3, 16, 16)
    assert batch.numpy() == pytest.approx(np.full(batch.shape, -0.2), abs=1e-5)


def numbered(count: int, side: int) -> torch.Tensor:
    """Return images of which no two pixels are equal."""
    return torch.arange(count * 3 * side * side, dtype=torch.float32).view(count, 3, side, side)


def test_random_mirror_flips_about_half_of_the_images() -> None:
    images = numbered(200, 3)
    result = random_mirror(images, random_stream(0, 0, 0))
    pairs = list(zip(result, images, strict=True))
    flipped = [torch.equal(found, image.flip(-1)) for found, image in pairs]
    same = [torch.equal(found, image) for found, image in pairs]
    assert [a != b for a, b in zip(flipped, same, strict=True)] == [True] * 200
    assert 70 < sum(flipped) < 130


@given(st.integers(0, 3), st.integers(1, 5), st.integers(0, 2**31))
def test_random_shift_returns_windows_of_the_padded_images(
    max_shift: int, side: int, seed: int
) -> None:
    images = numbered(3, side)
    result = random_shift(images, max_shift, random_stream(seed, 1, 0))
    shifts = random_stream(seed, 1, 0).integers(0, 2 * max_shift + 1, (3, 2))
    padding = ((0, 0), (max_shift, max_shift), (max_shift, max_shift))
    for image, shifted, (down, right) in zip(images, result, shifts, strict=True):
        padded = np.pad(image.numpy(), padding, mode="edge")
        expected = padded[:, down : down + side, right : right + side]
        np.testing.assert_array_equal(shifted.numpy(), expected)


def test_random_shift_reaches_every_offset() -> None:
    # One bright pixel in the middle of 5 x 5 shows the shift.
    images = torch.zeros(400, 3, 5, 5)
    images[:, :, 2, 2] = 1
    shifted = random_shift(images, 1, random_stream(0, 0, 0))
    positions = {tuple(pixel) for pixel in torch.nonzero(shifted[:, 0])[:, 1:].tolist()}
    assert positions == {(row, column) for row in (1, 2, 3) for column in (1, 2, 3)}


@pytest.mark.parametrize("mode", CHANNELS)
def test_network_sees_every_mode_and_a_rectangle(mode: str) -> None:
    image = ImageFormat((24, 32), mode)
    network = JudgeNetwork(3, 4, image.channels).eval()
    images = np.random.default_rng(0).integers(0, 256, (2, 24, 32, image.channels), np.uint8)
    batch = prepare_images(images, image, CPU)
    assert batch.shape == (2, image.channels, 24, 32)
    np.testing.assert_allclose(batch.numpy(), to_float(images), atol=1e-6)
    assert network(random_shift(batch, 2, random_stream(0, 0, 0))).shape == (2, 3)


def test_prepare_images_lays_transparency_on_white_for_a_judge_of_rgb() -> None:
    images = np.zeros((1, 16, 16, 4), np.uint8)
    images[:, :, :8] = (0, 0, 0, 255)
    batch = prepare_images(images, ImageFormat((16, 16)), CPU)
    assert (batch[..., :8] == -1).all()
    assert (batch[..., 8:] == 1).all()


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("side", [7, 8])
def test_pointwise_convolution_equals_a_convolution_with_a_stride(side: int, stride: int) -> None:
    images = torch.randn(2, 4, side, side)
    convolution = PointwiseConvolution(4, 8, stride)
    expected = F.conv2d(images, convolution.weight, stride=stride)
    torch.testing.assert_close(convolution(images), expected)
