"""Condition groups whose values are numbers: colours and scalars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions.base import ConditionGroup, lerp
from ganport_runtime.conditions.colors import channels, is_hex, to_hex
from ganport_runtime.errors import ConditionError
from ganport_runtime.strictjson import JsonObject, check_number
from ganport_runtime.values import (
    check_distinct,
    check_range,
    condition_error,
    format_choices,
    invalid_value,
)

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class Rgb(ConditionGroup):
    """An sRGB colour, its 0..255 channels mapped linearly onto `range`."""

    kind = "rgb"
    name: str
    default: Any  # "#rrggbb", (r, g, b) in 0..255, or a name of the palette
    range: tuple[float, float] = (0.0, 1.0)
    palette: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        low, high = self.range
        if not low < high:
            raise condition_error(self.name, "a range that rises", f"{low:g} to {high:g}")
        if self.palette:
            check_distinct(self.name, self.palette)
        plain = {label: self._hex(colour) for label, colour in self.palette.items()}
        object.__setattr__(self, "palette", plain)
        object.__setattr__(self, "labels", tuple(plain))
        self.encode(self.default)

    @property
    def size(self) -> int:
        return 3

    def encode(self, value: object) -> Vector:
        low, high = self.range
        channels = np.array(self._channels(value), np.float64)
        return (low + (high - low) * (channels / 255.0)).astype(np.float32)

    def decode(self, vector: Vector) -> tuple[float, ...]:
        low, high = self.range
        return tuple(
            float(channel) for channel in np.clip((vector - low) / (high - low), 0, 1) * 255
        )

    def blend(self, first: Any, second: Any, share: float) -> list[float]:
        ends = zip(self._channels(first), self._channels(second), strict=True)
        return [lerp(one, two, share) for one, two in ends]

    def describe(self, value: Any) -> str:
        return f"{value if isinstance(value, str) else self._hex(value)} {self.name}"

    def phrases(self) -> dict[str, Any]:
        return {f"{label} {self.name}": label for label in self.palette}

    def from_word(self, word: str) -> Any:
        return word if is_hex(word) else None

    def to_json(self) -> dict[str, Any]:
        default = self.default if isinstance(self.default, str) else list(self.default)
        entry = {"name": self.name, "kind": self.kind, "default": default}
        return entry | {"range": list(self.range), "palette": dict(self.palette)}

    @classmethod
    def from_json(cls, fields: JsonObject) -> Self:
        bounds = fields.items("range", limit=2)
        numbers = [check_number(bound, f"{fields.place}.range") for bound in bounds]
        if len(numbers) != 2:
            raise condition_error(fields.text("name"), "a range of two numbers", f"{len(numbers)}")
        palette = fields.object("palette")
        colours = {name: palette.text(name, limit=7) for name in fields.mapping("palette")}
        return cls(fields.text("name"), fields.value("default"), (numbers[0], numbers[1]), colours)

    def _channels(self, value: object) -> tuple[float, ...]:
        names = f" or one of {format_choices(self.palette)}" if self.palette else ""
        expected = f'"#rrggbb", three numbers in 0..255{names}'
        if isinstance(value, str):
            text = self.palette.get(value, value)
            if not is_hex(text):
                raise self._no_colour(expected, value)
            return channels(text)
        if not isinstance(value, list | tuple | np.ndarray) or len(value) != 3:
            raise invalid_value(self.name, expected, value)
        return tuple(check_range(self.name, channel, 0, 255) for channel in value)

    def _hex(self, value: object) -> str:
        return to_hex(self._channels(value))

    def _no_colour(self, expected: str, found: str) -> ConditionError:
        error = invalid_value(self.name, expected, found, allowed=self.palette)
        if not self.palette:
            error = ConditionError(
                error.place,
                expected=expected,
                found=error.found,
                fix='Write the colour as "#ff88cc".',
            )
        return error


@dataclass(frozen=True)
class Scalar(ConditionGroup):
    """A number in `min` .. `max`, which goes into the vector as it is."""

    kind = "scalar"
    name: str
    default: float
    min: float
    max: float
    labels: tuple[str, ...] = field(init=False, repr=False, default=())

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.min < self.max:
            raise condition_error(
                self.name, "a min below its max", f"{self.min:g} and {self.max:g}"
            )
        self.encode(self.default)

    @property
    def size(self) -> int:
        return 1

    def encode(self, value: object) -> Vector:
        return np.array([check_range(self.name, value, self.min, self.max)], np.float32)

    def decode(self, vector: Vector) -> float:
        return float(np.clip(vector[0], self.min, self.max))

    def blend(self, first: Any, second: Any, share: float) -> float:
        return lerp(first, second, share)

    def describe(self, value: Any) -> str:
        return f"{value:g} {self.name}"

    def from_word(self, word: str) -> Any:
        try:
            return float(word)
        except ValueError:
            return None

    def to_json(self) -> dict[str, Any]:
        entry = {"name": self.name, "kind": self.kind, "default": self.default}
        return entry | {"min": self.min, "max": self.max}

    @classmethod
    def from_json(cls, fields: JsonObject) -> Self:
        return cls(
            fields.text("name"),
            fields.number("default"),
            fields.number("min"),
            fields.number("max"),
        )
