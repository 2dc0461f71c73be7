"""The options of an export, and the graph files that they request."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Self

import onnx

from ganport_export.errors import DependencyError, OptionError
from ganport_export.interface import Interface, holds, is_single_line
from ganport_export.targets import Target, find_target
from ganport_runtime.bundle.manifest import GraphFile
from ganport_runtime.bundle.schema import POLYPHASE
from ganport_runtime.values import repr_short

MIN_OPSET = 18
FORMATS = ("onnx", "torchscript", "pt2")
"""Graph formats; `format` is one, several with commas, or "bundle" for the first two."""
CHOICES = {
    "image": ("uint8", "float", "unit"),
    "precision": ("fp32", "fp16"),
    "weights": ("fp32", "fp16"),
}
"""Values of the options that take one of a few words."""

_MAX_LICENSE = 1000


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
    lift_noise: bool = False
    target: Target | None = None

    @classmethod
    def of(cls, target: str | None, **given: Any) -> Self:
        """Return options for a target; `given` replaces the defaults of the target, or the class.

        A format, image or opset of None is not given.
        """
        chosen = None if target is None else find_target(target)
        for name in ("format", "image", "opset"):
            if given[name] is None:
                del given[name]
        if chosen:
            given = {"format": "onnx", "image": chosen.head, "opset": chosen.opset} | given
        return cls(**given, target=chosen)

    def __post_init__(self) -> None:
        if not holds(lambda: self.formats <= set(FORMATS)):
            expected = f"one of {', '.join(FORMATS)}, bundle; or several of them with commas"
            found = repr_short(self.format)
            raise OptionError("format", expected, found, "Use format='bundle'.")
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                expected = f"one of {', '.join(choices)}"
                found = repr_short(value)
                raise OptionError(name, expected, found, f"Use {name}={choices[0]!r}.")
        if not holds(lambda: is_single_line(self.license, _MAX_LICENSE)):
            expected = f"one line of at most {_MAX_LICENSE} characters"
            raise OptionError("license", expected, "another text", "Name the license in one line.")
        for name in ("precision", "weights", "polyphase"):
            if getattr(self, name) in ("fp16", True) and not self.onnx:
                fix = f"Use format='bundle', or leave {name} out."
                raise OptionError(name, "a format with ONNX", f"format {self.format}", fix)
        _check_opset(self.opset, self.target)
        if self.target:
            self._check_target(self.target)
        self._check_dependencies()

    @property
    def formats(self) -> set[str]:
        """The graph formats: "onnx", "torchscript" and "pt2"."""
        return set(self.format.replace("bundle", "onnx,torchscript").split(","))

    @property
    def onnx(self) -> bool:
        """Whether the bundle contains ONNX files."""
        return "onnx" in self.formats

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
            (GraphFile(f"{stem}.ts.pt", "torchscript", "fp32"), "torchscript" in self.formats),
            (GraphFile(f"{stem}.pt2", "pt2", "fp32"), "pt2" in self.formats),
        )
        return tuple(file for file, requested in files if requested)

    def _check_target(self, target: Target) -> None:
        if not self.onnx:
            fix = "Use --format onnx."
            raise OptionError(f"format for {target.name}", "a format with ONNX", self.format, fix)
        target.check_head(self.image)
        target.version_for(self.opset)

    def _check_dependencies(self) -> None:
        if "torchscript" in self.formats and sys.version_info >= (3, 14):
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


def _check_opset(opset: int, target: Target | None) -> None:
    lowest = min(MIN_OPSET, target.opset) if target else MIN_OPSET
    highest = onnx.defs.onnx_opset_version()
    if type(opset) is not int or not lowest <= opset <= highest:
        fix = f"Use {lowest} unless a runtime requires a higher one."
        raise OptionError("opset", f"{lowest} to {highest}", repr_short(opset), fix)
