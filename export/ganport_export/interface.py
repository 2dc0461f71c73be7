"""The interface of a graph, and the options of an export."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from math import prod
from numbers import Integral
from typing import Any

import onnx

from ganport_export.errors import DependencyError, OptionError
from ganport_runtime.bundle.manifest import GraphFile
from ganport_runtime.bundle.schema import ENCODE, GENERATE, POLYPHASE, TRANSLATE
from ganport_runtime.conditions import Conditions
from ganport_runtime.values import repr_short

BATCH_DIM = "batch"
"""Name of the first dimension of every tensor, the only dynamic one."""
MIN_OPSET = 18
CHOICES = {
    "format": ("onnx", "torchscript", "bundle"),
    "image": ("uint8", "float"),
    "precision": ("fp32", "fp16"),
    "weights": ("fp32", "fp16"),
}
"""Values of the options that take one of a few words."""

_TENSORS = {GENERATE: ("z", "image"), TRANSLATE: ("image_in", "image"), ENCODE: ("image_in", "z")}
"""Name of the first input and of the output, by kind of graph."""
_MAX_TEXT = 200
_MAX_LICENSE = 1000
_MAX_SIDE = 4096
_MAX_NOISE = 2**20
_CONDITIONS = "Conditions, or nothing for a network without conditions"
_VERSION = re.compile(r"\d+\.\d+\.\d+([.+-][A-Za-z0-9.+-]+)?")


@dataclass(frozen=True)
class Interface:
    """Inputs and output of a network, in the terms of `docs/interface.md`.

    `forward` takes float32 tensors in this order: `z` of shape `(N, *z)` or `image_in` of shape
    `(N, 3, *resolution)` in [-1, 1], then the condition `(N, conditions.size)` if there are
    conditions. It returns images `(N, 3, *resolution)` in [-1, 1] or z `(N, *z)`. Raises
    OptionError for a value that no bundle can have.
    """

    name: str
    z: tuple[int, ...]
    """Shape of the noise of one image; () for a translator, which takes no noise."""
    resolution: tuple[int, int]
    """Height and width in pixels."""
    conditions: Conditions = field(default_factory=Conditions)
    family: str = "gan"
    version: str = "1.0.0"
    kind: str = GENERATE
    """`gan.generate/1`, `gan.translate/1` or `gan.encode/1`."""
    temperature: float = 1.0
    """Factor, 0 to 100, by which the caller multiplies standard normal numbers to get z."""

    def __post_init__(self) -> None:
        line = f"a line of 1 to {_MAX_TEXT} characters"
        z_rule = f"() for {self.kind}"
        if _holds(lambda: self.has_z):
            z_rule = "(length,) or (channels, height, width)"
        rules: tuple[tuple[str, Callable[[], object], str], ...] = (
            ("name", lambda: is_single_line(self.name, _MAX_TEXT), line),
            ("family", lambda: is_single_line(self.family, _MAX_TEXT), line),
            ("version", lambda: _VERSION.fullmatch(self.version), "a version such as 1.0.0"),
            ("kind", lambda: self.kind in _TENSORS, f"one of {', '.join(_TENSORS)}"),
            ("z", self._is_noise, z_rule),
            ("temperature", lambda: 0 <= self.temperature <= 100, "0 to 100"),
            ("resolution", self._is_size, f"(height, width), each 1 to {_MAX_SIDE}"),
            ("conditions", lambda: isinstance(self.conditions, Conditions), _CONDITIONS),
        )
        for name, rule, expected in rules:
            if not _holds(rule):
                place, found = f"interface {name}", repr_short(getattr(self, name))
                raise OptionError(place, expected, found, f"Give the Interface another {name}.")

    def _is_noise(self) -> bool:
        if not self.has_z:
            return self.z == ()
        return len(self.z) in (1, 3) and _are_lengths(self.z) and prod(self.z) <= _MAX_NOISE

    def _is_size(self) -> bool:
        return (
            len(self.resolution) == 2
            and _are_lengths(self.resolution)
            and max(self.resolution) <= _MAX_SIDE
        )

    @property
    def input_name(self) -> str:
        """Name of the first input: "z" or "image_in"."""
        return _TENSORS[self.kind][0]

    @property
    def output_name(self) -> str:
        """Name of the output: "image" or "z"."""
        return _TENSORS[self.kind][1]

    @property
    def has_z(self) -> bool:
        """Whether noise is the first input or the output."""
        return "z" in _TENSORS.get(self.kind, ("z",))

    @property
    def stem(self) -> str:
        """Name of the graph's files up to the first dot."""
        return "encoder" if self.kind == ENCODE else "generator"

    @property
    def inputs(self) -> dict[str, tuple[int, ...]]:
        """Name and shape without batch of every input, in the order of `forward`."""
        inputs = {self.input_name: self._shape(self.input_name)}
        if self.conditions.size:
            inputs["condition"] = (self.conditions.size,)
        return inputs

    def head(self, image: str) -> str:
        """Return "uint8" or "float", the type of the output when images are of type `image`."""
        return image if self.output_name == "image" else "float"

    def output_shape(self, image: str) -> tuple[int, ...]:
        """Return the shape without batch of the output when images are of type `image`.

        An image has (H, W, 3) for "uint8" and (3, H, W) for "float".
        """
        if self.head(image) == "uint8":
            return (*self.resolution, 3)
        return self._shape(self.output_name)

    def encoder(self) -> Interface:
        """Return the interface of the encoder of this generator, from an image to z.

        Raises OptionError for a translator.
        """
        if self.kind != GENERATE:
            fix = "Export this network without an encoder."
            raise OptionError("interface kind", f"{GENERATE}, for an encoder", repr(self.kind), fix)
        return replace(self, kind=ENCODE)

    def _shape(self, name: str) -> tuple[int, ...]:
        return self.z if name == "z" else (3, *self.resolution)


