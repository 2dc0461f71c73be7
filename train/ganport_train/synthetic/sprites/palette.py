"""The colors of drawn sprites: ramps from shadow to light, and the labels that name a ramp."""

from __future__ import annotations

Ramp = tuple[str, ...]
"""Colors `#rrggbb` from dark to light."""

LINE = "#1b1726"
"""The color of outlines and eyes."""

# Shadows lean toward blue and lights toward yellow, as in daylight.
RAMPS: dict[str, Ramp] = {
    "black": ("#2f2d45", "#4a4868", "#77759a"),
    "white": ("#a9b4cc", "#e2e6f0", "#ffffff"),
    "steel": ("#59667f", "#8896b0", "#c3cede"),
    "red": ("#7c1f3c", "#c9344c", "#f4766c"),
    "orange": ("#a3452a", "#e2772f", "#f9b25c"),
    "gold": ("#a86823", "#eab436", "#ffe57e"),
    "green": ("#1f5d4a", "#3b9c55", "#8bd46c"),
    "blue": ("#273a82", "#3c6bcc", "#74b4f2"),
    "purple": ("#47287c", "#8049b8", "#bd88e2"),
    "pink": ("#aa3f7a", "#ec7aaa", "#ffbccf"),
    "brown": ("#43262b", "#70422f", "#a56f42"),
}
RAMPS["blonde"] = RAMPS["gold"]
"""The ramp of each label of hair, outfits and weapons, and of the details of a character."""
SKINS: dict[str, Ramp] = {
    "pale": ("#de9c86", "#fcd6b8"),
    "tan": ("#bb765c", "#eaae7e"),
    "brown": ("#935847", "#c88a66"),
    "dark": ("#4d2f3d", "#7d4d4c"),
}
"""The ramp of each skin."""

HAIR = ("black", "blonde", "blue", "brown", "green", "pink", "red", "white")
"""The labels of hair; each is the name of a ramp."""
OUTFITS = ("black", "blue", "green", "orange", "purple", "red", "white")
"""The labels of outfits; each is the name of a ramp."""
WEAPONS = ("blue", "gold", "green", "purple", "red", "steel")
"""The labels of weapons; each is the name of a ramp."""
