"""The network that looks at pictures: a small residual network with one linear layer on top."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

STAGES = 4
"""Each halves height and width; the stem halves them once before."""
MIN_RESOLUTION = 16


class JudgeNetwork(nn.Module):
    """Pictures to features, and features to one number for each number of the condition vector.

    A stem and four residual blocks (He et al. 2016) of `width`, 2, 4 and 8 times as many channels;
    the features are their averages and their largest values over the picture, 16 * width numbers:
    an average alone loses a small object.
    """

    def __init__(self, outputs: int, width: int = 32) -> None:
        super().__init__()
        widths = [width * 2**stage for stage in range(STAGES)]
        # The first layer keeps the full size: an iris is four pixels wide.
        self.stem = nn.Sequential(
            nn.Conv2d(3, width // 2, 3, padding=1, bias=False),
            nn.BatchNorm2d(width // 2),
            nn.ReLU(inplace=True),
            nn.Conv2d(width // 2, width, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        )
        before = [width, *widths]
        self.blocks = nn.Sequential(
            *(
                _block(before[stage], widths[stage], stride=1 if stage == 0 else 2)
                for stage in range(STAGES)
            )
        )
        self.size = 2 * widths[-1]
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(self.size, outputs)

    def features(self, images: Tensor) -> Tensor:
        """The (N, size) features of float (N, 3, R, R) pictures in [-1, 1]."""
        seen = self.blocks(self.stem(images)).flatten(2)
        return torch.cat([seen.mean(dim=2), seen.amax(dim=2)], dim=1)

    def forward(self, images: Tensor) -> Tensor:
        """The (N, outputs) numbers: logits of labels, values of colours and scalars."""
        outputs: Tensor = self.head(self.dropout(self.features(images)))
        return outputs


def _block(inside: int, outside: int, stride: int) -> BasicBlock:
    if stride == 1 and inside == outside:
        return BasicBlock(inside, outside)
    shortcut = nn.Sequential(
        nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside)
    )
    return BasicBlock(inside, outside, stride, shortcut)
