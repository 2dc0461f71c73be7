"""What can be chosen about an export, checked before any work is done for it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from ganport_export.errors import DependencyError, OptionError
from ganport_export.formats.onnx_graph import MIN_OPSET, check_opset
from ganport_export.formats.torchscript import check_python
from ganport_export.interface import is_line

FORMATS = ("onnx", "torchscript", "bundle")
IMAGES = ("uint8", "float")
PRECISIONS = ("fp32", "fp16")
WEIGHTS = ("fp32", "fp16")
_ALLOWED = {"format": FORMATS, "image": IMAGES, "precision": PRECISIONS, "weights": WEIGHTS}
_MAX_LICENSE = 1000


@dataclass(frozen=True)
class Options:
    """The choices of one export.

    Raises OptionError for one that does not exist or does not go with another, and
    DependencyError where this Python cannot write the format or onnxruntime is not installed.
    """

    format: str = "bundle"
    """ "onnx", "torchscript", or "bundle" for both."""
    image: str = "uint8"
    opset: int = MIN_OPSET
    precision: str = "fp32"
    """ "fp16" adds a half-precision ONNX file to the float32 one."""
    weights: str = "fp32"
    """ "fp16" rounds the weights of the ONNX files to float16, which halves the files."""
    phase: bool = False
    """Whether to add an ONNX file without transposed convolutions of stride 2."""
    license: str = "unspecified"
    allow_insensitive: bool = False

    def __post_init__(self) -> None:
        for name, allowed in _ALLOWED.items():
            if getattr(self, name) not in allowed:
                raise _refuse(name, f"one of {', '.join(allowed)}", repr(getattr(self, name)))
        if not is_line(self.license, _MAX_LICENSE):
            raise _refuse("license", f"one line of at most {_MAX_LICENSE} letters", "another text")
        for name, asked in (("precision", self.half), ("weights", self.half_weights)):
            if asked and not self.onnx:
                raise _refuse(f"{name} fp16", "a format with ONNX", f"format {self.format}")
        if self.phase and not self.onnx:
            raise _refuse("phase", "a format with ONNX", f"format {self.format}")
        check_opset(self.opset)
        if self.torchscript:
            check_python()
        if self.onnx and find_spec("onnxruntime") is None:
            raise DependencyError(
                "extra 'cpu'",
                expected="onnxruntime, which the gates run every graph with",
                found="no onnxruntime",
                fix="Run: pip install 'ganport[export,cpu]'",
            )

    @property
    def onnx(self) -> bool:
        """Whether the bundle gets ONNX files."""
        return self.format != "torchscript"

    @property
    def torchscript(self) -> bool:
        """Whether the bundle gets a TorchScript file."""
        return self.format != "onnx"

    @property
    def half(self) -> bool:
        """Whether the bundle gets a float16 graph too."""
        return self.precision == "fp16"

    @property
    def half_weights(self) -> bool:
        """Whether the ONNX files hold their weights in float16."""
        return self.weights == "fp16"


def check_encoder(options: Options) -> None:
    """Refuse what does not go with an encoder; raises OptionError."""
    if options.half_weights:
        raise OptionError(
            "weights fp16",
            expected="a generator without an encoder",
            found="one with it",
            fix="Rounded, they would not be each other's inverse: leave the option out.",
        )


def _refuse(option: str, expected: str, found: str) -> OptionError:
    return OptionError(option, expected=expected, found=found, fix="Choose one that exists.")
