"""Tensors in safetensors files, read with NumPy alone and untrusted until checked.

The format: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

from collections.abc import Mapping
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
