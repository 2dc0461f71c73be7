"""What a network promises to whoever will call its graph."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from math import prod

from ganport_export.errors import OptionError
from ganport_runtime.bundle.constants import ENCODE, GENERATE, TRANSLATE
from ganport_runtime.conditions import Conditions

_ENDS = {GENERATE: ("z", "image"), TRANSLATE: ("image_in", "image"), ENCODE: ("image_in", "z")}
"""First input and output of each kind of graph."""

_MAX_TEXT = 200
_VERSION = re.compile(r"\d+\.\d+\.\d+([.+-][A-Za-z0-9.+-]+)?")
_MAX_SIDE = 4096
_MAX_NOISE = 2**20


@dataclass(frozen=True)
class Interface:
    """A network's inputs and output in the terms of `docs/interface.md`.

    `forward` takes its inputs in their order, all float32: `z` (N, *z), or pictures `image_in`
    (N, 3, *resolution) in [-1, 1]; then the condition (N, conditions.size) when there are
    conditions. It returns pictures like those, or z. Raises OptionError for a kind, name, version,
    noise or resolution no bundle can have.
    """

    name: str
    z: tuple[int, ...]
    """Shape of one picture's noise; () where there is none, which is in a translator."""
    resolution: tuple[int, int]
    """Height and width in pixels."""
    conditions: Conditions = field(default_factory=Conditions)
    family: str = "gan"
    version: str = "1.0.0"
    kind: str = GENERATE
    """`gan.generate/1`, `gan.translate/1` or `gan.encode/1`."""
    temperature: float = 1.0
    """What the caller multiplies the normals by to have z, 0 to 100."""

    def __post_init__(self) -> None:
        for place, text in (("name", self.name), ("family", self.family)):
            _demand(place, is_line(text, _MAX_TEXT), f"a line of 1 to {_MAX_TEXT} letters", text)
        _demand("version", _VERSION.fullmatch(self.version), "a version like 1.0.0", self.version)
        _demand("kind", self.kind in _ENDS, f"one of {', '.join(_ENDS)}", self.kind)
        noise = len(self.z) in (1, 3) and min(self.z) > 0 and prod(self.z) <= _MAX_NOISE
        if self.has_z:
            _demand("z", noise, "(length,) or (channels, height, width)", self.z)
        else:
            _demand("z", self.z == (), f"(), for {self.kind} takes no noise", self.z)
        _demand("temperature", 0 <= self.temperature <= 100, "0 to 100", self.temperature)
        sides = len(self.resolution) == 2 and all(0 < side <= _MAX_SIDE for side in self.resolution)
        _demand("resolution", sides, f"(height, width), each 1 to {_MAX_SIDE}", self.resolution)

    @property
    def first(self) -> str:
        """The name of what comes in: "z" or "image_in"."""
        return _ENDS[self.kind][0]

    @property
    def output(self) -> str:
        """The name of what goes out: "image" or "z"."""
        return _ENDS[self.kind][1]

    @property
    def has_z(self) -> bool:
        """Whether noise goes in or out."""
        return "z" in _ENDS[self.kind]

    @property
    def stem(self) -> str:
        """What the graph's files are called before their first dot."""
        return "encoder" if self.kind == ENCODE else "generator"

    @property
    def inputs(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of one sample of every input, in the order `forward` takes them."""
        inputs = {self.first: self._shape(self.first)}
        if self.conditions.size:
            inputs["condition"] = (self.conditions.size,)
        return inputs

    def head(self, image: str) -> str:
        """Whether one output of the graph is "uint8" or "float", given what pictures are to be."""
        return image if self.output == "image" else "float"

    def output_shape(self, image: str) -> tuple[int, ...]:
        """Shape of one output: a picture's is (H, W, 3) for "uint8" and (3, H, W) for "float"."""
        if self.head(image) == "uint8":
            return (*self.resolution, 3)
        return self._shape(self.output)

    def encoder(self) -> Interface:
        """The interface of the way back, from a picture to z; raises OptionError without one."""
        _demand("kind", self.kind == GENERATE, f"{GENERATE}, to go with an encoder", self.kind)
        return replace(self, kind=ENCODE)

    def _shape(self, name: str) -> tuple[int, ...]:
        return self.z if name == "z" else (3, *self.resolution)


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
