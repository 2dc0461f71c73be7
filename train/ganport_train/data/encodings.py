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

TABLE_ENCODINGS = ("cp1252", "cp932")
"""Legacy encodings of text files that Windows programs write."""
NAME_ENCODINGS = ("cp437", "cp850", "cp932")
"""Legacy encodings of names that Windows writes into zips."""
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
_WORD = re.compile(r"[^\W\d_]+")
_SIGNS = "°€£§¡¿"
# A dash, an ellipsis or a closing quote ends a word, an opening quote starts one, and an
# apostrophe stands inside.
_PUNCTUATION = re.compile(
    r"[\u2013\u2014\u2026\u201d\xbb](?=\s|$)|(?<!\w)[\u201c\u201e\xab](?=\w)|(?<=\w)\u2019(?=\w)"
)
_JAPANESE = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uff01-\uff9f]")
_INSIDE_LATIN = re.compile(
    rf"[A-Za-z]{_JAPANESE.pattern}+[A-Za-z]|[A-Za-z][\uff61-\uff9f]|[\uff61-\uff9f][A-Za-z]"
)
_SAMPLE = 1 << 16  # bytes that are searched for UTF-16 without a mark


@dataclass(frozen=True)
class DecodedText:
    """Text in Unicode's composed form (NFC), and the encoding that was assumed for it.

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
        return DecodedText(compose(data.decode("utf-8")))
    except UnicodeDecodeError as error:
        encoding = only_plausible([data], TABLE_ENCODINGS)
        if encoding is None:
            found = f"byte 0x{data[error.start]:02x} on line {_line_of(data, error.start)}"
            raise EntryError("UTF-8 text", found, "Save the file as UTF-8.") from error
        return _decode(data, encoding)


def only_plausible(texts: Sequence[bytes], encodings: Sequence[str]) -> str | None:
    """Return the one encoding in which all `texts` read as words; None for none or several.

    Encodings that give the same characters count as one.
    """
    readings: dict[tuple[str, ...], str] = {}
    for encoding in encodings:
        try:
            decoded = tuple(text.decode(encoding) for text in texts)
        except UnicodeDecodeError:
            continue
        if all(_is_plausible(text, encoding) for text in decoded):
            readings.setdefault(decoded, encoding)
    return next(iter(readings.values())) if len(readings) == 1 else None


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
    return DecodedText(compose(text), None if encoding == "utf-8" else encoding)


def _unmarked_utf16(data: bytes) -> str | None:
    """Return the UTF-16 variant of ASCII-like text without a byte-order mark, or None."""
    sample = data[:_SAMPLE]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) // 4
    if len(data) % 2 or max(even, odd) <= half or min(even, odd):
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _is_plausible(text: str, encoding: str) -> bool:
    return _is_japanese(text) if encoding == "cp932" else _is_western(text)


def _is_japanese(text: str) -> bool:
    """Return whether all other characters are Japanese, and none is part of a Latin word."""
    others = {char for char in text if not char.isascii()}
    return all(map(_JAPANESE.match, others)) and not _INSIDE_LATIN.search(text)


def _is_western(text: str) -> bool:
    """Return whether all other characters are Latin letters or signs, in likely words."""
    text = _PUNCTUATION.sub(" ", text)
    others = {char for char in text if not char.isascii()}
    if not all(char in _SIGNS or _is_latin_letter(char) for char in others):
        return False
    return all(_is_western_word(word) for word in _WORD.findall(text) if not word.isascii())


def _is_western_word(word: str) -> bool:
    """Return whether a word has the case of a word, and plain letters as well, such as "été"."""
    plain = sum(char.isascii() for char in word)
    is_cased = word in (word.lower(), word.upper(), word.capitalize())
    return is_cased and (3 * plain >= len(word) or len(word) == 1)


def _is_latin_letter(char: str) -> bool:
    return char.isalpha() and unicodedata.name(char, "").startswith("LATIN ")


def _line_of(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1
