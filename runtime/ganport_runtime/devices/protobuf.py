"""As much of an ONNX file as shows whether it is one file, read without a protobuf package."""

from __future__ import annotations

from collections.abc import Iterator

# Field numbers of onnx.proto, by message: those under which other messages of interest lie.
_INNER = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_DEEPEST = 100  # messages inside messages; where protobuf itself ends
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIZES = {_FIXED64: 8, _FIXED32: 4}


def has_external_data(model: bytes) -> bool:
    """Whether any tensor of an ONNX file lies outside it.

    Raises `ValueError` for bytes that are no protobuf message.
    """
    return _reaches_out(memoryview(model), "model", _DEEPEST)


def _reaches_out(message: memoryview, kind: str, left: int) -> bool:
    if left == 0:
        raise ValueError(f"messages nested deeper than {_DEEPEST}")
    for number, value in _fields(message):
        if kind == "tensor" and number == _EXTERNAL_DATA:
            return True
        if kind == "tensor" and number == _DATA_LOCATION and value != 0:
            return True
        inner = _INNER[kind].get(number)
        if inner and isinstance(value, memoryview) and _reaches_out(value, inner, left - 1):
            return True
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The number of each field, and its bytes where it has some, else its value."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield tag >> 3, value
            continue
        size, at = _varint(message, at) if kind == _BYTES else (_SIZES.get(kind, -1), at)
        if size < 0 or at + size > len(message):
            raise ValueError(f"a field of kind {kind} that ends outside its message")
        yield tag >> 3, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for place in range(10):
        if at + place >= len(message):
            raise ValueError("a number that is cut off")
        byte = message[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError("a number of more than 64 bits")
