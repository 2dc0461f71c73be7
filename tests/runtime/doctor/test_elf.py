import struct
import sys
from pathlib import Path

import pytest

from ganport_runtime.doctor import elf


def shared_library(path: Path, *needed: str) -> Path:
    """An ELF file that is nothing but its header, two segments and the names it needs."""
    strings = b"\0" + b"".join(name.encode() + b"\0" for name in needed)
    places = [strings.index(b"\0" + name.encode() + b"\0") + 1 for name in needed]
    base, dynamic = 0x1000, 64 + 2 * 56
    entries = [(1, place) for place in places]
    start = dynamic + 16 * (len(entries) + 2)
    table = b"".join(struct.pack("<QQ", *entry) for entry in [*entries, (5, base + start), (0, 0)])
    size = start + len(strings)
    header = b"\x7fELF\x02\x01\x01".ljust(32, b"\0") + struct.pack("<Q", 64)
    header = header.ljust(54, b"\0") + struct.pack("<HH", 56, 2)
    load = struct.pack("<IIQQQQQQ", 1, 4, 0, base, base, size, size, 4096)
    moving = struct.pack("<IIQQQQQQ", 2, 4, dynamic, base + dynamic, 0, len(table), len(table), 8)
    path.write_bytes(header.ljust(64, b"\0") + load + moving + table + strings)
    return path


def test_the_names_a_library_needs(tmp_path: Path) -> None:
    path = shared_library(tmp_path / "lib.so", "libcublasLt.so.13", "libcudnn.so.9", "libc.so.6")
    assert elf.needed(path) == ("libcublasLt.so.13", "libcudnn.so.9", "libc.so.6")
    assert elf.cuda_major(path) == 13


@pytest.mark.skipif(sys.platform != "linux", reason="the names of Linux")
def test_the_names_that_are_missing(tmp_path: Path) -> None:
    path = shared_library(tmp_path / "lib.so", "libc.so.6", "libnosuchthing.so.7")
    assert elf.missing(path) == ("libnosuchthing.so.7",)
    assert elf.cuda_major(path) is None


@pytest.mark.skipif(sys.platform != "linux", reason="ELF is of Linux")
def test_a_real_library() -> None:
    import _ctypes

    assert "libc.so.6" in elf.needed(Path(_ctypes.__file__))
    assert elf.missing(Path(_ctypes.__file__)) == ()


@pytest.mark.parametrize("kept", [0, 5, 63, 100, 200, 260])
def test_a_damaged_file_needs_nothing_or_part(tmp_path: Path, kept: int) -> None:
    path = shared_library(tmp_path / "lib.so", "libcudnn.so.9")
    path.write_bytes(path.read_bytes()[:kept])
    assert set(elf.needed(path)) <= {"libcudnn.so.9", ""}


def test_what_is_no_library(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("MZ" * 100)
    assert elf.needed(tmp_path / "text") == ()
    assert elf.needed(tmp_path / "absent") == ()


def test_the_provider_of_an_engine_that_is_not_there() -> None:
    assert elf.provider("nosuch") is None
