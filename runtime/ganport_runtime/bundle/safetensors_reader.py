"""Tensors in safetensors files, read with numpy alone: hostile until checked.

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
_PREFIX = 8  # bytes that hold the length of the header
_MOST = 2**48
_MAX_NAME = 300


@dataclass(frozen=True)
class _Entry:
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    start: int
    stop: int


def read_tensors(data: bytes, place: str) -> dict[str, NDArray[Any]]:
    """The float32 and uint8 tensors of a safetensors file by name, in the order of their bytes.

    Raises `BundleError` for other dtypes, for a header that is not as the format has it, and
    unless the tensors fill the rest of the file end to end.
    """
    start = _PREFIX + int.from_bytes(data[:_PREFIX], "little")
    if len(data) < _PREFIX or start > len(data):
        raise _bad(place, "a header inside the file", f"{len(data)} bytes")
    header = parse(data[_PREFIX:start], place)
    if not isinstance(header, dict):
        raise _bad(place, "a header that is a JSON object", repr_short(header))
    body = memoryview(data)[start:]
    return {
        name: _tensor(body, entry) for name, entry in _laid_out(header, len(body), place).items()
    }


def _laid_out(header: Mapping[str, object], length: int, place: str) -> dict[str, _Entry]:
    """The entries in the order of their bytes, which have no holes and do not overlap."""
    entries = {
        name: _entry(value, f"{place}: {sanitize(name)}")
        for name, value in header.items()
        if name != "__metadata__"
    }
    if any(not name.isprintable() or len(name) > _MAX_NAME for name in entries):
        raise _bad(place, f"printable names of at most {_MAX_NAME} characters", "another name")
    ordered = dict(sorted(entries.items(), key=lambda item: (item[1].start, item[1].stop)))
    end = 0
    for name, entry in ordered.items():
        if entry.start != end:
            raise _bad(f"{place}: {name}", f"bytes from {end} on", f"from {entry.start} on")
        end = entry.stop
    if end != length:
        raise _bad(place, f"tensors of {length} bytes in all", f"{end} bytes")
    return ordered


def _entry(value: object, place: str) -> _Entry:
    fields = JsonObject(value, place)
    dtype = _DTYPES[fields.one_of("dtype", tuple(_DTYPES))]
    shape = tuple(check_integer(n, place, 0, _MOST) for n in fields.items("shape", limit=8))
    offsets = [check_integer(n, place, 0, _MOST) for n in fields.items("data_offsets", limit=2)]
    size = prod(shape) * dtype.itemsize
    if len(offsets) != 2 or offsets[1] - offsets[0] != size:
        raise _bad(place, f"data_offsets {size} bytes apart", repr_short(offsets))
    return _Entry(dtype, shape, offsets[0], offsets[1])


def _tensor(body: memoryview, entry: _Entry) -> NDArray[Any]:
    # A copy in the machine's own order of bytes: those of the file may lie at odd places.
    flat = np.frombuffer(body[entry.start : entry.stop], entry.dtype)
    return flat.astype(entry.dtype.newbyteorder("=")).reshape(entry.shape)


def _bad(place: str, expected: str, found: str) -> BundleError:
    fix = "The file is damaged or no safetensors file: copy or export the bundle again."
    return BundleError(place, expected=expected, found=found, fix=fix)
