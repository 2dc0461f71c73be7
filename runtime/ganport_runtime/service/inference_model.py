"""A bundle as a model of the Open Inference Protocol: its tensors and their conversion."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from math import prod
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ganport_runtime.bundle.schema import GENERATE, TRANSLATE
from ganport_runtime.conditions import ConditionRequest
from ganport_runtime.errors import RequestError
from ganport_runtime.generation.request import EncodedRequest
from ganport_runtime.generator import Generator
from ganport_runtime.service.inference_messages import (
    IMAGE_OUTPUT,
    InferenceRequest,
    ModelMetadata,
    RequestInput,
    TensorMetadata,
    decode_message,
)
from ganport_runtime.values import format_choices, repr_short, sanitize, suggestion

MAX_VALUE = 1e6
"""The largest magnitude of an input; networks never need more, and none overflows below it."""
_TYPES: Mapping[str, tuple[str, type]] = {"FP32": ("<f4", float), "UINT64": ("<u8", int)}
"""NumPy type and JSON type by datatype."""
Arrays = dict[str, NDArray[Any]]


class ParsedRequest(msgspec.Struct):
    """A request without its inputs, and their values by name; texts are apart."""

    request: InferenceRequest
    tensors: dict[str, tuple[list[int], bytes]]
    texts: list[str] | None


@dataclass(frozen=True)
class TensorSpec:
    """An input tensor; `shape` excludes the batch dimension."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def metadata(self) -> TensorMetadata:
        """Return the entry of the model metadata."""
        return TensorMetadata(self.name, self.datatype, [-1, *self.shape])

    def read(
        self, entry: RequestInput, binary: memoryview | None, max_rows: int
    ) -> NDArray[Any] | list[str]:
        """Return N texts, or the array (N, *shape), float32 or uint64; N is from 1 to `max_rows`.

        Raises `RequestError` with the name of the input for another type or shape, and for values
        that are not finite or exceed `MAX_VALUE`.
        """
        self._check_shape(entry, max_rows)
        if self.datatype == "BYTES":
            return self._read_texts(entry, binary)
        array = self._read_numbers(entry, binary)
        if self.datatype == "FP32" and not (np.abs(array) <= MAX_VALUE).all():  # false for NaN
            expected = f"finite numbers from {-MAX_VALUE:g} to {MAX_VALUE:g}"
            raise self._error(expected, "other numbers", "Send valid inputs of the network.")
        return array.reshape(entry.shape)

    def _check_shape(self, entry: RequestInput, max_rows: int) -> None:
        if entry.datatype != self.datatype:
            found = sanitize(entry.datatype)
            raise self._error(f"datatype {self.datatype}", found, "Convert the tensor.")
        count, *rest = entry.shape or [0]
        if tuple(rest) != self.shape or not 1 <= count <= max_rows:
            dimensions = "".join(f", {length}" for length in self.shape)
            expected = f"shape [N{dimensions}], N from 1 to {max_rows}"
            raise self._error(expected, repr_short(entry.shape), "Send one row per image.")

    def _read_numbers(self, entry: RequestInput, binary: memoryview | None) -> NDArray[Any]:
        name, json_type = _TYPES[self.datatype]
        dtype, size = np.dtype(name), prod(entry.shape)
        if binary is not None:
            if len(binary) != size * dtype.itemsize:
                raise self._size_error(f"{size * dtype.itemsize} bytes", len(binary))
            return np.frombuffer(binary, dtype)
        # The shape bounds the list before it is built: all numbers but the first follow a comma.
        if entry.data is not msgspec.UNSET and (found := bytes(entry.data).count(b",") + 1) != size:
            raise self._size_error(f"{size} numbers", found)
        values = self._read_json(entry, json_type)
        try:
            array = np.array(values, dtype)
        except OverflowError:
            expected = f"numbers in the range of {self.datatype}"
            raise self._error(expected, "other numbers", "Send other numbers.") from None
        except ValueError:
            fix = "Send rows of equal length."
            raise self._error(f"data of shape {entry.shape}", "uneven rows", fix) from None
        if array.size != size:
            raise self._size_error(f"{size} numbers", array.size)
        return array

    def _read_texts(self, entry: RequestInput, binary: memoryview | None) -> list[str]:
        texts = self._read_json(entry, str) if binary is None else self._split_texts(binary)
        if len(texts) != entry.shape[0]:
            raise self._size_error(f"{entry.shape[0]} texts", len(texts))
        return texts

    def _split_texts(self, binary: memoryview) -> list[str]:
        """Return texts that each follow their length (uint32, little-endian)."""
        texts = []
        start = 0
        try:
            while start < len(binary):
                (length,) = struct.unpack_from("<I", binary, start)
                text = bytes(binary[start + 4 : start + 4 + length])
                if len(text) != length:
                    raise ValueError("a text longer than the remaining bytes")
                texts.append(text.decode())
                start += 4 + length
        except (struct.error, ValueError) as error:
            expected = "UTF-8 texts, each after its length in four bytes"
            found = sanitize(str(error), 100)
            raise self._error(expected, found, "Use the encoding of tritonclient.") from error
        return texts

    def _read_json(self, entry: RequestInput, json_type: type) -> list[Any]:
        """Return the values of `data`, a flat list or a list nested like the shape."""
        if entry.data is msgspec.UNSET:
            raise self._error("data", "none", "Send data, or binary_data_size and the bytes.")
        try:
            return _decoder(json_type, len(entry.shape)).decode(entry.data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            expected = f"a list of {self.datatype}, flat or nested like the shape"
            found = sanitize(str(error), 200)
            raise self._error(expected, found, "Send data of that form.") from error

    def _size_error(self, expected: str, found: int) -> RequestError:
        return self._error(f"{expected} for its shape", f"{found}", "Match the shape.")

    def _error(self, expected: str, found: str, fix: str) -> RequestError:
        return RequestError(f"inputs {self.name!r}", expected, found, fix)


_ALTERNATIVES = {
    "z": TensorSpec("seed", "UINT64", ()),
    "condition": TensorSpec("text", "BYTES", ()),
}
"""Inputs that clients may send instead of noise and condition vectors."""


class InferenceModel:
    """The inputs and outputs of a bundle under the protocol."""

    def __init__(self, name: str, generator: Generator) -> None:
        self.name = name
        self._generator = generator
        manifest = generator.manifest
        self.version = manifest.version
        graph = manifest.graph(GENERATE) or manifest.graph(TRANSLATE)
        self.inputs = tuple(_tensor_spec(t.name, t.shape) for t in graph.inputs) if graph else ()
        self.specs: dict[str, TensorSpec] = {}
        for spec in self.inputs:
            self.specs[spec.name] = spec
            if alternative := _ALTERNATIVES.get(spec.name):
                self.specs[alternative.name] = alternative

    def metadata(self) -> ModelMetadata:
        """Return the model metadata: the tensors of the graph."""
        image = self._generator.image
        return ModelMetadata(
            self.name,
            [self.version],
            "onnxruntime_onnx",
            [spec.metadata() for spec in self.inputs],
            [TensorMetadata(IMAGE_OUTPUT, "UINT8", [-1, *image.size, image.channels])],
        )

    def max_numbers(self, max_images: int) -> int:
        """Return how many numbers the inputs of at most `max_images` images have."""
        return max_images * sum(prod(spec.shape) for spec in self.specs.values())

    def prepare(self, parsed: ParsedRequest) -> EncodedRequest:
        """Return the generation request of a message, with default conditions for its texts.

        Raises `RequestError`.
        """
        arrays = {
            name: np.frombuffer(data, _TYPES[self.specs[name].datatype][0]).reshape(shape)
            for name, (shape, data) in parsed.tensors.items()
        }
        self._check_combination(arrays, parsed.texts)
        texts: list[ConditionRequest] | None = None
        if parsed.texts is not None:
            texts = [{}] * len(parsed.texts)
        if "image_in" in arrays:
            encoded = self._prepare_translation(arrays["image_in"])
        elif "z" in arrays:
            encoded = self._generator.prepare(texts, z=arrays["z"])
        else:
            encoded = self._generator.prepare(texts, seeds=arrays["seed"].tolist())
        condition = arrays.get("condition")
        return encoded if condition is None else replace(encoded, conditions=condition)

    def _prepare_translation(self, images: NDArray[np.float32]) -> EncodedRequest:
        # The generator takes uint8 images; these are floats and must keep their precision.
        vectors = self._generator.conditions.encode_many([{}] * len(images))
        return EncodedRequest(TRANSLATE, vectors, inputs=images)

    def _check_combination(self, arrays: Arrays, texts: list[str] | None) -> None:
        lengths = {name: len(array) for name, array in arrays.items()}
        if texts is not None:
            lengths["text"] = len(texts)
        for name, alternative in _ALTERNATIVES.items():
            if name in lengths and alternative.name in lengths:
                expected = f"{name} or {alternative.name}"
                raise RequestError("inputs", expected, "both", "Remove one of them.")
        first = self.inputs[0].name if self.inputs else ""
        names = [first, _ALTERNATIVES[first].name] if first in _ALTERNATIVES else [first]
        if not lengths.keys() & set(names):
            found = format_choices(lengths) or "none"
            fix = "Send it: images are generated from it."
            raise RequestError("inputs", " or ".join(names), found, fix)
        if len(set(lengths.values())) > 1:
            found = " and ".join(map(str, sorted(set(lengths.values()))))
            fix = "Send one row per image."
            raise RequestError("inputs", "the same number of rows in each input", found, fix)


def parse_request(
    body: bytes | bytearray,
    specs: Mapping[str, TensorSpec],
    json_length: str | None,
    max_images: int,
    max_numbers: int,
) -> ParsedRequest:
    """Return the request in a body, for at most `max_images` images with `max_numbers` numbers.

    `json_length` is the value of the length header. Raises `BodyError` or `RequestError`.
    """
    request, binaries = decode_message(body, json_length, max_numbers)
    _check_outputs(request)
    parsed = ParsedRequest(request, {}, None)
    for entry, binary in zip(request.inputs, binaries, strict=True):
        spec = specs.get(entry.name)
        if spec is None:
            expected, found = f"one of {format_choices(specs)}", f"'{sanitize(entry.name)}'"
            raise RequestError("inputs", expected, found, suggestion(entry.name, specs))
        if entry.name in parsed.tensors or (entry.name == "text" and parsed.texts is not None):
            raise RequestError("inputs", "each input once", f"{entry.name!r} twice", "Remove one.")
        values = spec.read(entry, binary, max_images)
        if isinstance(values, list):
            parsed.texts = values
        else:
            parsed.tensors[entry.name] = entry.shape, values.tobytes()
    request.inputs = []
    return parsed


def _tensor_spec(name: str, shape: tuple[int | str, ...]) -> TensorSpec:
    return TensorSpec(name, "FP32", tuple(int(length) for length in shape[1:]))


def _check_outputs(request: InferenceRequest) -> None:
    for output in request.outputs:
        if output.name != IMAGE_OUTPUT:
            expected, found = f"the output {IMAGE_OUTPUT!r}", f"'{sanitize(output.name)}'"
            raise RequestError("outputs", expected, found, "Request that output or none.")


@cache
def _decoder(json_type: type, rank: int) -> msgspec.json.Decoder[list[Any]]:
    """Return a decoder of lists that are nested up to `rank`."""
    kind: Any = json_type
    for _ in range(rank - 1):
        kind = json_type | list[kind]
    return msgspec.json.Decoder(list[kind])
