"""Zipped bundles whose members lie, reach out, or are not what they say."""

import stat
import struct
import time
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganport_runtime.bundle import Bundle
from ganport_runtime.errors import BundleError


def write_zip(path: Path, members: dict[str, bytes] | list[tuple[Any, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items() if isinstance(members, dict) else members:
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("name", ["../manifest.json", "/manifest.json", "a/b", "a\\b", "C:a", ".."])
def test_zip_member_outside_the_bundle_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BundleError, match="plain file names"):
        Bundle.open(write_zip(tmp_path / "x.ganport", {name: b"{}"}))


def test_zip_member_name_with_null_byte_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.ganport", {"manifest.jsonXevil": b"{}"})
    path.write_bytes(path.read_bytes().replace(b"manifest.jsonX", b"manifest.json\0"))
    with pytest.raises(BundleError, match="plain file names"):
        Bundle.open(path)


def test_zip_bomb_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "x.ganport"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", b"\0" * 50_000_000)
    with pytest.raises(BundleError, match=r"a stored member \(zip -0\); found a compressed one"):
        Bundle.open(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicate_zip_member_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.ganport", [("manifest.json", b"{}"), ("manifest.json", b"[]")])
    with pytest.raises(BundleError, match=r"each member once; found manifest\.json twice"):
        Bundle.open(path)


def test_link_in_zip_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("manifest.json")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(BundleError, match="a regular file; found a link"):
        Bundle.open(write_zip(tmp_path / "x.ganport", [(info, b"/etc/passwd")]))


def patched(path: Path, signature: bytes, offset: int, value: bytes) -> Path:
    """Return the zip with bytes replaced in its first header of that signature."""
    data = bytearray(path.read_bytes())
    start = data.index(signature) + offset
    data[start : start + len(value)] = value
    path.write_bytes(bytes(data))
    return path


def test_encrypted_zip_member_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.ganport", {"manifest.json": b"{}"})
    with pytest.raises(BundleError, match="without a password; found an encrypted one"):
        Bundle.open(patched(path, b"PK\x01\x02", 8, b"\x01\x00"))


def test_zip_member_of_a_newer_zip_version_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.ganport", {"manifest.json": b"{}"})
    with pytest.raises(BundleError, match=r"zip file version 9\.9"):
        Bundle.open(patched(path, b"PK\x01\x02", 6, b"\x63"))


def test_zip_member_with_too_large_size_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.ganport", {"manifest.json": b"{}"})
    huge = struct.pack("<II", 2**31, 2**31)
    with pytest.raises(BundleError, match="members within the zip"):
        Bundle.open(patched(path, b"PK\x01\x02", 20, huge))


def test_changed_zip_member_is_refused(tiny: Any) -> None:
    path = patched(tiny.zipped(), b'{"batch"', 2, b"B")
    with pytest.raises(BundleError, match="Bad CRC-32"):
        Bundle.open(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.integers(0, 11_000), st.binary(min_size=1, max_size=8))
def test_zip_with_changed_bytes_is_a_bundle_or_a_bundle_error(
    tiny: Any, position: int, noise: bytes
) -> None:
    data = bytearray(tiny.zipped().read_bytes())
    position %= len(data)
    data[position : position + len(noise)] = noise
    path = tiny.path.with_name("changed.ganport")
    path.write_bytes(bytes(data))
    try:
        bundle = Bundle.open(path)
        for name in bundle.manifest.files:
            bundle.read(name)
    except BundleError:
        pass


def test_zip_with_too_many_members_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.ganport", {f"f{i}": b"" for i in range(1100)})
    with pytest.raises(BundleError, match="at most 1026 files; found 1100"):
        Bundle.open(path)


def end_record(count: int, length: int, start: int) -> bytes:
    return struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, length, start, 0)


def test_zip_directory_of_many_empty_members_is_refused_unread(tmp_path: Path) -> None:
    """A directory of 100 MB whose end record counts, or hides, a million members."""
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", *[0] * 9, 50, *[0] * 6) + b"n" * 50
    path = tmp_path / "x.ganport"
    for count in (2**16 - 1, 3):
        body = entry * 1_000_000
        path.write_bytes(body + end_record(count, len(body), 0))
        started = time.process_time()
        with pytest.raises(BundleError, match="at most 1026 files"):
            Bundle.open(path)
        assert time.process_time() - started < 1


def test_zip_with_another_directory_or_a_comment_is_refused(tiny: Any) -> None:
    data = tiny.zipped().read_bytes()
    path = tiny.path.with_name("changed.ganport")
    for changed in (b"prefix" + data, data + b"suffix", data[:-2] + b"\2\0no"):
        path.write_bytes(changed)
        with pytest.raises(BundleError, match="a bundle folder or a stored zip"):
            Bundle.open(path)


def test_zip_with_64_bit_records_is_read(tiny: Any) -> None:
    data = tiny.zipped().read_bytes()
    *_, count, length, start, _ = struct.unpack("<4s4H2LH", data[-22:])
    end = len(data) - 22
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, length, start)
    path = tiny.path.with_name("changed.ganport")
    for place in (end, end + 1):
        locator = struct.pack("<4sLQL", b"PK\6\7", 0, place, 1)
        path.write_bytes(
            data[:end] + record + locator + end_record(2**16 - 1, 2**32 - 1, 2**32 - 1)
        )
        if place == end:
            assert Bundle.open(path).names()
        else:  # a reader that follows the locator would find another directory
            with pytest.raises(BundleError, match="not at the end"):
                Bundle.open(path)


def test_sparse_file_is_hashed_in_parts(tiny: Any) -> None:
    with (tiny.path / "MODEL_CARD.md").open("wb") as file:
        file.truncate(2**28)
    entry = {"size": 2**28, "sha256": "0" * 64}
    tiny.edit(lambda manifest: manifest["files"].update({"MODEL_CARD.md": entry}))
    bundle = Bundle.open(tiny.path)
    tracemalloc.start()
    with pytest.raises(BundleError, match=f"SHA-256 {'0' * 64}"):
        bundle.check_digest("MODEL_CARD.md")
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


def test_file_of_more_than_2_gib_is_not_loaded(tiny: Any) -> None:
    entry = {"size": 3 * 2**30, "sha256": "0" * 64}
    tiny.edit(lambda manifest: manifest["files"].update({"MODEL_CARD.md": entry}))
    with pytest.raises(BundleError, match="2147483648 bytes to load"):
        Bundle.open(tiny.path).read("MODEL_CARD.md")


def test_declared_size_of_a_small_file_allocates_nothing(tiny: Any) -> None:
    entry = {"size": 2**31, "sha256": "0" * 64}
    tiny.edit(lambda manifest: manifest["files"].update({"MODEL_CARD.md": entry}))
    tracemalloc.start()
    with pytest.raises(BundleError, match="expected 2147483648 bytes"):
        Bundle.open(tiny.path).read("MODEL_CARD.md")
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()
