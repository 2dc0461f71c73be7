import hashlib
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from copy import copy
from pathlib import Path

import pytest

from ganport_train.data.formats.registry import open_source
from ganport_train.data.issues import DataError, EntryError
from ganport_train.data.zip_source import ZipSource

Write = Callable[..., Path]
CENTRAL, LOCAL = b"PK\x01\x02", b"PK\x03\x04"


def patch(path: Path, signature: bytes, offset: int, value: bytes) -> None:
    """Write `value` into the first record with that signature."""
    data = bytearray(path.read_bytes())
    start = data.index(signature) + offset
    data[start : start + len(value)] = value
    path.write_bytes(data)


def read(path: Path, name: str = "a.csv", limit: int = 1 << 24) -> bytes:
    with open_source(path) as source:
        return source.read(name, limit)


def test_digest_of_zip_equals_file_digest(write_zip: Write) -> None:
    path = write_zip({"a.csv": b"x"})
    with open_source(path) as source:
        assert source.digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_read_deflated_member_returns_content(write_zip: Write) -> None:
    data = b"".join(b"%d,pink hair black eyes\n" % i for i in range(90_000))
    assert read(write_zip({"a.csv": data}, method=zipfile.ZIP_DEFLATED)) == data


@pytest.mark.parametrize("data", [b"", b"no zip at all", b"PK\x05\x06" + b"\xff" * 18])
def test_names_of_other_file_raises(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "faces.zip").write_bytes(data)
    with (
        open_source(tmp_path / "faces.zip") as source,
        pytest.raises(DataError, match="expected a folder or a complete zip"),
    ):
        assert source.names


def test_open_unreadable_zip_raises(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        ZipSource(tmp_path / "absent.zip")
    assert caught.value.place == str(tmp_path / "absent.zip")
    assert caught.value.found == "No such file or directory"


def test_names_of_truncated_zip_raises(write_zip: Write) -> None:
    path = write_zip({"a.csv": b"x" * 1000})
    path.write_bytes(path.read_bytes()[:-10])
    with open_source(path) as source, pytest.raises(DataError, match="a complete zip"):
        assert source.names


@pytest.mark.parametrize("name", ["../evil.png", "/evil.png", "images\\1.png", "C:/1.png", "a//b"])
def test_unsafe_member_name_is_rejected(write_zip: Write, name: str) -> None:
    with open_source(write_zip({"a.csv": b"", name: b""})) as source:
        assert source.names == {"a.csv"}
        assert [issue.file for issue in source.rejected] == [name]
        assert "a relative name inside the dataset" in source.rejected[0].message("faces.zip")


def test_link_member_is_rejected(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as packed:
        link = zipfile.ZipInfo("a.csv")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed.writestr(link, "/etc/passwd")
    with open_source(tmp_path / "faces.zip") as source:
        assert source.names == frozenset()
        assert source.rejected[0].found == "a link"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicate_member_name_keeps_first(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as packed:
        packed.writestr("a.csv", "first")
        packed.writestr("a.csv", "second")
    with open_source(tmp_path / "faces.zip") as source:
        assert source.rejected[0].found == "a second member of this name"
        assert source.read("a.csv", 10) == b"first"


def test_read_encrypted_member_raises(write_zip: Write) -> None:
    path = write_zip({"a.csv": b"x"})
    patch(path, CENTRAL, 8, b"\x01\x00")
    patch(path, LOCAL, 6, b"\x01\x00")
    with pytest.raises(EntryError, match="found an encrypted one"):
        read(path)


def test_read_unsupported_compression_raises(write_zip: Write) -> None:
    with pytest.raises(EntryError, match="found compression method 12"):
        read(write_zip({"a.csv": b"x"}, method=zipfile.ZIP_BZIP2))


def test_read_declared_size_over_limit_raises(write_zip: Write) -> None:
    with pytest.raises(EntryError, match=r"at most 1 MiB; found 2\.0 MiB"):
        read(write_zip({"a.csv": b"x" * (2 << 20)}), limit=1 << 20)


def test_read_zip_bomb_ratio_raises(write_zip: Write) -> None:
    path = write_zip({"a.csv": bytes(8 << 20)}, method=zipfile.ZIP_DEFLATED)
    with pytest.raises(EntryError, match="as in a zip bomb"):
        read(path)


def test_read_member_longer_than_declared_is_bounded(write_zip: Write) -> None:
    path = write_zip({"a.csv": bytes(8 << 20)}, method=zipfile.ZIP_DEFLATED)
    for signature, offset in ((CENTRAL, 24), (LOCAL, 22)):
        patch(path, signature, offset, struct.pack("<I", 100))
    with pytest.raises(EntryError, match="Bad CRC-32"):
        read(path)
    # With a matching checksum, only the declared part is unpacked.
    for signature, offset in ((CENTRAL, 16), (LOCAL, 14)):
        patch(path, signature, offset, struct.pack("<I", zlib.crc32(bytes(100))))
    assert read(path) == bytes(100)


def test_read_member_shorter_than_declared_raises(write_zip: Write) -> None:
    path = write_zip({"a.csv": b"x" * 50}, method=zipfile.ZIP_DEFLATED)
    for signature, offset in ((CENTRAL, 24), (LOCAL, 22)):
        patch(path, signature, offset, struct.pack("<I", 100))
    with pytest.raises(EntryError, match="a corrupt one"):
        read(path)


def test_read_flipped_byte_raises(write_zip: Write) -> None:
    path = write_zip({"a.csv": b"x" * 50})
    patch(path, LOCAL, 30 + len("a.csv") + 7, b"y")
    with pytest.raises(EntryError, match=r"a corrupt one \(Bad CRC-32"):
        read(path)


def test_overlapping_members_raise(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as packed:
        packed.writestr("0.png", bytes(1000))
        for number in range(1, 4):
            twin = copy(packed.filelist[0])
            twin.filename = f"{number}.png"
            packed.filelist.append(twin)
    with (
        open_source(tmp_path / "faces.zip") as source,
        pytest.raises(DataError, match="found members that overlap, as in a zip bomb"),
    ):
        assert source.names


def test_member_of_a_newer_zip_version_is_a_data_error(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", b"x")
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 6] = 99  # the version that a reader needs
    path.write_bytes(data)
    with (
        open_source(path) as source,
        pytest.raises(DataError, match="a folder or a complete zip"),
    ):
        assert source.names