@dataclass(frozen=True)
class ExportOptions:
    """Options of one export, see `ganport_export.export`.

    Raises OptionError for a value that does not exist or does not go with another option, and
    DependencyError if this Python cannot write the format or onnxruntime is not installed.
    """

    format: str = "bundle"
    image: str = "uint8"
    opset: int = MIN_OPSET
    precision: str = "fp32"
    weights: str = "fp32"
    polyphase: bool = False
    license: str = "unspecified"
    allow_insensitive: bool = False

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                expected = f"one of {', '.join(choices)}"
                found = repr_short(value)
                raise OptionError(name, expected, found, f"Use {name}={choices[0]!r}.")
        if not _holds(lambda: is_single_line(self.license, _MAX_LICENSE)):
            expected = f"one line of at most {_MAX_LICENSE} characters"
            raise OptionError("license", expected, "another text", "Name the license in one line.")
        for name in ("precision", "weights", "polyphase"):
            if getattr(self, name) in ("fp16", True) and not self.onnx:
                fix = f"Use format='bundle', or leave {name} out."
                raise OptionError(name, "a format with ONNX", f"format {self.format}", fix)
        _check_opset(self.opset)
        self._check_dependencies()

    @property
    def onnx(self) -> bool:
        """Whether the bundle contains ONNX files."""
        return self.format != "torchscript"

    @property
    def torchscript(self) -> bool:
        """Whether the bundle contains TorchScript files."""
        return self.format != "onnx"

    @property
    def fp16_weights(self) -> bool:
        """Whether the ONNX files store their weights in float16."""
        return self.weights == "fp16"

    def graph_files(self, interface: Interface) -> tuple[GraphFile, ...]:
        """Return the files of a graph, the preferred one first.

        An encoder has no float16 file, because the float16 check compares pixels, and no polyphase
        file, because it does not upsample.
        """
        stem, image = interface.stem, interface.output_name == "image"
        files = (
            (GraphFile(f"{stem}.onnx", "onnx", "fp32"), self.onnx),
            (GraphFile(f"{stem}.fp16.onnx", "onnx", "fp16"), self.precision == "fp16" and image),
            (GraphFile(f"{stem}.phase.onnx", "onnx", "fp32", POLYPHASE), self.polyphase and image),
            (GraphFile(f"{stem}.ts.pt", "torchscript", "fp32"), self.torchscript),
        )
        return tuple(file for file, requested in files if requested)

    def _check_dependencies(self) -> None:
        if self.torchscript and sys.version_info >= (3, 14):
            raise DependencyError(
                "format torchscript",
                "Python 3.13 or older, the last that torch.jit supports",
                "Python {}.{}".format(*sys.version_info[:2]),
                "Use --format onnx, or run the export on Python 3.13.",
            )
        if self.onnx and find_spec("onnxruntime") is None:
            expected = "onnxruntime, which the checks run every graph with"
            fix = "Run: pip install 'ganport[export,cpu]'"
            raise DependencyError("extra 'cpu'", expected, "no onnxruntime", fix)


def _holds(rule: Callable[[], object]) -> bool:
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


def _check_opset(opset: int) -> None:
    highest = onnx.defs.onnx_opset_version()
    if type(opset) is not int or not MIN_OPSET <= opset <= highest:
        fix = f"Use {MIN_OPSET} unless a runtime requires a higher one."
        raise OptionError("opset", f"{MIN_OPSET} to {highest}", repr_short(opset), fix)
