"""Messages of the Open Inference Protocol, version 2: JSON objects and binary tensors.

Source: https://github.com/kserve/open-inference-protocol, with Triton's extension for binary
tensor data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from ganport_runtime.errors import RequestError
from ganport_runtime.service.bodies import too_large_error
from ganport_runtime.service.outputs import ResponseBody
from ganport_runtime.service.requests import check_elements, check_names
from ganport_runtime.service.responses import BodyError
from ganport_runtime.service.settings import MAX_JSON_BYTES, MAX_JSON_ELEMENTS
from ganport_runtime.values import repr_short, sanitize

LENGTH_HEADER = "inference-header-content-length"
"""The header with the number of JSON bytes at the start of a body; tensors follow them."""
IMAGE_OUTPUT = "image"
_MAX_DIGITS = 10
_MAX_OBJECTS = 1024
_JSON_CHUNK = 1 << 16
"""Values that are encoded at a time; the interpreter lock is free in between."""
Parameters = dict[str, str | int | float | bool | None]


class RequestInput(msgspec.Struct):
    """An input tensor: `data` in the JSON, or `binary_data_size` bytes after it."""

    name: str
    shape: list[int]
    datatype: str
    parameters: Parameters = {}
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class RequestOutput(msgspec.Struct):
    """A requested output tensor; the parameter `binary_data` places it after the JSON."""

    name: str
    parameters: Parameters = {}


class InferenceRequest(msgspec.Struct):
    """The JSON object of a request."""

    inputs: list[RequestInput]
    id: str = ""
    parameters: Parameters = {}
    outputs: list[RequestOutput] = []

    def is_binary(self, name: str) -> bool:
        """Return whether the output of that name must follow the JSON."""
        default = self.parameters.get("binary_data_output") is True
        for output in self.outputs:
            if output.name == name:
                return output.parameters.get("binary_data", default) is True
        return default


class TensorMetadata(msgspec.Struct):
    """A tensor of a model; -1 is a dimension of any length."""

    name: str
    datatype: str
    shape: list[int]


class OutputTensor(TensorMetadata, kw_only=True):
    """A tensor of a response: `data`, or the size of the bytes after the JSON."""

    data: list[int] | msgspec.UnsetType = msgspec.UNSET
    parameters: Parameters | msgspec.UnsetType = msgspec.UNSET


class InferenceResponse(msgspec.Struct):
    """The JSON object of a response; `id` is that of the request."""

    model_name: str
    model_version: str
    outputs: list[OutputTensor]
    id: str | msgspec.UnsetType = msgspec.UNSET


class ServerMetadata(msgspec.Struct):
    """The server and its protocol extensions."""

    name: str
    version: str
    extensions: list[str]


class ModelMetadata(msgspec.Struct):
    """A model and its tensors."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class Live(msgspec.Struct):
    """The health of the server."""

    live: bool


class Ready(msgspec.Struct):
    """The readiness of the server."""

    ready: bool


class ModelReady(msgspec.Struct):
    """The readiness of a model."""

    name: str
    ready: bool


_decoder = msgspec.json.Decoder(InferenceRequest)
_encode = msgspec.json.Encoder().encode


def decode_message(
    body: bytes | bytearray, json_length: str | None, max_numbers: int
) -> tuple[InferenceRequest, list[memoryview | None]]:
    """Return the request in a body and, per input, the bytes after the JSON or None.

    `json_length` is the value of the length header. Raises `BodyError` if the body is not a request
    of the protocol, and `RequestError` if its JSON has too many values: those of tensors with
    `max_numbers` numbers and those of other fields.
    """
    view = memoryview(body)
    header = body if json_length is None else body[: _parse_length(json_length, len(body))]
    check_elements(header, max_numbers + MAX_JSON_ELEMENTS)
    if header.count(b"{") > _MAX_OBJECTS:
        fix = "Send each tensor once."
        raise RequestError("body", f"at most {_MAX_OBJECTS} JSON objects", "more", fix)
    try:
        request = _decoder.decode(header)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        found = sanitize(str(error), 200) or "too deep nesting"
        fix = "Follow the Open Inference Protocol."
        raise BodyError("body", "a JSON inference request", found, fix) from error
    data = [entry.data for entry in request.inputs if entry.data is not msgspec.UNSET]
    parts, start = [], 0
    for values in data:  # lists without names, which take long to parse
        end = header.index(values, start)
        parts.append(header[start:end])
        start = end + len(memoryview(values))
    rest = b"0".join([*parts, header[start:]])
    check_names(rest)
    if len(rest) > MAX_JSON_BYTES:
        raise too_large_error(MAX_JSON_BYTES)
    return request, _split_binaries(request.inputs, view[len(header) :])


def encode_response(
    request: InferenceRequest, name: str, version: str, images: NDArray[np.uint8]
) -> ResponseBody:
    """Return the response of model `name` with images, uint8 (N, H, W, C), as JSON or binary."""
    output = OutputTensor(IMAGE_OUTPUT, "UINT8", list(images.shape))
    response = InferenceResponse(name, version, [output], request.id or msgspec.UNSET)
    if not request.is_binary(IMAGE_OUTPUT):
        values = b",".join(_encode_values(images.ravel()))
        output.data = msgspec.Raw(b"[%b]" % values)  # type: ignore[assignment]  # as encoded
        return ResponseBody(_encode(response), "application/json")
    output.parameters = {"binary_data_size": images.nbytes}
    header = _encode(response)
    length = ((LENGTH_HEADER, str(len(header))),)
    return ResponseBody(b"".join((header, images.data)), "application/octet-stream", length)


def _encode_values(values: NDArray[np.uint8]) -> Iterator[bytes]:
    for start in range(0, len(values), _JSON_CHUNK):
        yield _encode(values[start : start + _JSON_CHUNK].tolist())[1:-1]


def _parse_length(text: str, maximum: int) -> int:
    if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS and int(text) <= maximum:
        return int(text)
    raise BodyError(
        "Inference-Header-Content-Length",
        expected=f"a number from 0 to {maximum}, the size of the body",
        found=repr_short(text),
        fix="Send the number of JSON bytes at the start of the body.",
    )


def _split_binaries(inputs: Sequence[RequestInput], rest: memoryview) -> list[memoryview | None]:
    fix = "Send binary_data_size for each binary input, in the order of the inputs."
    parts: list[memoryview | None] = []
    start = 0
    for entry in inputs:
        size = entry.parameters.get("binary_data_size")
        if size is None:
            parts.append(None)
            continue
        remaining = len(rest) - start
        if type(size) is not int or not 0 <= size <= remaining:
            place = f"inputs '{sanitize(entry.name)}': binary_data_size"
            expected = f"at most the remaining {remaining} bytes"
            raise BodyError(place, expected, repr_short(size), fix)
        parts.append(rest[start : start + size])
        start += size
    if start != len(rest):
        found = f"{len(rest) - start} bytes more"
        raise BodyError("body", "the number of bytes that its inputs name", found, fix)
    return parts
