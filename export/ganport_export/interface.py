"""What a network promises to whoever will call its bundle."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import prod

from ganport_export.errors import OptionError
from ganport_runtime.conditions import Conditions

KIND = "gan.generate/1"

_MAX_TEXT = 200
_VERSION = re.compile(r"\d+\.\d+\.\d+([.+-][A-Za-z0-9.+-]+)?")
_MAX_SIDE = 4096
_MAX_NOISE = 2**20


@dataclass(frozen=True)
class Interface:
    """A generator's inputs and output in the terms of `docs/interface.md`.

    `forward(z, condition)` takes z float32 (N, *z) and condition float32 (N, conditions.size), or
    `forward(z)` when there are no conditions, and returns float32 (N, 3, *resolution) in [-1, 1].
    Raises OptionError for a name, version, noise shape or resolution no bundle can have.
    """

    name: str
    z: tuple[int, ...]
    resolution: tuple[int, int]
    """Height and width in pixels."""
    conditions: Conditions = field(default_factory=Conditions)
    family: str = "gan"
    version: str = "1.0.0"
    kind: str = KIND

    def __post_init__(self) -> None:
        for place, text in (("name", self.name), ("family", self.family)):
            _demand(place, is_line(text, _MAX_TEXT), f"a line of 1 to {_MAX_TEXT} letters", text)
        _demand("version", _VERSION.fullmatch(self.version), "a version like 1.0.0", self.version)
        _demand("kind", self.kind == KIND, KIND, self.kind)
        noise = len(self.z) in (1, 3) and min(self.z) > 0 and prod(self.z) <= _MAX_NOISE
        _demand("z", noise, "(length,) or (channels, height, width)", self.z)
        sides = len(self.resolution) == 2 and all(0 < side <= _MAX_SIDE for side in self.resolution)
        _demand("resolution", sides, f"(height, width), each 1 to {_MAX_SIDE}", self.resolution)

    @property
    def inputs(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of one sample of every input, in the order `forward` takes them."""
        inputs = {"z": self.z}
        if self.conditions.size:
            inputs["condition"] = (self.conditions.size,)
        return inputs

    def output_shape(self, image: str) -> tuple[int, ...]:
        """Shape of one picture: (H, W, 3) for "uint8", (3, H, W) for "float"."""
        return (*self.resolution, 3) if image == "uint8" else (3, *self.resolution)


def is_line(text: str, most: int) -> bool:
    """Whether `text` is one printable line of 1 to `most` characters without space at its ends."""
    return 0 < len(text) <= most and text.isprintable() and text == text.strip()


def _demand(place: str, holds: object, expected: str, found: object) -> None:
    if not holds:
        raise OptionError(
            f"interface {place}",
            expected=expected,
            found=repr(found),
            fix=f"Give the Interface another {place}.",
        )
