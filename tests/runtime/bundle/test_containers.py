"""Zipped bundles whose members lie, reach out, or are not what they say."""

import stat
import struct
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


def test_compressed_zip_is_refused(tiny: Any) -> None:
    with pytest.raises(BundleError, match=r"a stored member \(zip -0\); found a compressed one"):
        Bundle.open(tiny.zipped(zipfile.ZIP_DEFLATED))


def test_zip_bomb_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "x.ganport"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", b"\0" * 50_000_000)
    with pytest.raises(BundleError, match="a compressed one"):
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
    with pytest.raises(BundleError, match="at most 1024 files"):
        Bundle.open(path)
