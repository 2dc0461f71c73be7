"""The cells of a column: numbers with decimal points or commas, and lists of labels."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from ganport_train.data.formats.base import MAX_LABELS

MOST = 0.9
"""Fraction of the cells that decide what a column is."""

_COMMA_NUMBER = re.compile(r"[+-]?\d+(,\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
_NUMERIC = re.compile(r"[+-]?[\d.,]*\d[\d.,]*")
_MAX_ITEM_WORDS = 4  # mean words of the labels in lists; phrases of a sentence have more


def number(cell: Any) -> float | None:
    """Return the finite number of a cell with a decimal point, or None."""
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        return None
    try:
        value = float(cell)
    except (ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def comma_number(cell: Any) -> float | None:
    """Return the finite number of a text with a decimal comma or of a whole number, or None."""
    is_match = isinstance(cell, str) and _COMMA_NUMBER.fullmatch(cell)
    return number(str(cell).replace(",", ".")) if is_match else None


def mostly(matches: Callable[[Any], bool], cells: Sequence[Any]) -> bool:
    """Return whether the cells that do not match are few enough to be mistakes."""
    return sum(map(matches, cells)) >= MOST * len(cells)


def has_comma_numbers(cells: Sequence[Any]) -> bool:
    """Return whether most cells are numbers, and more of them have commas than points."""
    commas = [cell for cell in cells if "," in str(cell) and _is_comma_number(cell)]
    points = sum("." in str(cell) and number(cell) is not None for cell in cells)
    return len(commas) > points and mostly(_is_comma_number, cells)


def has_thousands_only(cells: Sequence[Any]) -> bool:
    """Return whether the comma of each number can stand between thousands, as in `1,234`."""
    numbers = [str(cell) for cell in cells if _is_comma_number(cell)]
    return all(_THOUSANDS.fullmatch(text) for text in numbers if "," in text)


def looks_numeric(cell: Any) -> bool:
    """Return whether a cell has nothing but digits, points and commas, or is a number."""
    return number(cell) is not None or bool(_NUMERIC.fullmatch(str(cell)))


def is_comma_list(cells: Sequence[Any]) -> bool:
    """Return whether commas separate labels that repeat, also outside of the same cell.

    `Doe, Jane` is no list, however often it occurs, unless `Doe` or `Jane` occurs without the
    other.
    """
    distinct = {cell: split_items(cell) for cell in cells if isinstance(cell, str)}
    lists = [items for items in distinct.values() if len(items) > 1]
    counts = Counter(item for cell in cells for item in distinct.get(cell, ()))
    if not lists or not 1 < len(counts) <= MAX_LABELS:
        return False
    spread = Counter(item for items in distinct.values() for item in items)
    shared = sum(any(spread[item] > 1 for item in items) for items in lists)
    repeated = sum(count > 1 for count in counts.values())
    words = sum(len(item.split()) * count for item, count in counts.items()) / counts.total()
    return 2 * shared > len(lists) and 2 * repeated >= len(counts) and words <= _MAX_ITEM_WORDS


def split_items(text: str, separator: str = ",") -> list[str]:
    """Return the labels of a list in a text, each once, without brackets and quotes."""
    items = (item.strip().strip("'\"").strip() for item in text.strip("[]").split(separator))
    return list(dict.fromkeys(item for item in items if item))


def _is_comma_number(cell: Any) -> bool:
    if not isinstance(cell, str):
        return number(cell) is not None
    return bool(_COMMA_NUMBER.fullmatch(cell) or _THOUSANDS.fullmatch(cell))
