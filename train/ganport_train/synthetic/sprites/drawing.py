"""Draw the sprites of characters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from ganport_runtime.conditions.colors import channels
from ganport_train.synthetic.sprites.art import Grid
from ganport_train.synthetic.sprites.character import Character
from ganport_train.synthetic.sprites.palette import RAMPS

SIZES = (32, 48)
"""Sides of a sprite in pixels."""


@dataclass(frozen=True)
class Labels:
    """The labels of a sprite: one each of `CLASSES`, `HAIR`, `OUTFITS` and `WEAPONS`."""

    kind: str
    hair: str
    outfit: str
    weapon: str

    def tags(self) -> str:
        """Return the labels as tags, such as `mage class pink hair blue outfit gold weapon`."""
        return f"{self.kind} class {self.hair} hair {self.outfit} outfit {self.weapon} weapon"


def draw_sprite(seed: int, labels: Labels, size: int = SIZES[0]) -> Image.Image:
    """Draw the character of `seed` as (size, size) RGBA; alpha is 0 or 255.

    size: 32 or 48. Visible pixels have colors of `LINE`, `RAMPS` and `SKINS`. The same seed gives
    the same character in every size and color.
    """
    character, grid = Character.sample(seed, labels.kind), Grid()
    for part in (*character.body_parts(), *character.head_parts()):
        grid.paint(part)
    for part in character.weapon_parts():
        grid.paint(part, down=character.lift)
    for part in character.left_parts():
        grid.paint(part)
    hair, outfit, weapon = (RAMPS[name] for name in (labels.hair, labels.outfit, labels.weapon))
    colors = np.zeros((256, 4), np.uint8)
    for letter, color in character.materials(hair, outfit, weapon).items():
        colors[ord(letter)] = (*channels(color), 255)
    return Image.fromarray(colors[grid.codes(size)])
