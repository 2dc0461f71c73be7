"""Tensors of the protocol: of a message to numpy, of numpy to an answer."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ganport_runtime.errors import RequestError
from ganport_runtime.service.open_inference.messages import RequestInput
from ganport_runtime.values import repr_short, sanitize

MOST = 1e6
"""The largest number an input may hold: far beyond every use, and no network overflows of it."""
# By datatype: numpy's type of the bytes, and what the numbers are in JSON.
_TYPES: Mapping[str, tuple[str, type]] = {"FP32": ("<f4", float), "UINT64": ("<u8", int)}
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


@dataclass(frozen=True)
class Kind:
    """A tensor that may come in: `shape` is that of one picture, the batch stands before it."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """As model metadata has it: -1 for what may vary."""
        return {"name": self.name, "datatype": self.datatype, "shape": [-1, *self.shape]}

    def read(self, entry: RequestInput, binary: memoryview | None, most: int) -> NDArray[Any]:
        """The array (N, *shape), N from 1 to `most`: float32, uint64, or text as objects.

        Raises `RequestError` naming the input for another type or shape, and for numbers that are
        not finite or beyond `MOST`.
        """
        self._check(entry, most)
        if self.datatype == "BYTES":
            return self._texts(entry, binary)
        array = self._numbers(entry, binary)
        if self.datatype == "FP32" and not (np.abs(array) <= MOST).all():  # false for NaN too
            expected = f"finite numbers from {-MOST:g} to {MOST:g}"
            raise self.refuse(expected, "others", "Send what the network takes.")
        return array.reshape(entry.shape)

    def refuse(self, expected: str, found: str, fix: str) -> RequestError:
        return RequestError(f"inputs {self.name!r}", expected=expected, found=found, fix=fix)

    def _check(self, entry: RequestInput, most: int) -> None:
        if entry.datatype != self.datatype:
            found = sanitize(entry.datatype)
            raise self.refuse(f"datatype {self.datatype}", found, "Convert it first.")
        count, *rest = entry.shape or [0]
        if tuple(rest) != self.shape or not 1 <= count <= most:
            expected = f"shape [N{''.join(f', {n}' for n in self.shape)}], N from 1 to {most}"
            raise self.refuse(expected, repr_short(entry.shape), "Send one row for each picture.")

    def _numbers(self, entry: RequestInput, binary: memoryview | None) -> NDArray[Any]:
        dtype, of = _TYPES[self.datatype]
        size = prod(entry.shape)
        if binary is None:
            values = self._flat(entry, of)
            try:
                array = np.array(values, dtype)
            except OverflowError:
                expected = f"numbers that {self.datatype} holds"
                raise self.refuse(expected, "others", "Send other numbers.") from None
            found, expected = f"{array.size}", f"{size} numbers, as its shape says"
        else:
            whole = len(binary) == size * np.dtype(dtype).itemsize
            array = np.frombuffer(binary, dtype) if whole else np.empty(0, dtype)
            found, expected = f"{len(binary)}", f"{size * np.dtype(dtype).itemsize} bytes"
        if array.size != size:
            raise self.refuse(expected, found, "Send as many as the shape says.")
        return array

    def _texts(self, entry: RequestInput, binary: memoryview | None) -> NDArray[Any]:
        texts = self._flat(entry, str) if binary is None else self._split(binary)
        if len(texts) != entry.shape[0]:
            expected = f"{entry.shape[0]} texts, as its shape says"
            raise self.refuse(expected, f"{len(texts)}", "Send as many as the shape says.")
        return np.array(texts, object)

    def _split(self, binary: memoryview) -> list[str]:
        """Texts that each follow their length, four bytes with the lowest first."""
        texts = []
        start = 0
        try:
            while start < len(binary):
                (length,) = struct.unpack_from("<I", binary, start)
                text = bytes(binary[start + 4 : start + 4 + length])
                if len(text) != length:
                    raise ValueError("a text longer than the rest")
                texts.append(text.decode())
                start += 4 + length
        except (struct.error, ValueError) as error:
            expected = "texts in UTF-8, each after its length in four bytes"
            found = sanitize(str(error), 100)
            raise self.refuse(expected, found, "Write it as tritonclient does.") from error
        return texts

    def _flat(self, entry: RequestInput, of: type) -> list[Any]:
        """The values of `data`, a flat list or lists in lists as the shape has them."""
        if entry.data is msgspec.UNSET:
            raise self.refuse("data", "none", "Send data, or binary_data_size and the bytes.")
        raw = bytes(entry.data)
        nested: Any = of
        for _ in entry.shape:
            nested = list[nested]
        try:
            values: list[Any] = _decoder(list[of]).decode(raw)  # type: ignore[valid-type]
            return values
        except msgspec.DecodeError:
            pass
        try:
            values = _decoder(nested).decode(raw)
        except (msgspec.DecodeError, RecursionError) as error:
            expected = f"a list of {self.datatype}, flat or nested as its shape"
            found = sanitize(str(error), 200)
            raise self.refuse(expected, found, "Send data of that form.") from error
        return self._unnested(values, entry.shape)

    def _unnested(self, values: list[Any], shape: list[int]) -> list[Any]:
        for length in shape[1:]:
            if any(len(row) != length for row in values):
                fix = "Give every row the same length."
                raise self.refuse(f"data of shape {shape}", "rows of other lengths", fix)
            values = [value for row in values for value in row]
        return values


def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    """One decoder of each type; there are as many types as ranks of tensors."""
    if kind not in _decoders:
        _decoders[kind] = msgspec.json.Decoder(kind)
    return _decoders[kind]
