"""Which shared libraries a shared library needs, read from its ELF header, and which are absent."""

from __future__ import annotations

import ctypes
import re
import struct
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

_LOAD, _DYNAMIC = 1, 2
_NEEDED, _STRINGS = 1, 5


def provider(name: str) -> Path | None:
    """The file of an execution provider ("cuda", "tensorrt") of the installed onnxruntime."""
    spec = find_spec("onnxruntime")
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / "capi" / f"libonnxruntime_providers_{name}.so"
        if path.is_file():
            return path
    return None


def needed(path: Path) -> tuple[str, ...]:
    """The names of the libraries that the loader will look for, in the file's order.

    Empty for what is no 64-bit little-endian ELF file. Source: System V ABI, Dynamic Linking.
    """
    try:
        with path.open("rb") as file:
            return _needed(file)
    except (OSError, struct.error, ValueError):
        return ()


def missing(path: Path) -> tuple[str, ...]:
    """Those of the libraries needed that cannot be loaded here."""
    return tuple(name for name in needed(path) if not _loads(name))


def cuda_major(path: Path) -> int | None:
    """The major version of CUDA that a library was linked against: 13 for libcudart.so.13."""
    for name in needed(path):
        if found := re.fullmatch(r"libcu(?:dart|blas|blasLt)\.so\.(\d+)(?:\..*)?", name):
            return int(found[1])
    return None


def _needed(file: BinaryIO) -> tuple[str, ...]:
    header = file.read(64)
    if header[:6] != b"\x7fELF\x02\x01":
        return ()
    (start,) = struct.unpack_from("<Q", header, 32)
    size, count = struct.unpack_from("<HH", header, 54)
    file.seek(start)
    table = file.read(size * count)
    # Of each segment: type, (flags,) offset in the file, address, (address,) size in the file.
    segments = [struct.unpack_from("<I4xQQ8xQ", table, i * size) for i in range(count)]
    _, offset, _, length = next(part for part in segments if part[0] == _DYNAMIC)
    file.seek(offset)
    entries = list(struct.iter_unpack("<QQ", file.read(length)))
    address = next(value for tag, value in entries if tag == _STRINGS)
    strings = next(
        address - begin + offset
        for kind, offset, begin, length in segments
        if kind == _LOAD and begin <= address < begin + length
    )
    return tuple(_text(file, strings + value) for tag, value in entries if tag == _NEEDED)


def _text(file: BinaryIO, position: int) -> str:
    file.seek(position)
    return file.read(256).partition(b"\0")[0].decode("ascii")


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
