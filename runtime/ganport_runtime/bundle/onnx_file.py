"""The parts of an ONNX file that can be read without a protobuf or ONNX package.

Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

from collections.abc import Iterator

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
