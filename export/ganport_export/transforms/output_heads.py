"""Output heads in torch: the last operations, which turn float images into those of the bundle.

The values are those of `ganport_runtime.images.pixels.to_uint8`, computed in the same order in
float32: division of premultiplied colors by alpha, floor(clamp(x * 127.5 + 128, 0, 255)), the
nearest color of a palette, alpha of two levels, and no color where alpha is 0.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganport_runtime.conditions.colors import channels
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.images.pixels import ALPHA_THRESHOLD

SCALE = 127.5
SHIFT = 128.0
MIN_ALPHA = 1.0 / 255.0
PALETTE_BLOCK = 32
"""Colors whose distances are in memory at the same time, as maps of the size of the image."""


def palette_blocks(image: ImageFormat) -> list[tuple[list[list[float]], list[float]]]:
    """Return -2 q and |q|^2 of the palette colors q in levels, in blocks.

    |q|^2 - 2 q c is the squared distance of q from a color c, up to |c|^2. For whole levels it is
    exact in float32, also if a GPU rounds the factors to TF32.
    """
    colors = [channels(color) for color in image.palette]
    blocks = [
        colors[start : start + PALETTE_BLOCK] for start in range(0, len(colors), PALETTE_BLOCK)
    ]
    return [
        (
            [[-2.0 * value for value in color] for color in block],
            [float(sum(value * value for value in color)) for color in block],
        )
        for block in blocks
    ]


def chooses(image: ImageFormat) -> bool:
    """Return whether a head divides or chooses, so that a float error may change a whole pixel."""
    return image.mode == "rgba" or bool(image.palette)


class OutputHead(nn.Module):
    """The output head of a TorchScript file or an ExportedProgram.

    It converts float images (N, C, H, W) in [-1, 1], premultiplied, to straight ones.

    The result is uint8 (N, H, W, C) for the head "uint8", and float32 (N, C, H, W) in [0, 1] for
    "unit". The head "float" returns its input.
    """

    def __init__(self, image: ImageFormat, head: str) -> None:
        super().__init__()
        self.image = image
        self.head = head
        for index, (weight, bias) in enumerate(palette_blocks(image)):
            self.register_buffer(f"weight_{index}", torch.tensor(weight)[:, :, None, None])
            self.register_buffer(f"bias_{index}", torch.tensor(bias))
        if image.palette:
            colors = [channels(color) for color in image.palette]
            self.register_buffer("colors", torch.tensor(colors, dtype=torch.float32))

    def forward(self, image: Tensor) -> Tensor:
        """Return the images of the bundle for float images of the network."""
        if self.head == "float":
            return image
        planes = self._straight(image) if self.image.mode == "rgba" else self._opaque(image)
        if self.head == "unit":
            return planes
        return planes.permute(0, 2, 3, 1).to(torch.uint8, memory_format=torch.contiguous_format)

    def _opaque(self, image: Tensor) -> Tensor:
        if self.image.palette:
            return self._scaled(self._nearest(to_levels(image)))
        return to_levels(image) if self.head == "uint8" else (image * 0.5 + 0.5).clamp(0.0, 1.0)

    def _straight(self, image: Tensor) -> Tensor:
        unit = image * 0.5 + 0.5
        alpha = unit[:, 3:]
        color = (unit[:, :3] / alpha.clamp(min=MIN_ALPHA)).clamp(0.0, 1.0)
        levels = to_levels(image[:, 3:])
        if self.image.alpha_levels == 2:
            levels = torch.where(levels >= ALPHA_THRESHOLD, 255.0, 0.0)
        if self.head == "uint8" or self.image.palette:
            color = to_levels(color * 2.0 - 1.0)
        if self.image.palette:
            color = self._scaled(self._nearest(color))
        color = torch.where(levels > 0.0, color, 0.0)
        keeps_levels = self.head == "uint8" or self.image.alpha_levels == 2
        straight = self._scaled(levels) if keeps_levels else alpha.clamp(0.0, 1.0)
        return torch.cat([color, straight], dim=1)

    def _scaled(self, levels: Tensor) -> Tensor:
        return levels if self.head == "uint8" else levels / 255.0

    def _nearest(self, levels: Tensor) -> Tensor:
        """Return for each color the nearest of the palette in levels, the first of several."""
        distance, chosen = self._nearest_in_block(levels, 0)
        for index in range(1, len(palette_blocks(self.image))):
            other, position = self._nearest_in_block(levels, index)
            chosen = torch.where(other < distance, position, chosen)
            distance = torch.minimum(other, distance)
        rows = self.get_buffer("colors").index_select(0, chosen.flatten())
        return rows.reshape(-1, *self.image.size, 3).permute(0, 3, 1, 2)

    def _nearest_in_block(self, levels: Tensor, index: int) -> tuple[Tensor, Tensor]:
        weight, bias = getattr(self, f"weight_{index}"), getattr(self, f"bias_{index}")
        distances = F.conv2d(levels, weight, bias)
        nearest = distances.argmin(dim=1, keepdim=True)
        return distances.gather(1, nearest), nearest + index * PALETTE_BLOCK


def to_levels(image: Tensor) -> Tensor:
    """Return floor(clamp(x * 127.5 + 128, 0, 255)), whole numbers in float."""
    return (image * SCALE + SHIFT).clamp(0.0, 255.0).floor()
