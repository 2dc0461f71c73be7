"""Text of unknown encoding: tables without UTF-8, and names in zips without the UTF-8 flag.

A legacy encoding is accepted only if the text reads as words in it and in no other candidate.
Otherwise the text is refused: a guess would give images wrong labels.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from ganport_train.data.issues import EntryError
from ganport_train.data.spelling import ENCODINGS, implausible_fraction


TABLE_ENCODINGS = ("cp1252", "cp932")
"""Encodings of text files that Windows programs write."""
NAME_ENCODINGS = ("cp437", "cp850", "cp932")
"""Encodings of names that Windows programs write into zips."""
TITLES = {
    "utf-16": "UTF-16",
    "cp1252": "Windows-1252",
    "cp932": "Shift-JIS (Windows-932)",
    "cp437": "the DOS code page 437",
    "cp850": "the DOS code page 850",
    "utf-8": "UTF-8",
}
"""Names of encodings in messages."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DIGITS = re.compile(rb"[0-9]+")
_MOST_UNUSUAL = 1 / 16  # fraction of the words that may be names or foreign
_SAMPLE = 1 << 16  # bytes that are searched for UTF-16 without a mark


@dataclass(frozen=True)
class DecodedText:
    """Text in Unicode's composed form (NFC), and the encoding that was assumed for it.

    Lines end with a line feed, whether they did before or ended as on Windows or an old Mac.
    `encoding` is None for UTF-8, which needs no assumption.
    """

    text: str
    encoding: str | None = None

    @property
    def assumption(self) -> str | None:
        """The title of the assumed encoding."""
        return None if self.encoding is None else TITLES[self.encoding]


def decode_text(data: bytes) -> DecodedText:
    """Decode a text file: UTF-8, UTF-16, or a legacy encoding of which only one fits.

    Raises `EntryError` with the first byte that is not UTF-8.
    """
    for mark, marked in _BOMS:
        if data.startswith(mark):
            return _decode(data.removeprefix(codecs.BOM_UTF8), marked)
    if (unmarked := _unmarked_utf16(data)) is not None:
        return DecodedText(_decode(data, unmarked).text, "utf-16")
    try:
        return DecodedText(_normalize(data.decode("utf-8")))
    except UnicodeDecodeError as error:
        encoding = only_plausible([data], TABLE_ENCODINGS)
        if encoding is None:
            found = f"byte 0x{data[error.start]:02x} on line {_line_of(data, error.start)}"
            raise EntryError("UTF-8 text", found, "Save the file as UTF-8.") from error
        return _decode(data, encoding)


def decode_texts(texts: Sequence[bytes]) -> list[DecodedText | EntryError]:
    """Decode the text files of one set, or return their errors.

    Files that are not UTF-8 have one encoding together, if only one fits them all: a single word
    says less than the words of all files.
    """
    decoded = [_try_decoding(data) for data in texts]
    legacy = [
        index
        for index, text in enumerate(decoded)
        if isinstance(text, EntryError) or text.encoding in TABLE_ENCODINGS
    ]
    encoding = only_plausible([texts[index] for index in legacy], TABLE_ENCODINGS)
    if encoding is not None:
        for index in legacy:
            decoded[index] = _decode(texts[index], encoding)
    return decoded


def only_plausible(texts: Sequence[bytes], accepted: Sequence[str]) -> str | None:
    """Return the one encoding in which `texts` read as words; None for none or several.

    It is one of `accepted`. Other encodings are rivals: they only show that a text is ambiguous.
    Encodings that give the same characters count as one.
    """
    data = _distinct_lines(texts)
    readings: dict[str, tuple[float, str]] = {}
    for encoding in dict.fromkeys((*accepted, *ENCODINGS)):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        wrong = implausible_fraction(text, encoding)
        best, first = readings.get(text, (wrong, encoding))
        readings[text] = min(best, wrong), first
    ranked = sorted(readings.values())
    if not ranked or ranked[0][0] > _MOST_UNUSUAL or ranked[0][1] not in accepted:
        return None
    is_certain = len(ranked) == 1 or ranked[1][0] > 2 * ranked[0][0]
    return ranked[0][1] if is_certain else None


def compose(text: str) -> str:
    """Return `text` in Unicode's composed form (NFC), which names and labels are compared in."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _try_decoding(data: bytes) -> DecodedText | EntryError:
    try:
        return decode_text(data)
    except EntryError as error:
        return error


def _decode(data: bytes, encoding: str) -> DecodedText:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        found = f"other bytes on line {_line_of(data, error.start)}"
        expected = f"{TITLES[encoding[:6]]} text throughout"
        raise EntryError(expected, found, "Save the file as UTF-8.") from error
    return DecodedText(_normalize(text), None if encoding == "utf-8" else encoding)


def _normalize(text: str) -> str:
    return compose(text.replace("\r\n", "\n").replace("\r", "\n"))


def _unmarked_utf16(data: bytes) -> str | None:
    """Return the UTF-16 variant of ASCII-like text without a byte-order mark, or None."""
    sample = data[:_SAMPLE]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) // 4
    if len(data) % 2 or max(even, odd) <= half or min(even, odd):
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _distinct_lines(texts: Sequence[bytes]) -> bytes:
    """Return each line with other bytes than ASCII once; lines that differ in numbers are equal.

    Digits and line ends are no part of a character in any of the encodings.
    """
    lines = {line for text in texts for line in _DIGITS.sub(b"0", text).splitlines()}
    return b"\n".join(sorted(line for line in lines if not line.isascii()))


def _line_of(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1
