"""Differentiable augmentation of real and generated images: DiffAugment and ADA."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganport_runtime.conditions import Conditions, Rgb
from ganport_runtime.conditions.colors import contains_color_name
from ganport_runtime.images.format import CHANNELS
from ganport_train.config.parsing import RecipeError
from ganport_train.config.sections import AugmentOptions
from ganport_train.methods.method import Batch

MAX_ADAPTIVE_PROBABILITY = 0.8
"""Above it, generated images begin to show the augmentations (Karras et al. 2020, ADA, 3.1)."""
ADAPTATION_IMAGES = 500_000
"""Images in which an adaptive probability can rise from 0 to 1 (same paper, section 3.2)."""

Transform = Callable[[Tensor, Tensor], Tensor]
"""A function of images (N, C, H, W) and uniform numbers (N, 4)."""


class Augmentation(nn.Module):
    """Translation, cutout, and color (Zhao et al. 2020, DiffAugment), each with a probability.

    Real and generated images get the same transforms with different random numbers. Its only state
    is the probability, a buffer, so that it is part of a checkpoint. Raises RecipeError for color
    transforms with conditions that name colors.
    """

    probability: Tensor

    def __init__(self, options: AugmentOptions, conditions: Conditions) -> None:
        super().__init__()
        self.options = options
        self.transforms = _transforms(options)
        if options.color:
            _check_no_colors(conditions)
        start = options.probability if options.policy == "fixed" else 0.0
        self.register_buffer("probability", torch.tensor(start, dtype=torch.float32))

    def forward(self, images: Tensor, batch: Batch) -> Tensor:
        """Transform images (N, C, H, W) in [-1, 1] with random numbers of a batch."""
        for transform in self.transforms:
            # A transform uses three numbers, and the fourth decides whether it is applied.
            random = batch.uniform((4,))
            applied = random[:, 3] < self.probability
            images = torch.where(applied[:, None, None, None], transform(images, random), images)
        return images

    @torch.no_grad()
    def adapt(self, real_logits: Tensor, images: int) -> None:
        """Update the probability after a step with `real_logits` (N,) and `images` seen so far."""
        options = self.options
        if options.policy == "growing":
            self.probability.fill_(options.probability * min(images / options.ada_images, 1.0))
        elif options.policy == "adaptive":
            # Karras et al. 2020, ADA, equation 1, with r_t of this batch alone.
            step = torch.sign(real_logits.float().sign().mean() - options.ada_target)
            limit = min(options.probability, MAX_ADAPTIVE_PROBABILITY)
            change = step * len(real_logits) / ADAPTATION_IMAGES
            self.probability.add_(change).clamp_(0.0, limit)


def translate(images: Tensor, random: Tensor, max_fraction: float) -> Tensor:
    """Shift images by whole pixels, at most `max_fraction` of a side, and fill with gray.

    `random` (N, 2 or more) in [0, 1) decides the shifts down and right.
    """
    height, width = images.shape[2:]
    down, right = (
        _random_shift(random[:, axis], int(side * max_fraction))
        for axis, side in enumerate((height, width))
    )
    rows = torch.arange(height, device=images.device) - down[:, None]
    columns = torch.arange(width, device=images.device) - right[:, None]
    inside = _is_within(rows, height)[:, :, None] & _is_within(columns, width)[:, None, :]
    shifted = images[
        torch.arange(len(images), device=images.device)[:, None, None],
        :,
        rows.clamp(0, height - 1)[:, :, None],
        columns.clamp(0, width - 1)[:, None, :],
    ]
    return shifted.permute(0, 3, 1, 2) * inside[:, None]


def cut_out(images: Tensor, random: Tensor, fraction: float) -> Tensor:
    """Fill a square of `fraction` of a side with gray, at a random center.

    `random` (N, 2 or more) in [0, 1) decides the center.
    """
    masks = []
    for axis, side in enumerate(images.shape[2:]):
        center = (random[:, axis] * (side + 1)).floor()[:, None]
        pixels = torch.arange(side, device=images.device) + 0.5
        masks.append((pixels - center).abs() < side * fraction / 2)
    square = masks[0][:, :, None] & masks[1][:, None, :]
    return images * ~square[:, None]


def change_color(images: Tensor, random: Tensor) -> Tensor:
    """Change brightness (-0.5 to 0.5 added), saturation (factor 0 to 2), and contrast (0.5 to 1.5).

    The ranges are those in the code of Zhao et al. 2020. `random` is (N, 3 or more) in [0, 1).
    Alpha is unchanged, and colors stay premultiplied by it.
    """
    if images.shape[1] == CHANNELS["rgba"]:
        return torch.cat([_change_premultiplied(images, random), images[:, 3:]], dim=1)
    brightness, saturation, contrast = random[:, :3, None, None, None].unbind(1)
    images = images + (brightness - 0.5)
    gray = images.mean(dim=1, keepdim=True)
    images = gray + (images - gray) * (2 * saturation)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + (images - mean) * (contrast + 0.5)


def _change_premultiplied(images: Tensor, random: Tensor) -> Tensor:
    """Return the changed colors (N, 3, H, W) of RGBA images; white has the value of alpha."""
    brightness, saturation, contrast = random[:, :3, None, None, None].unbind(1)
    color, alpha = (images[:, :3] + 1) / 2, (images[:, 3:] + 1) / 2
    color = color + (brightness - 0.5) / 2 * alpha
    gray = color.mean(dim=1, keepdim=True)
    color = gray + (color - gray) * (2 * saturation)
    total = 3 * alpha.sum(dim=(1, 2, 3), keepdim=True)
    mean = color.sum(dim=(1, 2, 3), keepdim=True) / total.clamp(min=1) * alpha
    return (mean + (color - mean) * (contrast + 0.5)) * 2 - 1


def _transforms(options: AugmentOptions) -> list[Transform]:
    transforms: list[Transform] = [change_color] if options.color else []
    if options.translation:
        transforms.append(lambda images, random: translate(images, random, options.translation))
    if options.cutout:
        transforms.append(lambda images, random: cut_out(images, random, options.cutout))
    return transforms


def _random_shift(random: Tensor, limit: int) -> Tensor:
    return (random * (2 * limit + 1)).floor().long() - limit


def _is_within(positions: Tensor, side: int) -> Tensor:
    return (positions >= 0) & (positions < side)


def _check_no_colors(conditions: Conditions) -> None:
    """Raise RecipeError for conditions that name colors: augmentation would teach wrong ones."""
    named = [
        group.name
        for group in conditions.groups
        if isinstance(group, Rgb) or any(map(contains_color_name, getattr(group, "labels", ())))
    ]
    if named:
        raise RecipeError(
            "augment.color",
            "conditions that name no color",
            f"colors in {', '.join(named)}",
            "Set augment.color=false: the other augmentations keep colors.",
        )
