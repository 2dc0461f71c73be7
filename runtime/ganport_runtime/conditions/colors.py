"""Colors: hex notation, hue and lightness, and the color words in labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from colorsys import hls_to_rgb

_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_WORDS = {
    "aqua": "#00ffff",
    "black": "#000000",
    "blonde": "#f0dc96",
    "blue": "#0000ff",
    "brown": "#7a4a24",
    "cyan": "#00ffff",
    "gray": "#808080",
    "green": "#008000",
    "grey": "#808080",
    "orange": "#ff8c00",
    "pink": "#ff88cc",
    "purple": "#800080",
    "red": "#ff0000",
    "silver": "#c0c0c0",
    "white": "#ffffff",
    "yellow": "#ffff00",
}


def is_hex(value: object) -> bool:
    """Return whether `value` is a color in the notation "#rrggbb"."""
    return isinstance(value, str) and _HEX.fullmatch(value) is not None


def channels(color: str) -> tuple[int, int, int]:
    """Return red, green and blue (0 to 255) of "#rrggbb"."""
    red, green, blue = bytes.fromhex(color[1:])
    return red, green, blue


def to_hex(color: Sequence[float]) -> str:
    """Return the "#rrggbb" closest to three channels in 0 to 255."""
    return "#" + "".join(f"{round(channel):02x}" for channel in color)


def from_hue(hue: float, lightness: float, saturation: float = 1.0) -> str:
    """Return the "#rrggbb" of a hue in degrees; lightness and saturation are in 0 to 1 (HSL)."""
    return to_hex([255 * channel for channel in hls_to_rgb(hue / 360 % 1, lightness, saturation)])


def contains_color_name(label: str) -> bool:
    """Return whether a word of `label` is the name of a color."""
    return any(word in _WORDS for word in re.split(r"[\W_]+", label.lower()))


def closest_color_label(color: str, labels: Iterable[str]) -> str | None:
    """Return the label whose color name is closest to "#rrggbb" in RGB; None if none has one."""
    wanted = channels(color)
    distances = {
        label: sum((a - b) ** 2 for a, b in zip(wanted, channels(_WORDS[word]), strict=True))
        for label in labels
        for word in label.lower().split()
        if word in _WORDS
    }
    return min(distances, key=distances.__getitem__, default=None)
