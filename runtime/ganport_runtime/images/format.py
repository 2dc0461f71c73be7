"""The format of an image: its size, color mode, palette and alpha, whatever tensor holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from ganport_runtime.conditions.colors import is_hex
from ganport_runtime.errors import BundleError, RequestError
from ganport_runtime.strictjson import JsonObject, check_integer, check_text
from ganport_runtime.values import repr_short

CHANNELS = {"gray": 1, "rgb": 3, "rgba": 4}
"""Channels of a pixel, by color mode."""
ALPHA_LEVELS = (2, 256)
"""Levels of alpha: 0 or 255 only, or all of them."""
MAX_SIDE = 8192
MAX_PALETTE = 256
"""Most colors of a palette, the limit of an indexed PNG."""

Resolution = int | tuple[int, int]
"""The side of a square image, or its height and width."""


@dataclass(frozen=True)
class ImageFormat:
    """What the images of a dataset, a network or a bundle are.

    size: height and width in pixels, each 1 to 8192.
    mode: "gray", "rgb" or "rgba". Outside the networks alpha is straight; inside, colors are
        premultiplied by it.
    pixelated: whether images are scaled by whole numbers only, with nearest neighbor.
    palette: the colors "#rrggbb" of all visible pixels; empty for any color. Not for "gray".
    alpha_levels: 2 (0 and 255) or 256; 2 only for "rgba".

    Raises `RequestError` for values that no image can have.
    """

    size: tuple[int, int]
    mode: str = "rgb"
    pixelated: bool = False
    palette: tuple[str, ...] = ()
    alpha_levels: int = 256

    def __post_init__(self) -> None:
        levels = ALPHA_LEVELS if self.mode == "rgba" else ALPHA_LEVELS[1:]
        rules = (
            ("size", _is_size(self.size), f"(height, width), each 1 to {MAX_SIDE}"),
            ("mode", self.mode in CHANNELS, f"one of {', '.join(CHANNELS)}"),
            ("palette", self._is_palette(), f"up to {MAX_PALETTE} different #rrggbb, not for gray"),
            ("alpha_levels", self.alpha_levels in levels, f"one of {levels} for {self.mode}"),
        )
        for name, holds, expected in rules:
            if not holds:
                found = repr_short(getattr(self, name))
                raise RequestError(f"image {name}", expected, found, f"Correct the {name}.")

    @property
    def channels(self) -> int:
        """Channels of a pixel: 1, 3 or 4."""
        return CHANNELS[self.mode]

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.size[0]

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.size[1]

    def to_json(self) -> dict[str, Any]:
        """Return the format as plain JSON; keys with their default value are left out."""
        entry: dict[str, Any] = {"size": list(self.size), "mode": self.mode}
        if self.pixelated:
            entry["pixelated"] = True
        if self.palette:
            entry["palette"] = list(self.palette)
        if self.mode == "rgba":
            entry |= {"alpha": "straight", "alpha_levels": self.alpha_levels}
        return entry

    @classmethod
    def from_json(cls, value: object, place: str) -> Self:
        """Return the format that `to_json` wrote; raise `BundleError`, which names `place`."""
        fields = JsonObject(value, place)
        size = [
            check_integer(side, f"{place}: size", 1, MAX_SIDE)
            for side in fields.items("size", limit=2)
        ]
        if len(size) != 2:
            raise BundleError(f"{place}: size", "[height, width]", f"{len(size)} numbers")
        pixelated = fields.boolean("pixelated") if "pixelated" in fields else False
        palette = fields.items("palette", limit=MAX_PALETTE) if "palette" in fields else []
        colors = tuple(check_text(color, f"{place}: palette") for color in palette)
        levels = fields.integer("alpha_levels", 2, 256) if "alpha_levels" in fields else 256
        mode = fields.text("mode")
        if mode == "rgba":
            fields.one_of("alpha", ("straight",))
        try:
            return cls((size[0], size[1]), mode, pixelated, colors, levels)
        except RequestError as error:
            raise BundleError(f"{place}: {error.place}", error.expected, error.found) from error

    def _is_palette(self) -> bool:
        colors = {color.lower() for color in self.palette if is_hex(color)}
        limit = 0 if self.mode == "gray" else MAX_PALETTE
        return len(colors) == len(self.palette) <= limit


def to_size(resolution: Resolution) -> tuple[int, int]:
    """Return (height, width)."""
    if isinstance(resolution, int):
        return resolution, resolution
    height, width = resolution
    return height, width


def simplify(resolution: Resolution) -> Resolution:
    """Return a square as one number."""
    height, width = to_size(resolution)
    return height if height == width else (height, width)


def resolution_to_json(resolution: Resolution) -> int | list[int]:
    """Return one number for a square, else [height, width]."""
    simple = simplify(resolution)
    return simple if isinstance(simple, int) else list(simple)


def _is_size(size: tuple[int, ...]) -> bool:
    return len(size) == 2 and all(1 <= side <= MAX_SIDE for side in size)
