"""Colours as they are asked for: hex, hue and lightness, and the words that name them."""

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
    """Whether `value` is a colour written as "#rrggbb"."""
    return isinstance(value, str) and _HEX.fullmatch(value) is not None


def channels(colour: str) -> tuple[int, int, int]:
    """Red, green and blue (0 to 255) of "#rrggbb"."""
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


def to_hex(colour: Sequence[float]) -> str:
    """The "#rrggbb" nearest to three numbers in 0 to 255."""
    return "#" + "".join(f"{round(channel):02x}" for channel in colour)


def from_hue(hue: float, lightness: float, saturation: float = 1.0) -> str:
    """The "#rrggbb" of a hue in degrees, with lightness and saturation in 0 to 1 (HSL)."""
    return to_hex([255 * part for part in hls_to_rgb(hue / 360 % 1, lightness, saturation)])


def contains_color_name(label: str) -> bool:
    """Whether a word of a label is the name of a colour."""
    return any(word in _WORDS for word in re.split(r"[\W_]+", label.lower()))


def closest_color_label(colour: str, labels: Iterable[str]) -> str | None:
    """Of the labels with a colour's name in them the one most like "#rrggbb"; None without any."""
    asked = channels(colour)
    distances = {
        label: sum((a - b) ** 2 for a, b in zip(asked, channels(_WORDS[word]), strict=True))
        for label in labels
        for word in label.lower().split()
        if word in _WORDS
    }
    return min(distances, key=distances.__getitem__, default=None)
