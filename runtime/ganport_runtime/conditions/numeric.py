"""Condition groups whose values are numbers: colors and scalars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from ganport_runtime.conditions.colors import channels, is_hex, to_hex
from ganport_runtime.conditions.groups import ConditionGroup, Vector, lerp
from ganport_runtime.strictjson import JsonObject, check_number
from ganport_runtime.values import (
    check_distinct,
    check_range,
    condition_error,
    format_choices,
    invalid_value,
)


@dataclass(frozen=True)
class Rgb(ConditionGroup):
    """An sRGB color whose channels, 0 to 255, are mapped linearly onto `range`."""

    kind = "rgb"
    name: str
    default: Any  # "#rrggbb", (r, g, b) in 0 to 255, or a name of the palette
    range: tuple[float, float] = (0.0, 1.0)
    palette: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        low, high = self.range
        if not low < high:
            found, fix = f"{low:g} to {high:g}", "Give the smaller number first."
            raise condition_error(self.name, "an increasing range", found, fix)
        if self.palette:
            check_distinct(self.name, self.palette)
        palette = {label: to_hex(self._channels(color)) for label, color in self.palette.items()}
        object.__setattr__(self, "palette", palette)
        object.__setattr__(self, "labels", tuple(palette))
        self.encode(self.default)

    @property
    def size(self) -> int:
        """Three channels."""
        return 3

    def encode(self, value: object) -> Vector:
        """Return the channels mapped onto `range`."""
        low, high = self.range
        fractions = np.array(self._channels(value), np.float64) / 255.0
        return (low + (high - low) * fractions).astype(np.float32)

    def decode(self, vector: Vector) -> tuple[float, ...]:
        """Return the channels in 0 to 255."""
        low, high = self.range
        return tuple(float(x) for x in np.clip((vector - low) / (high - low), 0, 1) * 255)

    def blend(self, first: Any, second: Any, fraction: float) -> list[float]:
        """Return the channels between two colors."""
        ends = zip(self._channels(first), self._channels(second), strict=True)
        return [lerp(one, two, fraction) for one, two in ends]

    def describe(self, value: Any) -> str:
        """Return the palette name or hex color as text."""
        text = value if isinstance(value, str) else to_hex(self._channels(value))
        return f"{text} {self.name}"

    def phrases(self) -> dict[str, Any]:
        """Return a phrase for each name of the palette."""
        return {f"{label} {self.name}": label for label in self.palette}

    def from_word(self, word: str) -> Any:
        """Return a hex color, or None."""
        return word if is_hex(word) else None

    def to_json(self) -> dict[str, Any]:
        """Return the manifest entry without its `slice`."""
        default = self.default if isinstance(self.default, str) else list(self.default)
        entry = {"name": self.name, "kind": self.kind, "default": default}
        return entry | {"range": list(self.range), "palette": dict(self.palette)}

    @classmethod
    def from_json(cls, fields: JsonObject) -> Self:
        """Return the group of a manifest entry."""
        name = fields.text("name")
        bounds = [check_number(x, f"{fields.place}.range") for x in fields.items("range", limit=2)]
        if len(bounds) != 2:
            fix = "Give the lowest and the highest number."
            raise condition_error(name, "a range of two numbers", f"{len(bounds)}", fix)
        palette = fields.object("palette")
        colors = {label: palette.text(label, limit=7) for label in fields.mapping("palette")}
        return cls(name, fields.value("default"), (bounds[0], bounds[1]), colors)

    def _channels(self, value: object) -> tuple[float, ...]:
        names = f" or one of {format_choices(self.palette)}" if self.palette else ""
        expected = f'"#rrggbb", three numbers in 0..255{names}'
        if isinstance(value, str):
            color = self.palette.get(value, value)
            if is_hex(color):
                return channels(color)
            fix = 'Write the color as "#ff88cc".'
            raise invalid_value(self.name, expected, value, allowed=self.palette, fix=fix)
        if not isinstance(value, list | tuple | np.ndarray) or len(value) != 3:
            fix = "Pass three numbers, for example (255, 136, 204)."
            raise invalid_value(self.name, expected, value, fix=fix)
        return tuple(check_range(self.name, channel, 0, 255) for channel in value)


@dataclass(frozen=True)
class Scalar(ConditionGroup):
    """A number in `min` to `max`, used unchanged in the condition vector."""

    kind = "scalar"
    name: str
    default: float
    min: float
    max: float
    labels: tuple[str, ...] = field(init=False, repr=False, default=())

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.min < self.max:
            found, fix = f"{self.min:g} and {self.max:g}", "Give the smaller number first."
            raise condition_error(self.name, "a min below its max", found, fix)
        self.encode(self.default)

    @property
    def size(self) -> int:
        """One number."""
        return 1

    def encode(self, value: object) -> Vector:
        """Return the number."""
        return np.array([check_range(self.name, value, self.min, self.max)], np.float32)

    def decode(self, vector: Vector) -> float:
        """Return the number, limited to `min` and `max`."""
        return float(np.clip(vector[0], self.min, self.max))

    def blend(self, first: Any, second: Any, fraction: float) -> float:
        """Return the number between two numbers."""
        return lerp(first, second, fraction)

    def describe(self, value: Any) -> str:
        """Return the number as text."""
        return f"{value:g} {self.name}"

    def from_word(self, word: str) -> Any:
        """Return the number that a word spells, or None."""
        try:
            return float(word)
        except ValueError:
            return None

    def to_json(self) -> dict[str, Any]:
        """Return the manifest entry without its `slice`."""
        entry = {"name": self.name, "kind": self.kind, "default": self.default}
        return entry | {"min": self.min, "max": self.max}

    @classmethod
    def from_json(cls, fields: JsonObject) -> Self:
        """Return the group of a manifest entry."""
        numbers = [fields.number(key) for key in ("default", "min", "max")]
        return cls(fields.text("name"), *numbers)
