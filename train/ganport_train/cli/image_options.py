"""Options of commands that read images: their size, color mode, scaling and palette."""

from __future__ import annotations

from typing import Any

import click

from ganport_runtime.images.format import CHANNELS, MAX_PALETTE, Resolution, simplify
from ganport_train.data.image_options import AUTO, NONE


class ResolutionType(click.ParamType):  # type: ignore[type-arg]
    """A side in pixels, such as `64`, or height and width, such as `96x64`."""

    name = "SIZE"

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Resolution:
        """Return the size; fail with the bounds of a side."""
        if not isinstance(value, str):
            return simplify(value)
        sides = value.lower().replace("\N{MULTIPLICATION SIGN}", "x").split("x")
        if len(sides) > 2 or not all(side.isascii() and side.isdigit() for side in sides):
            self.fail(f"{value!r} is no size: write 64, or 96x64 for height and width.", param, ctx)
        size = [int(side) for side in sides]
        if not all(self.low <= side <= self.high for side in size):
            self.fail(f"{value!r}: a side has {self.low} to {self.high} pixels.", param, ctx)
        return simplify((size[0], size[-1]))


class PaletteType(click.ParamType):  # type: ignore[type-arg]
    """A number of colors, `auto` or `none`."""

    name = "COLORS"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """Return the number of colors, or the word; fail with the bounds."""
        if value in (AUTO, NONE):
            return str(value)
        return click.IntRange(2, MAX_PALETTE).convert(value, param, ctx)


MODE = click.option(
    "--mode",
    type=click.Choice((AUTO, *CHANNELS)),
    default=AUTO,
    show_default=True,
    help="Color mode; auto = the smallest that holds all images.",
)
PIXELATED = click.option(
    "--pixelated",
    type=click.Choice((AUTO, "true", "false")),
    default=AUTO,
    show_default=True,
    callback=lambda _, __, value: {"true": True, "false": False}.get(value, value),
    help="Whether the images are pixel art, as data.pixelated in a recipe.",
)
PALETTE = click.option(
    "--palette",
    type=PaletteType(),
    default=AUTO,
    show_default=True,
    help=f"Most colors, 2 to {MAX_PALETTE}, or none, as data.palette in a recipe.",
)


def format_size(resolution: Resolution) -> str:
    """Return a size as `ResolutionType` reads it."""
    simple = simplify(resolution)
    return str(simple) if isinstance(simple, int) else "x".join(map(str, simple))
