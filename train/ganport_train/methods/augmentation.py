"""Changes of pictures that gradients pass through, drawn anew for each: DiffAugment."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganport_runtime.conditions import Conditions, Rgb
from ganport_runtime.conditions.colors import contains_color_name
from ganport_train.config.parsing import RecipeError
from ganport_train.config.sections import AugmentOptions
from ganport_train.methods.batch import Batch

MOST_ADAPTIVE = 0.8
"""An adaptive probability stays below: above, drawn pictures begin to show the changes (Karras et
al. 2020, ADA, section 3.1)."""
ADAPTATION = 500_000
"""Pictures in which an adaptive probability can go from 0 to 1 (the same, section 3.2)."""

Change = Callable[[Tensor, Tensor], Tensor]


class Augmentation(nn.Module):
    """Translation, cutout and colour (Zhao et al. 2020, DiffAugment), each with a probability.

    The same changes in kind, never the same draws, are made to real and drawn pictures. The one
    thing it remembers is an adaptive probability, a buffer, so that it travels with a checkpoint.
    Raises RecipeError for changes of colour under conditions that name colours.
    """

    probability: Tensor

    def __init__(self, options: AugmentOptions, conditions: Conditions) -> None:
        super().__init__()
        self.options = options
        self.changes = _changes(options)
        if options.color:
            _check_colourless(conditions)
        start = options.probability if options.policy == "fixed" else 0.0
        self.register_buffer("probability", torch.tensor(start, dtype=torch.float32))

    def forward(self, images: Tensor, batch: Batch) -> Tensor:
        """Pictures (N, 3, H, W) in [-1, 1], changed at random with the draws of a batch."""
        for change in self.changes:
            draws = batch.shares((4,))
            changed = draws[:, 3] < self.probability
            # One of the numbers is taken by the choice: a change has three.
            images = torch.where(changed[:, None, None, None], change(images, draws), images)
        return images

    @torch.no_grad()
    def adapt(self, real: Tensor, images: int) -> None:
        """Sets the probability after a step that scored real pictures as `real`, logits (N,), and
        brought the pictures seen to `images`.
        """
        options = self.options
        if options.policy == "growing":
            self.probability.fill_(options.probability * min(images / options.ada_images, 1.0))
        elif options.policy == "adaptive":
            # Karras et al. 2020, ADA, equation 1, with r_t of this batch alone.
            step = torch.sign(real.float().sign().mean() - options.ada_target)
            most = min(options.probability, MOST_ADAPTIVE)
            self.probability.add_(step * len(real) / ADAPTATION).clamp_(0.0, most)


def translated(images: Tensor, draws: Tensor, share: float) -> Tensor:
    """Pictures shifted by whole pixels, at most `share` of a side each way, grey coming in.

    draws: (N, 2 or more) in [0, 1), down and right.
    """
    height, width = images.shape[2:]
    down, right = (_shift(draws[:, i], int(side * share)) for i, side in enumerate((height, width)))
    rows = torch.arange(height, device=images.device) - down[:, None]
    columns = torch.arange(width, device=images.device) - right[:, None]
    inside = _within(rows, height)[:, :, None] & _within(columns, width)[:, None, :]
    moved = images[
        torch.arange(len(images), device=images.device)[:, None, None],
        :,
        rows.clamp(0, height - 1)[:, :, None],
        columns.clamp(0, width - 1)[:, None, :],
    ]
    return moved.permute(0, 3, 1, 2) * inside[:, None]


def cut_out(images: Tensor, draws: Tensor, share: float) -> Tensor:
    """Pictures with a square of side `share`, its centre anywhere, blanked to grey.

    draws: (N, 2 or more) in [0, 1), down and right.
    """
    masks = []
    for index, side in enumerate(images.shape[2:]):
        centre = (draws[:, index] * (side + 1)).floor()[:, None]
        middles = torch.arange(side, device=images.device) + 0.5
        masks.append((middles - centre).abs() < side * share / 2)
    blank = masks[0][:, :, None] & masks[1][:, None, :]
    return images * ~blank[:, None]


def recoloured(images: Tensor, draws: Tensor) -> Tensor:
    """Pictures of other brightness (-0.5 to 0.5 added), saturation (0 to 2 times) and contrast (0.5
    to 1.5 times), as in the code of Zhao et al. 2020.

    draws: (N, 3 or more) in [0, 1).
    """
    brightness, saturation, contrast = draws[:, :3, None, None, None].unbind(1)
    images = images + (brightness - 0.5)
    grey = images.mean(dim=1, keepdim=True)
    images = grey + (images - grey) * (2 * saturation)
    middle = images.mean(dim=(1, 2, 3), keepdim=True)
    return middle + (images - middle) * (contrast + 0.5)


def _changes(options: AugmentOptions) -> list[Change]:
    changes: list[Change] = [recoloured] if options.color else []
    if options.translation:
        changes.append(lambda images, draws: translated(images, draws, options.translation))
    if options.cutout:
        changes.append(lambda images, draws: cut_out(images, draws, options.cutout))
    return changes


def _shift(draws: Tensor, most: int) -> Tensor:
    return (draws * (2 * most + 1)).floor().long() - most


def _within(places: Tensor, side: int) -> Tensor:
    return (places >= 0) & (places < side)


def _check_colourless(conditions: Conditions) -> None:
    """A change of colour would teach the wrong colours: a pink that was asked for, turned blue."""
    named = [
        group.name
        for group in conditions.groups
        if isinstance(group, Rgb) or any(map(contains_color_name, getattr(group, "labels", ())))
    ]
    if named:
        raise RecipeError(
            "augment.color",
            expected="conditions that name no colour",
            found=f"colours in {', '.join(named)}",
            fix="Set augment.color=false: the other changes leave colours alone.",
        )
