"""The judge's network, the preprocessing of its input, and its training augmentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock

from ganport_runtime.images.format import ImageFormat
from ganport_train.data.color_modes import convert_mode

STAGES = 4
"""Number of stages, each of which halves height and width after a stem that halves them once."""
MIN_RESOLUTION = 16
_SLOPE = 0.1  # negative slope of the LeakyReLU of plain blocks
RESIZE_FILTER = "bilinear, antialiased"
"""Filter that resizes images to the judge's resolution."""


class JudgeNetwork(nn.Module):
    """A small convolutional network with one linear layer from its features to its outputs.

    A stem and four blocks of `width`, 2, 4, and 8 times as many channels. `residual` blocks add
    their input (He et al. 2016), `plain` ones do not (VGG, Simonyan & Zisserman 2015): a generator
    that learned from a judge of one architecture is measured with the other. The features are the
    mean and the maximum of each channel, 16 * width numbers: the mean alone loses a small object.
    """

    def __init__(
        self, outputs: int, width: int = 32, channels: int = 3, architecture: str = "residual"
    ) -> None:
        super().__init__()
        widths = [width * 2**stage for stage in range(STAGES)]
        # The first layer keeps the full size: an iris is four pixels wide.
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width // 2, 3, padding=1, bias=False),
            nn.BatchNorm2d(width // 2),
            nn.ReLU(inplace=True),
            nn.Conv2d(width // 2, width, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        )
        inputs, block = [width, *widths], _BLOCKS[architecture]
        self.blocks = nn.Sequential(
            *(
                block(inputs[stage], widths[stage], stride=1 if stage == 0 else 2)
                for stage in range(STAGES)
            )
        )
        self.num_features = 2 * widths[-1]
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(self.num_features, outputs)

    def features(self, images: Tensor) -> Tensor:
        """Return the (N, num_features) features of float (N, C, H, W) images in [-1, 1]."""
        maps = self.blocks(self.stem(images)).flatten(2)
        return torch.cat([maps.mean(dim=2), maps.amax(dim=2)], dim=1)

    def forward(self, images: Tensor) -> Tensor:
        """Return (N, outputs) numbers: logits of labels, values of colors and scalars."""
        outputs: Tensor = self.head(self.dropout(self.features(images)))
        return outputs


def prepare_images(images: NDArray[np.uint8], image: ImageFormat, device: torch.device) -> Tensor:
    """Convert uint8 (N, H, W, C) images to float in [-1, 1] on a device, for a judge of `image`.

    The result has the size and the channels of `image`; colors are premultiplied by alpha.
    """
    # A memory map is read-only, and torch warns about read-only arrays.
    owned = np.require(convert_mode(images, image.mode), requirements=("C", "W"))
    batch = torch.from_numpy(owned).to(device).permute(0, 3, 1, 2).float()
    if image.mode == "rgba":
        batch[:, :3] *= batch[:, 3:] / 255
    if images.shape[1:3] != image.size:
        size = image.size
        batch = F.interpolate(batch, size, mode="bilinear", antialias=True, align_corners=False)
    return (batch / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def random_mirror(images: Tensor, random: np.random.Generator) -> Tensor:
    """Mirror each of the float (N, C, H, W) images with probability 0.5."""
    chosen = torch.from_numpy(random.random(len(images)) < 0.5).to(images.device)
    return torch.where(chosen[:, None, None, None], images.flip(-1), images)


def random_shift(images: Tensor, max_shift: int, random: np.random.Generator) -> Tensor:
    """Shift each of the float (N, C, H, W) images by up to `max_shift` pixels per axis.

    The pixels of the border are repeated.
    """
    count = len(images)
    shifts = torch.from_numpy(random.integers(0, 2 * max_shift + 1, (count, 2)))
    padded = F.pad(images, (max_shift,) * 4, mode="replicate")
    rows, columns = (
        (torch.arange(side) + shifts[:, axis, None]).to(images.device)
        for axis, side in enumerate(images.shape[-2:])
    )
    index = torch.arange(count, device=images.device)[:, None, None]
    pixels = padded.permute(0, 2, 3, 1)[index, rows[:, :, None], columns[:, None, :]]
    return pixels.permute(0, 3, 1, 2)


class PointwiseConvolution(nn.Conv2d):
    """A pointwise convolution, without bias, of every `stride`-th pixel.

    It equals one with a stride. But on a CPU with AVX2 and no AVX-512, the gradient of that one
    writes outside its memory for fewer than 8 channels (oneDNN in torch 2.15, channels-last).
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__(inputs, outputs, 1, bias=False)
        self.pixel_stride = stride

    def forward(self, images: Tensor) -> Tensor:
        """Return (N, outputs, ⌈H / stride⌉, ⌈W / stride⌉)."""
        return super().forward(images[..., :: self.pixel_stride, :: self.pixel_stride])


def _residual_block(inputs: int, outputs: int, stride: int) -> BasicBlock:
    if stride == 1 and inputs == outputs:
        return BasicBlock(inputs, outputs)
    shortcut = nn.Sequential(PointwiseConvolution(inputs, outputs, stride), nn.BatchNorm2d(outputs))
    return BasicBlock(inputs, outputs, stride, shortcut)


def _plain_block(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(_SLOPE, inplace=True),
        nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(_SLOPE, inplace=True),
    )


_BLOCKS: Mapping[str, Callable[..., nn.Module]] = {
    "residual": _residual_block,
    "plain": _plain_block,
}
ARCHITECTURES = tuple(_BLOCKS)
"""Names of the architectures of a judge."""
