"""Reader of protobuf messages, untrusted until checked.

The format: https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

MAX_FIELDS = 2**19
"""Fields that a message may have, with those of the messages inside it."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIZES = {_FIXED64: 8, _FIXED32: 4}
_MAX_TAG_BYTES = 5  # parsers drop the bits beyond 32
_Part = int | bytes | memoryview
"""A varint, a number of fixed width (`bytes`), or anything with a length (`memoryview`)."""


class Message:
    """A message as values by field number; fields of equal number are merged as protobuf merges.

    Protobuf ignores a value of another wire type than its field. Here every method raises
    `ValueError` for it, and the constructor for bytes that are not a message or have more than
    `MAX_FIELDS` fields.
    """

    __slots__ = ("_budget", "_values")

    def __init__(self, *parts: memoryview, budget: list[int] | None = None) -> None:
        self._budget = [MAX_FIELDS] if budget is None else budget
        self._values: dict[int, list[_Part]] = {}
        for part in parts:
            for number, value in _fields(part):
                self._spend(1)
                self._values.setdefault(number, []).append(value)

    def __contains__(self, number: int) -> bool:
        return number in self._values

    def messages(self, number: int) -> list[Message]:
        """Return the messages of a repeated field."""
        return [Message(part, budget=self._budget) for part in self._parts(number)]

    def message(self, number: int) -> Message:
        """Return the message of a single field; it is empty if the field is absent."""
        return Message(*self._parts(number), budget=self._budget)

    def texts(self, number: int) -> list[str]:
        """Return the UTF-8 texts of a repeated field."""
        try:
            return [bytes(part).decode() for part in self._parts(number)]
        except UnicodeDecodeError:
            raise ValueError("a text that is not UTF-8") from None

    def text(self, number: int) -> str:
        """Return the text of a single field, "" by default."""
        return (self.texts(number) or [""])[-1]

    def integers(self, number: int) -> list[int]:
        """Return the int64 numbers of a repeated field, packed or not."""
        numbers: list[int] = []
        for value in self._values.get(number, ()):
            if isinstance(value, int):
                numbers.append(value)
            elif isinstance(value, bytes):
                raise _other_type(number)
            else:
                self._spend(len(value))
                numbers += _packed_varints(value)
        return [_signed(number) for number in numbers]

    def integer(self, number: int, default: int = 0) -> int:
        """Return the int64 number of a single field."""
        values = self._values.get(number, [default])
        numbers = [value for value in values if isinstance(value, int)]
        if len(numbers) != len(values):
            raise _other_type(number)
        return _signed(numbers[-1])

    def floats(self, number: int) -> list[float]:
        """Return the float32 numbers of a repeated field, packed or not."""
        data = b"".join(self._float_parts(number))
        self._spend(len(data) // 4)
        return list(struct.unpack(f"<{len(data) // 4}f", data))

    def data(self, number: int) -> bytes:
        """Return the bytes of a single field, b"" by default."""
        return bytes((self._parts(number) or [memoryview(b"")])[-1])

    def _float_parts(self, number: int) -> Iterator[bytes | memoryview]:
        for value in self._values.get(number, ()):
            if (
                isinstance(value, int)
                or len(value) % 4
                or (isinstance(value, bytes) and len(value) > 4)
            ):
                raise _other_type(number)
            yield value

    def _parts(self, number: int) -> list[memoryview]:
        values = self._values.get(number, ())
        parts = [value for value in values if isinstance(value, memoryview)]
        if len(parts) != len(values):
            raise _other_type(number)
        return parts

    def _spend(self, fields: int) -> None:
        self._budget[0] -= fields
        if self._budget[0] < 0:
            raise ValueError(f"more than {MAX_FIELDS:,} fields")


def _other_type(number: int) -> ValueError:
    return ValueError(f"another type in field {number}")


def _packed_varints(message: memoryview) -> list[int]:
    numbers, position = [], 0
    while position < len(message):
        value, position = _varint(message, position)
        numbers.append(value)
    return numbers


def _fields(message: memoryview) -> Iterator[tuple[int, _Part]]:
    """Yield the number of each field with its bytes, or its value where it is a varint."""
    position, end = 0, len(message)
    while position < end:
        start = position
        tag, position = _varint(message, position)
        if tag >= 2**32 or position - start > _MAX_TAG_BYTES:
            raise ValueError("a field number of more than 32 bits")
        wire_type = tag & 7
        if wire_type == _VARINT:
            number, position = _varint(message, position)
            yield tag >> 3, number
            continue
        if wire_type == _BYTES:
            size, position = _varint(message, position)
        else:
            size = _SIZES.get(wire_type, -1)
        if size < 0 or position + size > end:
            raise ValueError(f"a field of wire type {wire_type} that ends outside its message")
        value = message[position : position + size]
        yield tag >> 3, value if wire_type == _BYTES else bytes(value)
        position += size


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """Return the varint at `position` and the position after it."""
    if position < len(message) and (value := message[position]) < 0x80:  # most of them, and faster
        return value, position + 1
    value = 0
    for index in range(10):
        if position + index >= len(message):
            raise ValueError("a truncated number")
        byte = message[position + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value & 2**64 - 1, position + index + 1
    raise ValueError("a number of more than 64 bits")
