"""Rules of spelling that show whether a text reads as words in an encoding.

`spelling.toml` holds the rules: the letters that stand next to each letter with an accent in the
words of its languages. A wrong encoding puts letters where no language has them.
"""

from __future__ import annotations

import functools
import re
import tomllib
from pathlib import Path

_RULES = tomllib.loads(Path(__file__).with_name("spelling.toml").read_text(encoding="utf-8"))
ENCODINGS: tuple[str, ...] = tuple(_RULES["encodings"])
"""Encodings that have rules."""

_WORD = re.compile(r"[^\W\d_]+")
# A dash, an ellipsis or a closing quote ends a word, an opening quote or mark starts one, an
# apostrophe or a dot of Catalan stands inside, and a sign stands alone or with a number.
_PUNCTUATION = re.compile(
    r"[\u2013\u2014\u2026\u201d\xbb](?=\s|$)|(?<!\w)[\u201c\u201e\xab\xa1\xbf](?=\w)"
    r"|(?<=\w)\u2019(?=\w)|(?<=l)\xb7(?=l)|(?<![^\W\d_])[\xb0\xa3\xa7\u20ac](?![^\W\d_])"
)
_SIGN_IN_WORD = re.compile(r"[^\W\d_][^\w\s\x00-\x7f]|[^\w\s\x00-\x7f][^\W\d_]")
_MIN_PLAIN = 0.25  # fraction of the letters of a Latin word; "þíða" has one ASCII letter, "öö" none

_IDEOGRAPH, _EAST_ASIAN = (
    re.compile(rf"[{others}\u3400-\u9fff\uac00-\ud7a3]")
    for others in ("", r"\u3000-\u30ff\uff01-\uff5e")
)
_INSIDE_LATIN = re.compile(rf"[A-Za-z]{_EAST_ASIAN.pattern}+[A-Za-z]")
# Kana may touch a letter, as in a T-shirt; a kanji that does is mostly a letter with an accent.
_NO_KANA = r"[\u3000-\u303f\u3400-\u9fff\uac00-\ud7a3\uff01-\uff5e]"
_TOUCHING_LATIN = re.compile(rf"(?<=[A-Za-z]){_NO_KANA}|{_NO_KANA}(?=[A-Za-z])")
_MOST_TOUCHING = 0.1  # fraction of the East Asian characters


def odd_fraction(text: str, encoding: str) -> float:
    """Return the fraction of the words of `text` that have no likely spelling, from 0 to 1.

    Only words with letters outside ASCII count, each once. A sign that stands alone counts as a
    word. The words are of one language of the encoding: that with the fewest odd ones.
    """
    languages = _RULES["encodings"][encoding]
    if not languages:
        return float(not _is_east_asian(text, encoding))
    text = _PUNCTUATION.sub(" ", text)
    if _SIGN_IN_WORD.search(text):
        return 1.0
    words = find_words(text)
    signs = {char for char in text if not char.isascii() and not _WORD.match(char)}
    odd = min(sum(not _is_word_of(language, word) for word in words) for language in languages)
    return (len(signs) + odd) / max(1, len(words) + len(signs))


def find_words(text: str) -> set[str]:
    """Return the distinct words with letters outside ASCII."""
    return {word for word in _WORD.findall(text) if not word.isascii()}


def _is_word_of(language: str, word: str) -> bool:
    """Return whether a word has the case of a word, and the letters of words of a language."""
    lower = word.replace("\u0130", "i").lower()  # the lower case of this letter has two characters
    if word not in (word.lower(), word.upper(), word.capitalize()):
        return False
    if language in _RULES["scripts"]:
        return _has_letters(lower, *_RULES["scripts"][language])
    plain = sum(map(str.isascii, word))
    is_mixed = plain >= _MIN_PLAIN * len(word) or (len(word) <= 2 and word == lower)
    absent = _RULES["absent"].get(language, "")
    return is_mixed and set(lower).isdisjoint(absent) and _has_neighbors(lower, language)


def _has_letters(word: str, vowels: str, consonants: str) -> bool:
    """Return whether all letters are known, and a long word has vowels and consonants."""
    is_long = len(word) > 2 and vowels != ""
    is_mixed = not set(word).isdisjoint(vowels) and not set(word).isdisjoint(consonants)
    return set(word) <= set(vowels + consonants) and (is_mixed or not is_long)


def _has_neighbors(word: str, language: str) -> bool:
    """Return whether each letter outside ASCII stands between letters of its rule."""
    rules = _neighbors(language)
    padded = f" {word} "
    return all(
        char.isascii() or (char in rules and before in rules[char][0] and after in rules[char][1])
        for before, char, after in zip(padded, padded[1:], padded[2:], strict=False)
    )


@functools.cache
def _neighbors(language: str) -> dict[str, list[str]]:
    """Return the letters before and after each letter; a space is the start or end of the word."""
    part = _RULES["parts"].get(language, {})
    rules = _RULES["letters"][part.get("of", language)]
    return {char: rules[char] for char in part.get("letters", rules)}


def _is_east_asian(text: str, encoding: str) -> bool:
    """Return whether all other characters are East Asian and common, and not inside Latin words.

    Half-width kana are refused: Korean and Chinese text reads as such.
    """
    others = [char for char in text if not char.isascii()]
    ideographs = [char.encode(encoding)[0] for char in others if _IDEOGRAPH.match(char)]
    common = sum(byte <= _RULES["common"][encoding] for byte in ideographs)
    touching = len(_TOUCHING_LATIN.findall(text))
    return (
        all(map(_EAST_ASIAN.match, others))
        and 2 * common >= len(ideographs)
        and touching <= _MOST_TOUCHING * len(others)
        and not _INSIDE_LATIN.search(text)
    )
