"""Measure how often names and tables of unknown encoding are decoded right, refused or mislabeled.

`python benchmarks/legacy_text.py measure WORDS` prints Markdown. `derive WORDS` prints the rules of
`train/ganport_train/data/spelling.toml`. WORDS is a folder with one word list in UTF-8 for each
language, such as `fr.txt` from Debian's package `wfrench`, with one word on each line.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from ganport_train.data.encodings import (
    NAME_ENCODINGS,
    TABLE_ENCODINGS,
    Candidates,
    only_plausible,
)

FAMILIES = {
    "western": "fr de es it pt br da nb nn sv nl ca gl ga en",
    "icelandic": "is fo",
    "croatian": "hr sl",
    "czech": "cs sk",
    "hungarian": "hu",
    "polish": "pl",
    "romanian": "ro",
    "estonian": "et fi",
    "latvian": "lv",
    "lithuanian": "lt",
    "turkish": "tr",
}
LETTERS = {
    **dict.fromkeys(("da", "nb", "nn"), "æøåéèêòôö"),
    **dict.fromkeys(("es", "gl"), "áéíñóúü"),
    **dict.fromkeys(("hr", "sl"), "čćđšž"),
    "fr": "àâæçèéêëîïôœùûü",
    "de": "äöüßé",
    "it": "àèéìòù",
    "pt": "àáâãçéêíóôõúü",
    "br": "áâãçéêíóôõúü",
    "sv": "åäöé",
    "nl": "áäçèéêëíïñóöüû",
    "ca": "àçèéíïòóúü",
    "ga": "áéíóú",
    "en": "éèêñüöäç",
    "is": "áðéíóúýþæöø",
    "fo": "áðíóúýæø",
    "cs": "áéíóúýčďěňřšťůžöü",
    "sk": "áäéíóôúýčďľĺňŕšťž",
    "hu": "áéíóöőúüű",
    "pl": "óąćęłńśźż",
    "ro": "âîăşţ",
    "et": "äõöüšž",
    "fi": "äöå",
    "lv": "āčēģīķļņšūž",
    "lt": "ąčėęįšūųž",
    "tr": "çöüğışâî",
}
SINGLE = {"western": "àéèòóáíúåäöøæ", "icelandic": "áíóæö", "czech": "óíúů", "hungarian": "óő"}
SINGLE |= {"estonian": "öä", "turkish": "öü"}
"""Letters that are words."""
_ANY = " abcdefghijklmnopqrstuvwxyz"
EXTRA = {
    "western": [
        ("ù", "bdglmnort", ""),
        ("œ", " bchmnsv", "cdilmnrstu"),
        ("ï", "", _ANY),
        ("ë", "", _ANY),
        ("í", "", "jk"),
    ],
    "hungarian": [("ő", "aeiouáéíóöúü", "aeiouáéíóöúü")],
    "lithuanian": [
        ("ą", "bdgjklmnprstvzčšž", " "),
        ("ę", "bdgjklmnprstvzčšž", " mns"),
        ("ų", "bcdgijklmnprstvzčšž", " "),
    ],
    "turkish": [
        ("ç", "", "c"),
        ("â", "bcdhklmnrstvyz", " bcdfhklmnprstvyzğ"),
        ("î", "bcdfhklmnrstvyz", " "),
    ],
}
"""Neighbors in common words, compounds and inflected words that the lists lack."""
MIN_COUNT, MIN_FRACTION, MIN_WESTERN_FRACTION = 3, 0.0003, 0.0001
USES = {
    "fr": "mac_roman cp437 cp850 cp1252 cp863",
    **dict.fromkeys(("de", "es", "it", "nl", "ca"), "mac_roman cp437 cp850 cp1252"),
    **dict.fromkeys(("pt", "br"), "mac_roman cp850 cp860 cp1252"),
    **dict.fromkeys(("da", "nb", "sv"), "mac_roman cp850 cp865 cp1252"),
    **dict.fromkeys(("is", "fo"), "mac_iceland cp850 cp861 cp1252"),
    **dict.fromkeys(("et", "lv", "lt"), "cp775 cp1257"),
    **dict.fromkeys(("pl", "cs", "sk", "hu"), "cp852 cp1250 mac_latin2"),
    **dict.fromkeys(("hr", "sl"), "cp852 cp1250 mac_croatian"),
    "ro": "cp852 cp1250",
    "tr": "cp857 cp1254 mac_turkish",
    "ru": "cp866 cp1251 koi8_r cp855 mac_cyrillic",
    "el": "cp737 cp869 cp1253",
    "he": "cp862 cp1255",
    "ja": "cp932 euc_jp",
    "zh": "gbk big5",
    "ko": "cp949",
}
SIZES = (1, 3, 6, 12, 40)
SETS = 500


def read_words(folder: Path, language: str) -> list[str]:
    """Return the words with letters outside ASCII."""
    lines = (folder / f"{language}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.isascii()]


def derive(folder: Path) -> Iterator[str]:
    """Yield the rules of each family: the letters before and after each letter."""
    for family, languages in FAMILIES.items():
        least = MIN_WESTERN_FRACTION if family == "western" else MIN_FRACTION
        pairs = {(char, side, " ") for char in SINGLE.get(family, "") for side in (0, 1)}
        for char, *sides in EXTRA.get(family, []):
            pairs |= {(char, side, near) for side in (0, 1) for near in sides[side]}
        for language in languages.split():
            pairs |= _common_pairs(read_words(folder, language), LETTERS[language], least)
        if family == "western":
            pairs -= {("è", 1, vowel) for vowel in "aeiou"}  # Catalan verbs; Czech č in cp1252
        yield f"\n[letters.{family}]"
        for char in sorted({char for char, *_ in pairs}):
            sides = ["".join(sorted(n for c, s, n in pairs if (c, s) == (char, i))) for i in (0, 1)]
            if all(sides):
                yield f'"{char}" = ["{sides[0]}", "{sides[1]}"]'


def _common_pairs(words: Sequence[str], letters: str, least: float) -> set[tuple[str, int, str]]:
    pairs: Counter[tuple[str, int, str]] = Counter()
    for word in words:
        lower = word.replace("\u0130", "i").lower()
        padded = f" {''.join(char if char.isalpha() else ' ' for char in lower)} "
        for before, char, after in zip(padded, padded[1:], padded[2:], strict=False):
            if char in letters:
                pairs.update([(char, 0, before), (char, 1, after)])
    totals: Counter[str] = Counter()
    for (char, side, _), count in pairs.items():
        totals[char] += count * side
    return {p for p, count in pairs.items() if count >= max(MIN_COUNT, least * totals[p[0]])}


def measure(folder: Path, title: str, candidates: Candidates) -> Iterator[str]:
    """Yield a table: percent decoded right and mislabeled, by the number of words."""
    yield f"\n| {title} | " + " | ".join(f"{size} words" for size in SIZES) + " |"
    yield "|---" * (len(SIZES) + 1) + "|"
    for language, encodings in USES.items():
        for encoding in encodings.split():
            words = _encodable(read_words(folder, language), encoding)
            cells = [_rates(words, encoding, size, candidates) for size in SIZES]
            yield f"| {language} {encoding} | " + " | ".join(cells) + " |"


def _encodable(words: Sequence[str], encoding: str) -> list[bytes]:
    encoded = [(word, word.encode(encoding, "ignore")) for word in words]
    return [data for word, data in encoded if data.decode(encoding) == word]


def _rates(words: Sequence[bytes], encoding: str, size: int, candidates: Candidates) -> str:
    source = random.Random(f"{encoding} {size}")
    counts = Counter[str]()
    for _ in range(SETS):
        chosen = source.choices(words, k=size)
        found = only_plausible(chosen, candidates)
        if found is not None:
            is_right = all(word.decode(found) == word.decode(encoding) for word in chosen)
            counts["right" if is_right else "mislabeled"] += 1
    return " / ".join(f"{100 * counts[key] / SETS:.1f}" for key in ("right", "mislabeled"))


if __name__ == "__main__":
    words = Path(sys.argv[2])
    if sys.argv[1] == "derive":
        print(*derive(words), sep="\n")
    else:
        for title, candidates in (("names", NAME_ENCODINGS), ("tables", TABLE_ENCODINGS)):
            for line in measure(words, title, candidates):
                print(line, flush=True)
