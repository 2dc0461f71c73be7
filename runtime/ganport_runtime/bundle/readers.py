"""Readers of the files of a bundle, untrusted until checked: safetensors and ONNX.

They need only NumPy. The formats: https://github.com/huggingface/safetensors#format and
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (the field numbers).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.errors import BundleError
from ganport_runtime.strictjson import JsonObject, check_integer, parse
from ganport_runtime.values import repr_short, sanitize

_DTYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "U8": np.dtype("u1")}
_LENGTH_BYTES = 8  # the file starts with the length of the header
_MAX_NUMBER = 2**48
_MAX_NAME = 300


@dataclass(frozen=True)
class _Entry:
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    start: int
    stop: int


def read_tensors(data: bytes, place: str) -> dict[str, NDArray[Any]]:
    """Return the float32 and uint8 tensors of a safetensors file by name, in byte order.

    Raises `BundleError` for other dtypes, for a header that violates the format, and unless the
    tensors fill the rest of the file without gaps.
    """
    start = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "little")
    if len(data) < _LENGTH_BYTES or start > len(data):
        raise BundleError(place, "a header inside the file", f"{len(data)} bytes")
    header = parse(data[_LENGTH_BYTES:start], place)
    if not isinstance(header, dict):
        raise BundleError(place, "a header that is a JSON object", repr_short(header))
    body = memoryview(data)[start:]
    entries = _read_entries(header, len(body), place)
    return {name: _read_tensor(body, entry) for name, entry in entries.items()}


def _read_entries(header: Mapping[str, object], length: int, place: str) -> dict[str, _Entry]:
    """Return the entries in byte order, without gaps or overlaps."""
    entries = {
        name: _read_entry(value, f"{place}: {sanitize(name)}")
        for name, value in header.items()
        if name != "__metadata__"
    }
    if any(not name.isprintable() or len(name) > _MAX_NAME for name in entries):
        expected = f"printable names of at most {_MAX_NAME} characters"
        raise BundleError(place, expected, "another name")
    ordered = dict(sorted(entries.items(), key=lambda item: (item[1].start, item[1].stop)))
    end = 0
    for name, entry in ordered.items():
        if entry.start != end:
            raise BundleError(f"{place}: {name}", f"bytes from {end}", f"from {entry.start}")
        end = entry.stop
    if end != length:
        raise BundleError(place, f"tensors of {length} bytes in total", f"{end} bytes")
    return ordered


def _read_entry(value: object, place: str) -> _Entry:
    fields = JsonObject(value, place)
    dtype = _DTYPES[fields.one_of("dtype", tuple(_DTYPES))]
    shape, offsets = (
        [check_integer(n, place, 0, _MAX_NUMBER) for n in fields.items(key, limit=limit)]
        for key, limit in (("shape", 8), ("data_offsets", 2))
    )
    size = prod(shape) * dtype.itemsize
    if len(offsets) != 2 or offsets[1] - offsets[0] != size:
        raise BundleError(place, f"data_offsets {size} bytes apart", repr_short(offsets))
    return _Entry(dtype, tuple(shape), offsets[0], offsets[1])


def _read_tensor(body: memoryview, entry: _Entry) -> NDArray[Any]:
    # Copies into aligned memory of native byte order.
    flat = np.frombuffer(body[entry.start : entry.stop], entry.dtype)
    return flat.astype(entry.dtype.newbyteorder("=")).reshape(entry.shape)


# Fields that hold messages with tensors in them, by message type.
_CHILDREN = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_METADATA_PROPS = 14  # of a model; each entry has its key in field 1, its value in field 2
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # of a tensor
_MAX_DEPTH = 100  # the limit of protobuf itself
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIZES = {_FIXED64: 8, _FIXED32: 4}


def read_onnx_metadata(model: bytes) -> dict[str, str]:
    """Return the `metadata_props` of an ONNX file.

    Raises `ValueError` for bytes that are not a protobuf message.
    """
    metadata: dict[str, str] = {}
    for number, value in _fields(memoryview(model)):
        if number == _METADATA_PROPS and isinstance(value, memoryview):
            entry = {n: bytes(v).decode() for n, v in _fields(value) if isinstance(v, memoryview)}
            metadata[entry.get(1, "")] = entry.get(2, "")
    return metadata


def has_external_data(model: bytes) -> bool:
    """Return whether any tensor of an ONNX file is stored outside the file.

    Raises `ValueError` for bytes that are not a protobuf message.
    """
    return _has_external_tensor(memoryview(model), "model", _MAX_DEPTH)


def _has_external_tensor(message: memoryview, kind: str, depth_left: int) -> bool:
    if depth_left == 0:
        raise ValueError(f"messages nested deeper than {_MAX_DEPTH}")
    for number, value in _fields(message):
        if kind == "tensor" and number == _EXTERNAL_DATA:
            return True
        if kind == "tensor" and number == _DATA_LOCATION and value != 0:
            return True
        child = _CHILDREN[kind].get(number)
        if not child or not isinstance(value, memoryview):
            continue
        if _has_external_tensor(value, child, depth_left - 1):
            return True
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the number of each field with its bytes, or its value where it is a varint."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        wire_type = tag & 7
        if wire_type == _VARINT:
            value, position = _varint(message, position)
            yield tag >> 3, value
            continue
        if wire_type == _BYTES:
            size, position = _varint(message, position)
        else:
            size = _SIZES.get(wire_type, -1)
        if size < 0 or position + size > len(message):
            raise ValueError(f"a field of wire type {wire_type} that ends outside its message")
        yield tag >> 3, message[position : position + size]
        position += size


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """Return the varint at `position` and the position after it."""
    value = 0
    for index in range(10):
        if position + index >= len(message):
            raise ValueError("a truncated number")
        byte = message[position + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, position + index + 1
    raise ValueError("a number of more than 64 bits")
