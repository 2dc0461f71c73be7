"""The grammar of `tags.csv`: lines `ID,pink hair black eyes`, and the groups that they share."""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from ganport_train.data.issues import EntryError, quote

MAX_LINE = 4096
"""Bytes of a line."""
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
"""Characters after the ID and between tags, and their names; the comma is the rule."""

_ID = re.compile(rb' *(?:"[^"]*"|[^",;\t|]*) *([,;\t|])')
_BETWEEN_TAGS = re.compile("[,;|]")
_WORD = re.compile(r"\w[\w-]{0,63}")
_MAX_ID = 200
_SAMPLE = 500  # lines that show whether groups are ambiguous
_MOST = 0.9  # fraction of them
_EXPECTED = "pairs of a label and its group, such as `pink hair black eyes`"
_FIX = "Write each tag as `label group`; `tags.csv` has no header line."


def find_separator(
    lines: Sequence[bytes], has_image: Callable[[str], bool] = lambda _: False
) -> str:
    """Return the separator after the ID of most lines; a comma, if there is none.

    `has_image` tells whether an image has a name. The separator whose IDs have the most images
    is preferred, because a name of a file may hold separators.
    """
    firsts = Counter(match[1] for line in lines if (match := _ID.match(line.strip())))
    scores = {mark: (0, firsts[mark.encode()]) for mark in SEPARATORS}
    present = [mark for mark in SEPARATORS if any(mark.encode() in line for line in lines)]
    if len(present) > 1:
        for mark in present:
            scores[mark] = (
                sum(has_image(_first_field(line, mark)) for line in lines),
                *scores[mark][1:],
            )
    return max(scores, key=scores.__getitem__)


def check_separator(image_id: str, separator: str) -> None:
    """Raise `EntryError` if the ID, which names no image, holds another separator."""
    for mark, name in SEPARATORS.items():
        if mark in image_id and mark != separator:
            expected = f"a {SEPARATORS[separator]} after the ID, as on most lines"
            found = f"a {name}, after {quote(image_id.partition(mark)[0])}"
            raise EntryError(expected, found, f"Write a {SEPARATORS[separator]} after the ID.")


def split_line(raw: bytes, separator: str = ",") -> tuple[str, str] | None:
    """Return the ID and the tags of a line; None for a blank line.

    A field may be in double quotes, and any separators may stand between tags. Raises
    `EntryError` for a line of one field, and for an ID that is not a file name.
    """
    text = _decode(raw).strip()
    if not text:
        return None
    image_id, tags = _fields(text, separator)
    return _check_id(image_id.strip()), " ".join(_BETWEEN_TAGS.sub(" ", tags).split())


def parse_tags(text: str, groups: Collection[str]) -> dict[str, str]:
    """Parse `pink hair black eyes` to `{"hair": "pink", "eyes": "black"}`.

    A label may have several words: `light blue hair`. Raises `EntryError` for a text without
    exactly one label for each of `groups`.
    """
    words = _words(text)
    tags = _fit(words, groups)
    if tags is None:
        raise _error(text, words)
    return tags


def list_groups(text: str, groups: Collection[str]) -> list[str]:
    """Return the groups that `text` has labels for, whether or not they are the expected `groups`.

    Raises the error of `parse_tags` for a text without such groups.
    """
    words = _words(text)
    ended = _ended_groups(words, groups)
    pairs = list(_pairs(words) or ())
    # Without every group, words in odd number may lack a group as well as a label.
    if not pairs and not (ended and {*groups} <= {*ended}):
        raise _error(text, words)
    # A group in another letter case counts, since that is the mistake then.
    known = {group.lower() for group in groups}
    matches = sum(group.lower() in known for group in pairs)
    return pairs if matches > sum(group in groups for group in ended) or not ended else ended


def find_ambiguity(texts: Sequence[str], groups: Collection[str]) -> tuple[str, str] | None:
    """Return a group, and a word next to it that could be the group on nearly all lines.

    `blue long hair` may be a blue-long hair, or `hair` may begin the next label. None if every
    second word is a group, or if no other groups fit.
    """
    lines = list(_readable(texts[:_SAMPLE]))
    fitting = [words for words in lines if groups and _segments(words, groups) is not None]
    if not fitting or all(_pairs(words) is not None for words in fitting):
        return None
    first = fitting[0]
    for left, right in itertools.pairwise(first):
        for group, other in ((left, right), (right, left)):
            others = {*groups} - {group} | {other}
            if group not in groups or other in groups or _segments(first, others) is None:
                continue
            if sum(_segments(w, others) is not None for w in fitting) >= _MOST * len(fitting):
                return group, other
    return None


def choose_groups(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the groups that explain the most labels, in the order of the first text that fits.

    Candidates are the most common groups of pairs, and the words that most texts share.
    """
    lines = list(_readable(texts))
    counts = Counter(frozenset(pairs) for words in lines if (pairs := _pairs(words)))
    candidates = [groups for groups, _ in counts.most_common(1)]
    if not candidates or counts[candidates[0]] < len(lines):
        candidates += _shared_words(lines)

    def count_labels(groups: Collection[str]) -> int:
        return sum(len(_fit(words, groups) or ()) for words in lines)

    best = max(candidates, key=count_labels, default=frozenset[str]())
    return tuple(next((tags for words in lines if (tags := _fit(words, best))), ()))


def _shared_words(lines: Sequence[Sequence[str]]) -> list[frozenset[str]]:
    """Return growing sets of the most common words that can be groups.

    Such a word is in most lines, and in most of them neither first nor next to another group. Of
    equally common words the later one comes first: a group follows its label.
    """
    counts = Counter(word for words in lines for word in dict.fromkeys(words[1:]))
    positions = Counter[str]()
    for words in lines:
        positions.update({word: index for index, word in enumerate(words)})
    found = [frozenset[str]()]
    for word, count in sorted(counts.items(), key=lambda pair: (-pair[1], -positions[pair[0]])):
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


def _fit(words: Sequence[str], groups: Collection[str]) -> dict[str, str] | None:
    """Return the labels by group, in pairs or of several words; None unless each group has one."""
    pairs = _pairs(words)
    return pairs if pairs and pairs.keys() == set(groups) else _segments(words, groups)


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


def _ended_groups(words: Sequence[str], groups: Collection[str]) -> list[str]:
    """Return the groups that end labels in `words`, and the last word if it is another one."""
    ends = [index for index, word in enumerate(words) if word in groups]
    ends += [len(words) - 1] if ends and ends[-1] < len(words) - 1 else []
    found = [words[end] for end in ends]
    has_labels = all(start + 1 < end for start, end in zip([-1, *ends], ends, strict=False))
    return found if has_labels and len(set(found)) == len(found) else []


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


def _first_field(line: bytes, separator: str) -> str:
    return line.partition(separator.encode())[0].decode("utf-8", "replace").strip().strip('"')


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
        fix = f"Put one {SEPARATORS[separator]} between the ID and its tags."
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
