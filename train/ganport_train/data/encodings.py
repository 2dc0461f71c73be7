"""Text of unknown encoding: tables without UTF-8, and names in zips without the UTF-8 flag.

A legacy encoding is accepted only if the text reads as words in it and in no other candidate.
Otherwise the text is refused: a guess would give images wrong labels.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from ganport_train.data.issues import EntryError, attempt
from ganport_train.data.spelling import ENCODINGS, find_words, odd_fraction


@dataclass(frozen=True)
class Candidates:
    """Legacy encodings that are read. All others are rivals that show that a text is ambiguous.

    Many a single word also reads in a weak rival, so these count only for texts of several words.
    """

    encodings: tuple[str, ...]
    weak_rivals: tuple[str, ...] = ()


TABLE_ENCODINGS = Candidates(
    ("cp1252", "cp932"),
    (
        *("cp775", "cp850", "cp852", "cp857", "cp860", "cp861", "cp863", "cp865"),
        *("cp1250", "cp1257", "mac_croatian", "mac_iceland", "mac_latin2", "mac_turkish"),
    ),
)
"""Encodings of text files that Windows programs write."""
NAME_ENCODINGS = Candidates(("cp437", "cp850", "cp932"))
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
_SEPARATORS = re.compile(rb"[\x00-\x2f\x3a-\x3f]+")  # no part of a character in any encoding
_MOST_ODD = 1 / 16  # fraction of the words that may be names or foreign
_MIN_WORDS = 3  # of a text for which weak rivals count
_MAX_WORDS, _MAX_SIZE = 4096, 1024  # that are tested in each encoding, and their bytes
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
    decoded = [attempt(decode_text, data) for data in texts]
    legacy = [
        index
        for index, text in enumerate(decoded)
        if isinstance(text, EntryError) or text.encoding in TABLE_ENCODINGS.encodings
    ]
    encoding = only_plausible([texts[index] for index in legacy], TABLE_ENCODINGS)
    if encoding is not None:
        for index in legacy:
            decoded[index] = _decode(texts[index], encoding)
    return decoded


def only_plausible(texts: Sequence[bytes], candidates: Candidates) -> str | None:
    """Return the one encoding in which `texts` read as words; None for none or several.

    Encodings that give the same characters count as one. A reading may have a few unusual words,
    such as names, if every other reading has more than twice as many.
    """
    words = sorted(
        {word for text in texts for word in _SEPARATORS.split(text) if not word.isascii()}
    )
    data = b"\n".join(words)
    sample = b"\n".join(word[:_MAX_SIZE] for word in words[:: len(words) // _MAX_WORDS + 1])
    weak = candidates.weak_rivals
    strong_first = sorted(ENCODINGS, key=lambda name: name in weak)
    readings: dict[str, tuple[str, float]] = {}  # the first encoding and the least fraction
    for encoding in dict.fromkeys((*candidates.encodings, *strong_first)):
        with suppress(UnicodeDecodeError):
            odd = odd_fraction(sample.decode(encoding), encoding)
            if odd <= 2 * _MOST_ODD:
                first, least = readings.get(text := data.decode(encoding), (encoding, odd))
                readings[text] = first, min(least, odd)
    likely = [
        (odd, text)
        for text, (first, odd) in readings.items()
        if first in candidates.encodings and odd <= _MOST_ODD
    ]
    if not likely:
        return None
    least, best = min(likely)
    ignored = weak if len(find_words(best)) < _MIN_WORDS else ()
    is_ambiguous = any(
        text != best and odd <= 2 * least and (first not in ignored or odd < least)
        for text, (first, odd) in readings.items()
    )
    return None if is_ambiguous else readings[best][0]


def compose(text: str) -> str:
    """Return `text` in Unicode's composed form (NFC), which names and labels are compared in."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


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


def _line_of(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1
