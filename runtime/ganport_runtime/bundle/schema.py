"""The parts of a manifest: tensors, graphs, files, noise, image, batch; and its constants."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Self

from ganport_runtime.errors import BundleError, RequestError
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.noise import ALGORITHM
from ganport_runtime.strictjson import JsonObject, check_integer, check_number
from ganport_runtime.values import repr_short

GENERATE, TRANSLATE, ENCODE = "gan.generate/1", "gan.translate/1", "gan.encode/1"
VERBS = {GENERATE: "generate", TRANSLATE: "translate", ENCODE: "encode"}
"""The method of `Generator` that runs a graph of each interface."""
FIRST_AND_LAST = {
    GENERATE: ("z", "image"),
    TRANSLATE: ("image_in", "image"),
    ENCODE: ("image_in", "z"),
}
"""The first input and the output of a graph of each interface."""
POLYPHASE = "phase"
"""The form of a graph in which transposed convolutions are split into phases (exact)."""
ROLES = ("onnx", "torchscript", "pt2")
PRECISIONS = ("fp32", "fp16")
SCHEMA_VERSION = 2
"""The schema that is written; all schemas up to it are read."""
LAYOUTS = {"uint8": "NHWC", "signed": "NCHW", "unit": "NCHW"}
"""The order of the axes of `image`, by the range of its values."""
_SCHEMA_1: dict[str, tuple[str, list[float]]] = {
    "uint8": ("uint8", [0, 255]),
    "signed": ("float32", [-1, 1]),
}
"""The dtype and range that schema 1 states, by the range of today."""

MAX_FILES = 1024
MAX_FILE_BYTES = 8 * 2**30
MAX_NOISE = 2**24

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Tensor:
    """An input or output of a graph; `shape` starts with "batch", its only dynamic length."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]

    def __str__(self) -> str:
        return f"{self.name} {self.dtype} [{', '.join(map(str, self.shape))}]"

    def to_json(self) -> dict[str, Any]:
        """Return the manifest entry."""
        return {"name": self.name, "dtype": self.dtype, "shape": list(self.shape)}

    @classmethod
    def from_json(cls, value: object, place: str) -> Self:
        """Return the tensor of a manifest entry; raise `BundleError`."""
        fields = JsonObject(value, place)
        shape = fields.items("shape", limit=8)
        if shape[:1] != ["batch"]:
            expected = 'a shape that starts with "batch"'
            raise BundleError(f"{place}.shape", expected, repr(shape)[:80])
        lengths = [check_integer(length, f"{place}.shape", 1, 2**31 - 1) for length in shape[1:]]
        dtype = fields.one_of("dtype", ("float32", "uint8"))
        return cls(fields.text("name"), dtype, ("batch", *lengths))


@dataclass(frozen=True)
class GraphFile:
    """A file with a graph; `form` names a variant such as `POLYPHASE`, None the default form."""

    path: str
    role: str = "onnx"
    precision: str = "fp32"
    form: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the manifest entry."""
        entry = {"path": self.path, "role": self.role, "precision": self.precision}
        return entry | ({"form": self.form} if self.form else {})

    @classmethod
    def from_json(cls, value: object, place: str) -> Self:
        """Return the file of a manifest entry; raise `BundleError`.

        `form` is optional and any text: this reader skips files of forms that it does not know.
        """
        fields = JsonObject(value, place)
        path = check_file_name(fields.text("path"), place)
        role, precision = fields.one_of("role", ROLES), fields.one_of("precision", PRECISIONS)
        form = fields.text("form") if isinstance(value, dict) and "form" in value else None
        return cls(path, role, precision, form)


@dataclass(frozen=True)
class Graph:
    """One function of the bundle: its interface, its tensors and the files that compute it."""

    interface: str
    inputs: tuple[Tensor, ...]
    output: Tensor
    files: tuple[GraphFile, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the manifest entry."""
        inputs = [tensor.to_json() for tensor in self.inputs]
        entry = {"interface": self.interface, "inputs": inputs, "output": self.output.to_json()}
        return entry | {"files": [file.to_json() for file in self.files]}

    @classmethod
    def from_json(
        cls, value: object, place: str, files: tuple[GraphFile, ...] | None = None
    ) -> Self:
        """Return the graph of a manifest entry, with `files` if given; raise `BundleError`."""
        fields = JsonObject(value, place)
        inputs = [
            Tensor.from_json(entry, f"{place}.inputs[{i}]")
            for i, entry in enumerate(fields.items("inputs", limit=8))
        ]
        output = Tensor.from_json(fields.value("output"), f"{place}.output")
        if files is None:
            entries = fields.items("files", limit=MAX_FILES)
            files = tuple(
                GraphFile.from_json(entry, f"{place}.files[{i}]") for i, entry in enumerate(entries)
            )
        return cls(fields.text("interface"), tuple(inputs), output, files)


