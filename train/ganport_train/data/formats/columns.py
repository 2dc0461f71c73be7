"""What a column of a table conditions: one label, several labels, a color, a number, or nothing."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ganport_runtime.conditions import MultiHot, OneHot, Rgb, Scalar
from ganport_runtime.conditions.colors import is_hex
from ganport_runtime.conditions.groups import ConditionGroup
from ganport_train.data.formats.base import MAX_LABELS
from ganport_train.data.formats.records import normalize
from ganport_train.data.issues import EntryError, quote

RGB_RANGE = (-1.0, 1.0)
"""Numbers that stand for the channels 0 and 255, as in the recipes with colors."""

_CLASS_NAMES = frozenset({"label", "class", "category", "class_id", "label_id", "target"})
_LIST_NAMES = frozenset({"tags", "labels", "attributes", "keywords", "objects"})
_OTHER_NAMES = frozenset(
    {"split", "partition", "subset", "fold", "index", "unnamed:_0", "width", "height"}
)
_FEW_ROWS = 20  # below which a value of its own in each row says nothing
_MAX_WORDS = 5  # mean words of a label
_MOST = 0.9  # fraction of the cells that decide what a column is
_LIST = re.compile(r"\[.*\]")

Value = str | float | list[str]


@dataclass(frozen=True)
class Column:
    """A column that conditions images.

    `parse` returns the value of a cell, which is None in a row without it, or raises
    `EntryError`. `group` returns the condition group of all values.
    """

    name: str
    parse: Callable[[Any], Value]
    group: Callable[[Sequence[Any]], ConditionGroup]


def find_column(
    name: str, cells: Sequence[Any], separator: str, *, is_requested: bool = False
) -> Column | str:
    """Return what the column `name` conditions, or the reason why it conditions nothing.

    `cells` are its values, those of CSV as text, and `separator` that of the table's fields. The
    texts of a requested column are labels, whatever they look like.
    """
    if normalize(name) in _OTHER_NAMES and not is_requested:
        return "it describes the file"
    filled = [cell for cell in cells if not _is_empty(cell)]
    if not filled:
        return "all its cells are empty"
    if any(isinstance(cell, dict) for cell in filled):
        return "it holds objects"
    if _mostly(is_hex, filled):
        return Column(name, partial(_color, name), partial(_color_group, name))
    if (split := _splitter(name, filled, separator)) is not None:
        return Column(name, partial(_items, separator=split), partial(_list_group, name))
    if normalize(name) not in _CLASS_NAMES and _mostly(_is_number, filled):
        return Column(name, partial(_scalar, name), partial(scalar_group, name))
    reason = None if is_requested else _reason(filled)
    return reason or Column(name, partial(_label, name), partial(_label_group, name))


def number(cell: Any) -> float | None:
    """Return the finite number of a cell, or None."""
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        return None
    try:
        value = float(cell)
    except (ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def scalar_group(name: str, values: Sequence[float]) -> Scalar:
    """Return the group of a number with the range of `values`."""
    low, high = min(values), max(values)
    mean = min(max(sum(values) / len(values), low), high)
    # A constant number still needs a range of positive width.
    margin = 0.0 if low < high else max(0.5, abs(low) / 2)
    return Scalar(name, mean, low - margin, high + margin)


def require(name: str, cell: Any) -> Any:
    """Return the cell of the column `name`; raises `EntryError` if it is empty."""
    if _is_empty(cell):
        fix = "Fill the cell or remove the line."
        raise EntryError(f"a value for {quote(name)}", "an empty cell", fix)
    return cell


def _reason(cells: Sequence[Any]) -> str | None:
    """Return why the texts of a column are no labels, or None."""
    texts = Counter(map(_text, cells))
    if len(cells) >= _FEW_ROWS and 2 * len(texts) > len(cells):
        return "most of its texts occur once"
    words = sum(len(text.split()) for text in texts) / len(texts)
    if words > _MAX_WORDS:
        return "its texts are sentences"
    return f"it has more than {MAX_LABELS:,} labels" if len(texts) > MAX_LABELS else None


def _mostly(matches: Callable[[Any], bool], cells: Sequence[Any]) -> bool:
    """Return whether the cells that do not match are few enough to be mistakes."""
    return sum(map(matches, cells)) >= _MOST * len(cells)


def _is_number(cell: Any) -> bool:
    return number(cell) is not None


def _is_empty(cell: Any) -> bool:
    return cell is None or cell == ""


def _text(cell: Any) -> str:
    if isinstance(cell, bool | int | float):
        return json.dumps(cell)
    return str(cell)


def _label(name: str, cell: Any) -> str:
    return _text(require(name, cell))


def _label_group(name: str, values: Sequence[str]) -> OneHot:
    labels = sorted(set(values))
    if all(label.isdecimal() for label in labels):
        labels.sort(key=int)
    return OneHot(name, tuple(labels))


def _splitter(name: str, cells: Sequence[Any], separator: str) -> str | None:
    """Return the separator of the items of a list; "" for lists of JSON, None for no list."""
    texts = [cell for cell in cells if isinstance(cell, str)]
    if len(texts) < len(cells):
        return "" if any(isinstance(cell, list) for cell in cells) else None
    if all(map(_LIST.fullmatch, texts)):
        return ","
    candidates = [mark for mark in ("|", ";") if mark != separator]
    candidates += [","] if normalize(name) in _LIST_NAMES else []
    return next((mark for mark in candidates if _is_list(texts, mark)), None)


def _is_list(texts: Sequence[str], separator: str) -> bool:
    """Return whether a separator splits some texts, and into labels that repeat."""
    if not any(separator in text for text in texts):
        return False
    items = [item for text in texts for item in _items(text, separator)]
    return len(items) < _FEW_ROWS or 2 * len(set(items)) <= len(items)


def _items(cell: Any, separator: str) -> list[str]:
    if _is_empty(cell):
        return []
    items = cell if isinstance(cell, list) else [cell]
    if isinstance(cell, str) and separator:
        items = cell.strip("[]").split(separator)
    if any(isinstance(item, list | dict) for item in items):
        raise EntryError("a list of labels", "a list of lists or objects", "Flatten the list.")
    labels = (_text(item).strip().strip("'\"").strip() for item in items if item is not None)
    return list(dict.fromkeys(label for label in labels if label))


def _list_group(name: str, values: Sequence[list[str]]) -> MultiHot:
    labels = sorted({label for items in values for label in items})
    return MultiHot(name, tuple(labels), (), max(1, *map(len, values)))


def _color(name: str, cell: Any) -> str:
    if not is_hex(require(name, cell)):
        raise EntryError("a color such as #ff88cc", quote(str(cell)), "Fix the cell.")
    return str(cell).lower()


def _color_group(name: str, values: Sequence[str]) -> Rgb:
    return Rgb(name, Counter(values).most_common(1)[0][0], RGB_RANGE)


def _scalar(name: str, cell: Any) -> float:
    value = number(require(name, cell))
    if value is None:
        raise EntryError("a number", quote(str(cell)), "Fix the cell.")
    return value
