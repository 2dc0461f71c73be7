"""The interface of a network: its inputs and output, and how its `forward` is called."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from numbers import Integral, Real
from typing import Any

from torch import Tensor

from ganport_export.errors import OptionError
from ganport_runtime.bundle.schema import ENCODE, FIRST_AND_LAST, GENERATE
from ganport_runtime.bundle.schema import Tensor as GraphTensor
from ganport_runtime.conditions import Conditions, JointOneHot, OneHot
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.values import repr_short

BATCH_DIM = "batch"
"""Name of the first dimension of every tensor, the only dynamic one."""

_MAX_TEXT = 200
_MAX_SIDE = 4096
_MAX_NOISE = 2**20
_CONDITIONS = "Conditions, or nothing for a network without conditions"
_ARGUMENTS = "every input once, in order or by the parameter's name; fixed numbers or tensors"
_VERSION = re.compile(r"\d+\.\d+\.\d+([.+-][A-Za-z0-9.+-]+)?")


@dataclass(frozen=True)
class Interface:
    """Inputs and output of a network, in the terms of `docs/interface.md`.

    By default `forward` takes float32 tensors in this order: `z` of shape `(N, *z)` or `image_in`
    of shape `(N, C, H, W)` in [-1, 1], then the condition `(N, conditions.size)` if there are
    conditions. It returns images `(N, C, H, W)` in [-1, 1] or z `(N, *z)`. The last four fields
    describe another `forward`. Raises OptionError for a value that no bundle can have.
    """

    name: str
    z: tuple[int, ...]
    """Shape of the noise of one image; () for a translator, which takes no noise."""
    resolution: tuple[int, int] | None = None
    """Height and width in pixels of RGB images; None if `image` is given."""
    conditions: Conditions = field(default_factory=Conditions)
    family: str = "gan"
    version: str = "1.0.0"
    kind: str = GENERATE
    """`gan.generate/1`, `gan.translate/1` or `gan.encode/1`."""
    temperature: float = 1.0
    """Factor, 0 to 100, by which the caller multiplies standard normal numbers to get z."""
    image: ImageFormat | None = None
    """Size and color mode of the images, palette and alpha; replaces `resolution`."""
    arguments: Sequence[str] | Mapping[str, Any] = ()
    """The inputs in the order of `forward`, such as ("condition", "z"); or, by the parameter's
    name, inputs and fixed values, such as {"labels": "condition", "noise": "z", "t": 0.5}."""
    condition_dtype: str = "float32"
    """"int64" if `forward` takes class indices: (N,) for one group, (N, groups) for several."""
    output: int | str | None = None
    """Index, key or attribute of the image if `forward` returns several values."""
    image_range: str = "signed"
    """"unit" if the network's own images, in and out, are in [0, 1]."""

    def __post_init__(self) -> None:
        line = f"a line of 1 to {_MAX_TEXT} characters"
        z_rule = f"() for {self.kind}"
        if holds(lambda: self.has_z):
            z_rule = "(length,) or (channels, height, width)"
        size = f"(height, width), each 1 to {_MAX_SIDE}"
        rules: tuple[tuple[str, Callable[[], object], str], ...] = (
            ("name", lambda: is_single_line(self.name, _MAX_TEXT), line),
            ("family", lambda: is_single_line(self.family, _MAX_TEXT), line),
            ("version", lambda: _VERSION.fullmatch(self.version), "a version such as 1.0.0"),
            ("kind", lambda: self.kind in FIRST_AND_LAST, f"one of {', '.join(FIRST_AND_LAST)}"),
            ("z", self._is_noise, z_rule),
            ("temperature", lambda: 0 <= self.temperature <= 100, "0 to 100"),
            ("image", self._is_image, f"an ImageFormat of sides up to {_MAX_SIDE}, or nothing"),
            ("resolution", self._is_size, f"{size}; nothing if image is given"),
            ("conditions", lambda: isinstance(self.conditions, Conditions), _CONDITIONS),
            ("arguments", self._are_arguments, _ARGUMENTS),
            ("condition_dtype", self._is_dtype, "float32; int64 for one-hot groups only"),
            ("output", lambda: self.output is None or type(self.output) in (int, str), "an index"),
            ("image_range", lambda: self.image_range in ("signed", "unit"), "signed or unit"),
        )
        for name, rule, expected in rules:
            if not holds(rule):
                place, found = f"interface {name}", repr_short(getattr(self, name))
                raise OptionError(place, expected, found, f"Give the Interface another {name}.")

    def _is_noise(self) -> bool:
        if not self.has_z:
            return self.z == ()
        return len(self.z) in (1, 3) and _are_lengths(self.z) and prod(self.z) <= _MAX_NOISE

    def _is_image(self) -> bool:
        return self.image is None or max(self.image.size) <= _MAX_SIDE

    def _is_size(self) -> bool:
        if self.resolution is None or self.image is not None:
            return self.resolution is None and self.image is not None
        sides = self.resolution
        return len(sides) == 2 and _are_lengths(sides) and max(sides) <= _MAX_SIDE

    def _is_dtype(self) -> bool:
        kinds = (OneHot, JointOneHot)
        is_one_hot = all(isinstance(group, kinds) for group in self.conditions.groups)
        is_index = self.condition_dtype == "int64" and bool(self.conditions.size) and is_one_hot
        return self.condition_dtype == "float32" or is_index

    def _are_arguments(self) -> bool:
        if not self.arguments:
            return isinstance(self.arguments, tuple | list | dict)
        if not isinstance(self.arguments, Mapping):
            return sorted(self.arguments) == sorted(self.inputs)
        texts = [value for value in self.arguments.values() if isinstance(value, str)]
        kinds = (str, Real, Tensor, type(None))
        are_values = all(isinstance(value, kinds) for value in self.arguments.values())
        return are_values and sorted(texts) == sorted(self.inputs)

    @property
    def format(self) -> ImageFormat:
        """Format of the images: `image`, or RGB of `resolution`."""
        if self.image is not None:
            return self.image
        assert self.resolution is not None, "a rule requires one of the two"
        return ImageFormat(self.resolution)

    @property
    def input_name(self) -> str:
        """Name of the first input: "z" or "image_in"."""
        return FIRST_AND_LAST[self.kind][0]

    @property
    def output_name(self) -> str:
        """Name of the output: "image" or "z"."""
        return FIRST_AND_LAST[self.kind][1]

    @property
    def has_z(self) -> bool:
        """Whether noise is the first input or the output."""
        return "z" in FIRST_AND_LAST.get(self.kind, ("z",))

    @property
    def stem(self) -> str:
        """Name of the graph's files up to the first dot."""
        return "encoder" if self.kind == ENCODE else "generator"

    @property
    def inputs(self) -> dict[str, tuple[int, ...]]:
        """Name and shape without batch of every input, in the order of the graph."""
        inputs = {self.input_name: self.shape(self.input_name)}
        if self.conditions.size:
            inputs["condition"] = (self.conditions.size,)
        return inputs

    @property
    def is_direct(self) -> bool:
        """Whether `forward` is called with the inputs of the graph and returns its output."""
        other = (self.condition_dtype, self.output, self.image_range)
        return not self.arguments and other == ("float32", None, "signed")

    def head(self, image: str) -> str:
        """Return the head of the output when images have the head `image`: "float" for z."""
        return image if self.output_name == "image" else "float"

    def output_shape(self, image: str) -> tuple[int, ...]:
        """Return the shape without batch of the output when images have the head `image`.

        An image has (H, W, C) for "uint8" and (C, H, W) for the others.
        """
        if self.head(image) == "uint8":
            return (*self.format.size, self.format.channels)
        return self.shape(self.output_name)

    def tensors(self, image: str) -> tuple[tuple[GraphTensor, ...], GraphTensor]:
        """Return the inputs and the output of the graph when images have the head `image`."""
        shapes = self.inputs.items()
        inputs = [GraphTensor(name, "float32", (BATCH_DIM, *shape)) for name, shape in shapes]
        dtype = "uint8" if self.head(image) == "uint8" else "float32"
        output = GraphTensor(self.output_name, dtype, (BATCH_DIM, *self.output_shape(image)))
        return tuple(inputs), output

    def encoder(self) -> Interface:
        """Return the interface of the encoder of this generator, from an image to z.

        Raises OptionError for a translator.
        """
        if self.kind != GENERATE:
            fix = "Export this network without an encoder."
            raise OptionError("interface kind", f"{GENERATE}, for an encoder", repr(self.kind), fix)
        return replace(self, kind=ENCODE, arguments=(), output=None)

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape without batch of the float tensor `name`: z, image_in or image."""
        return self.z if name == "z" else (self.format.channels, *self.format.size)


def holds(rule: Callable[[], object]) -> bool:
    """Return whether a rule holds; a value of a type that it cannot compare does not."""
    try:
        return bool(rule())
    except (TypeError, ValueError, AttributeError):
        return False


def _are_lengths(values: Iterable[Any]) -> bool:
    return all(isinstance(value, Integral) and int(value) > 0 for value in values)


def is_single_line(text: str, max_length: int) -> bool:
    """Return whether `text` is a printable line of 1 to `max_length` characters without padding."""
    return 0 < len(text) <= max_length and text.isprintable() and text == text.strip()
