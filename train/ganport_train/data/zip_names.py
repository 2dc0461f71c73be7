"""The names of the members of a zip: UTF-8, or decoded by evidence, or refused.

Zips without the UTF-8 flag do not say in which encoding their names are. macOS writes UTF-8,
Windows the code page of its language. A wrong one would turn a folder into another class.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from zipfile import ZipInfo

from ganport_train.data.encodings import NAME_ENCODINGS, TITLES, compose, only_plausible
from ganport_train.data.issues import EntryError, Issue, quote
from ganport_train.data.spelling import ENCODINGS

_UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075  # Info-ZIP's extra field: version 1, CRC-32 of the name, the name in UTF-8
_REPAIR = (
    "`python -m zipfile --metadata-encoding cp1252 -e FILE.zip FOLDER` unpacks names of a Western "
    "Windows: use that folder. -l FILE.zip lists the names first. Other encodings are cp850, "
    "cp866, cp932, cp949, gbk and mac_roman."
)
_TABLES = (".csv", ".tsv", ".json", ".jsonl", ".txt")

ReadTables = Callable[[Sequence[ZipInfo]], Iterable[bytes]]


@dataclass(frozen=True)
class ZipNames:
    """The decoded names of a zip; `encoding` is that of the names without the UTF-8 flag.

    It is None if no name needs one, and "" if it could not be found.
    """

    encoding: str | None

    @classmethod
    def of(cls, members: Sequence[ZipInfo], read_tables: ReadTables) -> ZipNames:
        """Find the encoding of the names of `members`.

        `read_tables` returns the bytes of members: a table in UTF-8 that lists the images decides
        between encodings in which their names read equally well.
        """
        raw = [name for member in members if (name := _raw_name(member)) is not None]
        if not raw:
            return cls(None)
        if all(map(_is_utf8, raw)):
            return cls("utf-8")
        encoding = only_plausible(raw, NAME_ENCODINGS)
        if encoding is None:
            tables = [m for m in members if m.orig_filename.lower().endswith(_TABLES)]
            encoding = _listed_encoding(raw, [compose(_text(data)) for data in read_tables(tables)])
        return cls(encoding or "")

    def decode(self, member: ZipInfo) -> str:
        """Return the name of a member; raises `EntryError` if its encoding is unknown."""
        raw = _raw_name(member)
        if raw is None:
            return _unicode_path(member) or member.orig_filename
        if self.encoding:
            return raw.decode(self.encoding)
        raise EntryError(
            "names in UTF-8, or in an encoding that is certain",
            f"{quote(member.orig_filename, 120)} without the UTF-8 flag",
            _REPAIR,
        )

    def notes(self, members: Sequence[ZipInfo]) -> list[Issue]:
        """Return the warning that names the assumed encoding, unless it is UTF-8."""
        names = [self.decode(m) for m in members if self.encoding and _raw_name(m) is not None]
        if not names or self.encoding == "utf-8":
            return []
        title = TITLES.get(str(self.encoding), str(self.encoding))
        found = f"{title}, as in {quote(names[0], 120)}"
        fix = f"Check the labels. If they are wrong: {_REPAIR}"
        expected = "names with the UTF-8 flag"
        return [Issue("source", "", expected, found, fix, level="warning")]


def _raw_name(member: ZipInfo) -> bytes | None:
    """Return the bytes of a name that needs an encoding, else None."""
    if member.flag_bits & _UTF8_FLAG or member.orig_filename.isascii() or _unicode_path(member):
        return None
    return member.orig_filename.encode("cp437")  # `zipfile` has decoded them as such


def _unicode_path(member: ZipInfo) -> str | None:
    """Return the name that Info-ZIP's extra field gives, if it belongs to the plain name."""
    extra, position = member.extra, 0
    if member.flag_bits & _UTF8_FLAG:
        return None
    plain = zlib.crc32(member.orig_filename.encode("cp437"))
    while position + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, position)
        field = extra[position + 4 : position + 4 + size]
        if kind == _UNICODE_PATH and field[:5] == struct.pack("<BI", 1, plain):
            return field[5:].decode("utf-8") if _is_utf8(field[5:]) else None
        position += 4 + size
    return None


def _listed_encoding(names: Sequence[bytes], tables: Sequence[str]) -> str | None:
    """Return the encoding in which most names stand in a table; None for none or several."""
    hits: dict[str, str] = {}  # the encoding by the decoded names
    for encoding in ENCODINGS:
        decoded = [compose(name.decode(encoding, "replace")) for name in names]
        stems = [name.rstrip("/").rpartition("/")[2].split(".")[0] for name in decoded]
        found = sum(any(stem in table for table in tables) for stem in stems if not stem.isascii())
        if 2 * found > sum(not stem.isascii() for stem in stems):
            hits.setdefault("/".join(decoded), encoding)
    return next(iter(hits.values())) if len(hits) == 1 else None


def _text(data: bytes) -> str:
    return data.decode("utf-8") if _is_utf8(data) else ""


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
