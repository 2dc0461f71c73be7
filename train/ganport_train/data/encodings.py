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


@dataclass(frozen=True)
class Candidates:
    """Legacy encodings that are read, and rivals that only show that a text is ambiguous."""

    encodings: tuple[str, ...]
    rivals: tuple[str, ...]


# Encodings in which most French or Spanish words read as well are no rivals, or those would be
# refused: cp1250, cp1257, cp850 and cp852 of tables, cp775 and cp860 of names.
TABLE_ENCODINGS = Candidates(("cp1252", "cp932"), ("cp1251", "cp1254", "mac-roman", "cp437"))
"""Encodings of text files that Windows programs write."""
NAME_ENCODINGS = Candidates(("cp437", "cp850", "cp932"), ("cp852", "cp857", "cp1252", "cp866"))
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
_WORD = re.compile(r"[^\W\d_]+")
# A dash, an ellipsis or a closing quote ends a word, an opening quote or mark starts one, an
# apostrophe stands inside, and a sign stands alone or with a number.
_PUNCTUATION = re.compile(
    r"[\u2013\u2014\u2026\u201d\xbb](?=\s|$)|(?<!\w)[\u201c\u201e\xab\xa1\xbf](?=\w)"
    r"|(?<=\w)\u2019(?=\w)|(?<![^\W\d_])[\xb0\xa3\xa7\u20ac](?![^\W\d_])"
)
_KANJI, _JAPANESE = (
    re.compile(rf"[{kana}\u3400-\u9fff]") for kana in ("", r"\u3000-\u30ff\uff01-\uff5e")
)
_INSIDE_LATIN = re.compile(rf"[A-Za-z]{_JAPANESE.pattern}+[A-Za-z]")
# Kana may touch a letter, as in a T-shirt; a kanji that does is mostly a letter with an accent.
_NO_KANA = r"[\u3000-\u303f\u3400-\u9fff\uff01-\uff5e]"
_TOUCHING_LATIN = re.compile(rf"(?<=[A-Za-z]){_NO_KANA}|{_NO_KANA}(?=[A-Za-z])")
_MOST_TOUCHING = 0.1  # fraction of the Japanese characters
# Where Western words never have these letters, Polish, Czech and Latvian have others.
_UNLIKELY = re.compile(r"ñ(?![aeiouáéíóúü])|œ(?![uitsd])|ù(?=\w)|è(?=[aeiouyáéíóúýù])|\bë", re.I)
_LAST_COMMON_KANJI = 0x98  # first byte in cp932; the rarer kanji of JIS X 0208's level 2 follow
_RUSSIAN = re.compile(r"[А-Яа-яЁё]+")  # noqa: RUF001  these are Cyrillic letters
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
        if isinstance(text, EntryError) or text.encoding in TABLE_ENCODINGS.encodings
    ]
    encoding = only_plausible([texts[index] for index in legacy], TABLE_ENCODINGS)
    if encoding is not None:
        for index in legacy:
            decoded[index] = _decode(texts[index], encoding)
    return decoded


def only_plausible(texts: Sequence[bytes], candidates: Candidates) -> str | None:
    """Return the one encoding in which `texts` read as words; None for none or several.

    Encodings that give the same characters count as one.
    """
    readings: dict[str, str] = {}
    for encoding in (*candidates.encodings, *candidates.rivals):
        try:
            text = "\n".join(data.decode(encoding) for data in texts)
        except UnicodeDecodeError:
            continue
        if _is_plausible(text, encoding):
            readings.setdefault(text, encoding)
    found = next(iter(readings.values())) if len(readings) == 1 else None
    return found if found in candidates.encodings else None


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


def _is_plausible(text: str, encoding: str) -> bool:
    if encoding == "cp932":
        return _is_japanese(text)
    return (_is_russian if encoding in ("cp866", "cp1251") else _is_western)(text)


def _is_japanese(text: str) -> bool:
    """Return whether all other characters are Japanese and common, and not inside Latin words.

    Half-width kana are refused: Korean and Chinese text reads as such.
    """
    others = [char for char in text if not char.isascii()]
    kanji = [char.encode("cp932")[0] for char in others if _KANJI.match(char)]
    common = sum(byte <= _LAST_COMMON_KANJI for byte in kanji)
    touching = len(_TOUCHING_LATIN.findall(text))
    return (
        all(map(_JAPANESE.match, others))
        and 2 * common >= len(kanji)
        and touching <= _MOST_TOUCHING * len(others)
        and not _INSIDE_LATIN.search(text)
    )


def _is_russian(text: str) -> bool:
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    others = {char for char in text if not char.isascii()} - set("".join(words))
    return not others and all(_RUSSIAN.fullmatch(word) and _is_cased(word) for word in words)


def _is_western(text: str) -> bool:
    """Return whether all other characters are Latin letters in likely words, or signs."""
    text = _PUNCTUATION.sub(" ", text)
    if not all(_is_latin_letter(char) for char in {char for char in text if not char.isascii()}):
        return False
    return all(_is_western_word(word) for word in _WORD.findall(text) if not word.isascii())


def _is_western_word(word: str) -> bool:
    """Return whether a word has the case of a word, and plain letters as well, such as "été"."""
    plain = sum(char.isascii() for char in word)
    is_spelled = 3 * plain >= len(word) or len(word) == 1
    return _is_cased(word) and is_spelled and not _UNLIKELY.search(word)


def _is_cased(word: str) -> bool:
    return word in (word.lower(), word.upper(), word.capitalize())


def _is_latin_letter(char: str) -> bool:
    return char.isalpha() and unicodedata.name(char, "").startswith("LATIN ")


def _line_of(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1
