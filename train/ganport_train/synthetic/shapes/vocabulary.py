"""The 24 objects of i-CLEVR: three shapes in eight colours."""

from __future__ import annotations

from ganport_train.synthetic.palette import Colour

SHAPES = ("cube", "sphere", "cylinder")
COLOURS: dict[str, Colour] = {
    "gray": (104, 104, 106),
    "red": (196, 36, 40),
    "blue": (44, 84, 222),
    "green": (36, 140, 46),
    "brown": (128, 76, 34),
    "purple": (146, 52, 204),
    "cyan": (44, 206, 212),
    "yellow": (246, 220, 44),
}
OBJECTS = tuple(f"{colour} {shape}" for shape in SHAPES for colour in COLOURS)
"""In the order of i-CLEVR's `objects.json`."""
MOST_OBJECTS = 3
"""In one scene."""


def parted(label: str) -> tuple[str, str]:
    """Return colour and shape of one of `OBJECTS`."""
    colour, shape = label.split()
    return colour, shape