@dataclass(frozen=True)
class FileEntry:
    """The digest (SHA-256, hex) and the size in bytes of one file of the bundle."""

    sha256: str
    size: int

    @classmethod
    def from_json(cls, value: object, place: str) -> Self:
        """Return the entry of a file; raise `BundleError`."""
        fields = JsonObject(value, place)
        digest = fields.text("sha256")
        if not _SHA256.fullmatch(digest):
            expected = "64 lower-case hex digits"
            raise BundleError(f"{place}.sha256", expected, repr(digest)[:80])
        return cls(digest, fields.integer("size", 0, MAX_FILE_BYTES))


@dataclass(frozen=True)
class Noise:
    """How a seed becomes z: the standard normals of `algorithm` times `temperature`."""

    algorithm: str = ALGORITHM
    temperature: float = 1.0

    @classmethod
    def from_json(cls, value: object, place: str) -> Self:
        """Return the noise of a manifest entry; raise `BundleError`."""
        fields = JsonObject(value, place)
        temperature = fields.number("temperature")
        if not 0.0 <= temperature <= 100.0:
            expected = "a number from 0 to 100"
            raise BundleError(f"{place}.temperature", expected, f"{temperature:g}")
        return cls(fields.one_of("algorithm", (ALGORITHM,)), temperature)


@dataclass(frozen=True)
class Image:
    """The images of a bundle: their format, and the `range` of the values in the tensor `image`.

    range: "uint8", (N, H, W, C) with straight alpha; "signed", float32 (N, C, H, W) in [-1, 1],
        where "rgba" is premultiplied; "unit", float32 (N, C, H, W) in [0, 1] with straight alpha.

    Raises `RequestError` for another range.
    """

    format: ImageFormat
    range: str = "uint8"

    def __post_init__(self) -> None:
        if self.range not in LAYOUTS:
            expected, found = f"one of {', '.join(LAYOUTS)}", repr_short(self.range)
            raise RequestError("image range", expected, found, "Correct the range.")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.format.size

    @property
    def layout(self) -> str:
        """The order of the axes of the tensor: "NHWC" or "NCHW"."""
        return LAYOUTS[self.range]

    @property
    def dtype(self) -> str:
        """The dtype of the tensor."""
        return "uint8" if self.range == "uint8" else "float32"

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of one image in the tensor: (H, W, C) or (C, H, W)."""
        height, width = self.size
        channels = self.format.channels
        if self.layout == "NHWC":
            return height, width, channels
        return channels, height, width

    @property
    def is_discrete(self) -> bool:
        """Whether the graph chooses colors or levels, or divides: a tiny error may become large."""
        image = self.format
        chooses = bool(image.palette) or image.mode == "rgba"
        return chooses and self.range != "signed"

    def to_json(self, version: int = SCHEMA_VERSION) -> dict[str, Any]:
        """Return the manifest entry; raise `BundleError` for images that schema 1 cannot state."""
        if version > 1:
            return self.format.to_json() | {"range": self.range, "layout": self.layout}
        if self.format != ImageFormat(self.size) or self.range not in _SCHEMA_1:
            found = f"{self.format.mode}, {self.range}"
            raise BundleError("image", "plain rgb, uint8 or signed, for schema 1", found)
        dtype, limits = _SCHEMA_1[self.range]
        return {"size": list(self.size), "range": limits, "colour": "RGB", "dtype": dtype}

    @classmethod
    def from_json(cls, value: object, place: str, version: int = SCHEMA_VERSION) -> Self:
        """Return the image of a manifest entry of a schema; raise `BundleError`."""
        fields = JsonObject(value, place)
        if version == 1:
            return cls._from_schema_1(fields)
        image = cls(ImageFormat.from_json(value, place), fields.one_of("range", tuple(LAYOUTS)))
        fields.one_of("layout", (image.layout,))
        return image

    @classmethod
    def _from_schema_1(cls, fields: JsonObject) -> Self:
        rgb = {"size": fields.value("size"), "mode": "rgb"}
        dtype = fields.one_of("dtype", [dtype for dtype, _ in _SCHEMA_1.values()])
        fields.one_of("colour", ("RGB",))
        place = f"{fields.place}: range"
        bounds = [check_number(x, place) for x in fields.items("range", limit=2)]
        for name, entry in _SCHEMA_1.items():
            if entry == (dtype, bounds):
                return cls(ImageFormat.from_json(rgb, fields.place), name)
        expected = f"{dict(_SCHEMA_1.values())[dtype]} for {dtype}"
        raise BundleError(place, expected, repr_short(bounds))


@dataclass(frozen=True)
class BatchLimits:
    """The batch sizes that a graph accepts; `opt` is a hint for runtimes that prepare one size."""

    min: int = 1
    opt: int = 16
    max: int = 256

    @classmethod
    def from_json(cls, value: object, place: str) -> Self:
        """Return the limits of a manifest entry; raise `BundleError`."""
        fields = JsonObject(value, place)
        low = fields.integer("min", 1, 1)  # every graph accepts a single image
        high = fields.integer("max", 1, 65536)
        return cls(low, fields.integer("opt", low, high), high)


def check_file_name(name: str, place: str) -> str:
    """Return `name` if no system can take it for a path; raise `BundleError`."""
    if not _FILE_NAME.fullmatch(name) or name.endswith("."):
        expected = "plain file names (letters, digits, . _ -)"
        raise BundleError(place, expected, repr(name)[:80])
    return name
