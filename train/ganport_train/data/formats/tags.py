"""The grammar of `tags.csv`: `ID,pink hair black eyes`."""

from __future__ import annotations

import csv
import re

from ganport_runtime.values import sanitize
from ganport_train.data.issues import EntryError, quoted

LONGEST_LINE = 4096
"""Bytes."""

_ID = re.compile(r"\w[\w.-]{0,127}")
_WORD = re.compile(r"\w[\w-]{0,63}")


def parse_line(raw: bytes) -> tuple[str, dict[str, str]] | None:
    """The ID and the label of each group, in order; None for a blank line.

    A field may stand in double quotes. Raises `EntryError` for anything outside the grammar.
    """
    text = _decoded(raw).strip()
    if not text:
        return None
    identity, tags = _fields(text)
    return _identity(identity), parse_tags(tags)


def parse_tags(text: str) -> dict[str, str]:
    """`pink hair black eyes` as `{"hair": "pink", "eyes": "black"}`; raises `EntryError`."""
    words = text.split()
    if not words or len(words) % 2 or not all(_WORD.fullmatch(word) for word in words):
        raise _outside(f"{quoted(text)}")
    tags: dict[str, str] = {}
    for label, group in zip(words[::2], words[1::2], strict=True):
        if group in tags:
            raise _outside(f"two labels for {quoted(group)}: {tags[group]!r} and {label!r}")
        tags[group] = label
    return tags


def _decoded(raw: bytes) -> str:
    if len(raw) > LONGEST_LINE:
        raise EntryError(
            expected=f"lines of at most {LONGEST_LINE} bytes",
            found="a longer one",
            fix="Check that this is a table of tags.",
        )
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise EntryError(
            expected="UTF-8 text",
            found=f"byte 0x{raw[error.start]:02x} at place {error.start + 1} of the line",
            fix="Save the file as UTF-8.",
        ) from error


def _fields(text: str) -> list[str]:
    try:
        fields = next(csv.reader([text], strict=True)) if '"' in text else text.split(",")
    except csv.Error as error:
        raise EntryError(
            expected="fields without quotes, or with a whole pair of double quotes",
            found=f"{quoted(text)} ({error})",
            fix="Close the quotes on this line or remove them.",
        ) from error
    if len(fields) != 2:
        raise EntryError(
            expected="two fields, `ID,tags`",
            found=f"{len(fields)} in {quoted(text)}",
            fix="Put one comma between the ID and its tags.",
        )
    return fields


def _identity(text: str) -> str:
    text = text.strip()
    if not _ID.fullmatch(text):
        raise EntryError(
            expected="an ID that is a plain name: letters, digits, `_`, `-` and inner dots",
            found=quoted(text),
            fix="Rename the picture and its ID; the picture is images/ID.jpg, .png or .webp.",
        )
    return text


def _outside(found: str) -> EntryError:
    return EntryError(
        expected="pairs of a label and its group, such as `pink hair black eyes`",
        found=sanitize(found, 120),
        fix="Write each tag as `label group`; a table of tags has no header line.",
    )
