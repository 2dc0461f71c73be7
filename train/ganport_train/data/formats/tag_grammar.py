"""The grammar of `tags.csv`: lines `ID,pink hair black eyes`, and the groups that they share."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from ganport_train.data.issues import EntryError, quote

MAX_LINE = 4096
"""Bytes of a line."""
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
"""Characters between the ID and the tags, and their names; the comma is the rule."""

_WORD = re.compile(r"\w[\w-]{0,63}")
_MAX_ID = 200
_EXPECTED = "pairs of a label and its group, such as `pink hair black eyes`"
_FIX = "Write each tag as `label group`; `tags.csv` has no header line."


def find_separator(lines: Iterable[bytes]) -> str:
    """Return the separator of most lines; a comma, if it is in as many lines as another."""
    counts = dict.fromkeys(SEPARATORS, 0)
    for line in lines:
        for separator in SEPARATORS:
            counts[separator] += separator.encode() in line
    return max(counts, key=counts.__getitem__)


def split_line(raw: bytes, separator: str = ",") -> tuple[str, str] | None:
    """Return the ID and the tags of a line; None for a blank line.

    A field may be in double quotes, and tags may be in several fields. Raises `EntryError` for a
    line of one field, and for an ID that is not a file name.
    """
    text = _decode(raw).strip()
    if not text:
        return None
    image_id, tags = _fields(text, separator)
    return _check_id(image_id.strip()), tags.strip()


def parse_tags(text: str, groups: Collection[str] | None = None) -> dict[str, str]:
    """Parse `pink hair black eyes` to `{"hair": "pink", "eyes": "black"}`.

    With `groups`, a label may have several words: `light blue hair`. Without, every second word is
    a group. Raises `EntryError` for a text outside the grammar.
    """
    words = _words(text)
    pairs = _pairs(words)
    if pairs is not None and (groups is None or pairs.keys() == set(groups)):
        return pairs
    tags = _segments(words, groups) if groups else None
    if tags is None:
        raise _error(text, words)
    return tags


def choose_groups(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the groups that explain the most labels, in the order of the first text that fits.

    Candidates are the most common groups of pairs, and the words that most texts share.
    """
    lines = list(_readable(texts))
    counts = Counter(frozenset(pairs) for words in lines if (pairs := _pairs(words)))
    candidates = [groups for groups, _ in counts.most_common(1)]
    if not candidates or counts[candidates[0]] < len(lines):
        candidates += _shared_words(lines)
    labels = {
        groups: len(groups) * sum(_fits(words, groups) for words in lines) for groups in candidates
    }
    best = max(labels, key=labels.__getitem__, default=frozenset[str]())
    first = next((words for words in lines if _fits(words, best)), [])
    return tuple(dict.fromkeys(word for word in _group_order(first, best)))


def _group_order(words: Sequence[str], groups: Collection[str]) -> list[str]:
    pairs = _pairs(words)
    if pairs is not None and pairs.keys() == groups:
        return list(pairs)
    return list(_segments(words, groups) or ())


def _shared_words(lines: Sequence[Sequence[str]]) -> list[frozenset[str]]:
    """Return growing sets of the most common words that can be groups.

    Such a word is in most lines, and in most of them neither first nor next to another group.
    """
    counts = Counter(word for words in lines for word in dict.fromkeys(words[1:]))
    found = [frozenset[str]()]
    for word, count in counts.most_common():
        if 2 * count <= len(lines):
            break
        groups = found[-1] | {word}
        if 2 * sum(_collides(words, word, groups) for words in lines) < count:
            found.append(groups)
    return found


def _collides(words: Sequence[str], word: str, groups: Collection[str]) -> bool:
    if word not in words:
        return False
    index = words.index(word)
    around = (*words[max(index - 1, 0) : index], *words[index + 1 : index + 2])
    return index == 0 or any(other in groups for other in around)


def _fits(words: Sequence[str], groups: Collection[str]) -> bool:
    pairs = _pairs(words)
    if pairs is not None and pairs.keys() == groups:
        return True
    return bool(groups) and _segments(words, groups) is not None


def _readable(texts: Iterable[str]) -> Iterator[list[str]]:
    for text in texts:
        try:
            yield _words(text)
        except EntryError:
            continue


def _words(text: str) -> list[str]:
    words = text.split()
    if not words or not all(_WORD.fullmatch(word) for word in words):
        raise EntryError(_EXPECTED, quote(text), _FIX)
    return words


def _pairs(words: Sequence[str]) -> dict[str, str] | None:
    """Return the labels by group if every second word is a group of its own."""
    tags = dict(zip(words[1::2], words[::2], strict=False))
    return tags if 2 * len(tags) == len(words) else None


def _segments(words: Sequence[str], groups: Collection[str]) -> dict[str, str] | None:
    """Return the words before each group; None unless each group ends some words, once."""
    tags: dict[str, str] = {}
    label: list[str] = []
    for word in words:
        if word in tags:
            return None
        if word in groups and label:
            tags[word] = " ".join(label)
            label = []
        else:
            label.append(word)
    return tags if not label and tags.keys() == set(groups) else None


def _error(text: str, words: Sequence[str]) -> EntryError:
    """Return the error of words that are not a label for each group."""
    tags: dict[str, str] = {}
    for label, group in zip(words[::2], words[1::2], strict=False):
        if group in tags:
            found = f"two labels for {quote(group)}: {tags[group]!r} and {label!r}"
            return EntryError(_EXPECTED, found, _FIX)
        tags[group] = label
    return EntryError(_EXPECTED, quote(text), _FIX)


def _decode(raw: bytes) -> str:
    if len(raw) > MAX_LINE:
        expected = f"lines of at most {MAX_LINE} bytes"
        raise EntryError(expected, "a longer one", "Check that this is a table of tags.")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"byte 0x{raw[error.start]:02x} at position {error.start + 1} of the line"
        raise EntryError("UTF-8 text", found, "Save the file as UTF-8.") from error


def _fields(text: str, separator: str) -> tuple[str, str]:
    try:
        is_quoted = '"' in text
        fields = next(csv.reader([text], delimiter=separator, strict=True)) if is_quoted else None
    except csv.Error as error:
        expected = "fields without quotes, or with a complete pair of double quotes"
        fix = "Close the quotes on this line or remove them."
        raise EntryError(expected, f"{quote(text)} ({error})", fix) from error
    image_id, *tags = fields or text.split(separator)
    if not tags:
        found = f"1 in {quote(text)}"
        name = SEPARATORS[separator].removesuffix("s")
        fix = f"Put one {name} between the ID and its tags."
        raise EntryError("two fields, `ID,tags`", found, fix)
    return image_id, " ".join(tags)


def _check_id(text: str) -> str:
    if not 0 < len(text) <= _MAX_ID or not text.isprintable() or text.startswith("."):
        raise EntryError(
            f"an ID of 1 to {_MAX_ID} printable characters, without a dot at its start",
            quote(text),
            "Rename the image and its ID; the image is images/ID.png, or another image format.",
        )
    return text
