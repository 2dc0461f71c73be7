"""What a column of a table conditions: one label, several labels, a color, a number, or nothing."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ganport_runtime.conditions import MultiHot, OneHot, Rgb, Scalar
from ganport_runtime.conditions.colors import is_hex
from ganport_runtime.conditions.groups import ConditionGroup
from ganport_train.data.formats.base import MAX_LABELS
from ganport_train.data.formats.cells import (
    comma_number,
    has_comma_numbers,
    has_thousands_only,
    is_comma_list,
    looks_numeric,
    mostly,
    number,
    split_items,
)
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
_LIST = re.compile(r"\[.*\]")
_SHORT_HEX = re.compile(r"#[0-9A-Fa-f]{3,8}")

Value = str | float | list[str]


@dataclass(frozen=True)
class Column:
    """A column that conditions images.

    `parse` returns the value of a cell, which is None in a row without it, or raises
    `EntryError`. `group` returns the condition group of all values. `doubts` are the assumptions
    about its cells that may be wrong, for warnings.
    """

    name: str
    parse: Callable[[Any], Value]
    group: Callable[[Sequence[Any]], ConditionGroup]
    doubts: tuple[EntryError, ...] = ()


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
    if mostly(is_hex, filled):
        return Column(name, partial(_color, name), partial(_color_group, name))
    if (split := _splitter(name, filled, separator)) is not None:
        return Column(name, partial(_items, separator=split), partial(_list_group, name))
    is_class = normalize(name) in _CLASS_NAMES
    if not is_class and (found := _find_with_commas(name, filled, separator)) is not None:
        if isinstance(found, Column) or not is_requested:
            return found
    elif not is_class and mostly(_is_number, filled):
        return Column(name, partial(_scalar, name), partial(scalar_group, name))
    reason = None if is_requested else _reason(filled)
    doubts = tuple(_label_doubts(name, filled, is_class=is_class))
    return reason or Column(name, partial(_label, name), partial(_label_group, name), doubts)


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


def _find_with_commas(name: str, cells: Sequence[Any], separator: str) -> Column | str | None:
    """Return what a column of texts with commas conditions, or why nothing; None for another."""
    if not has_comma_numbers(cells):
        return _comma_list(name, cells) if is_comma_list(cells) else None
    such = f"such as {quote(_with_comma(cells)[0])}"
    if has_thousands_only(cells):
        return f"its commas may stand for points or between thousands, {such}: write no commas"
    if separator == ",":
        return f"its cells may be numbers or lists, {such}: write decimal points, or | in lists"
    found = f"decimal commas in {quote(name)}, {such}"
    doubt = EntryError("decimal points", found, f"The cells of {quote(name)} are read as numbers.")
    return Column(name, partial(_comma_scalar, name), partial(scalar_group, name), (doubt,))


def _comma_list(name: str, cells: Sequence[Any]) -> Column:
    found = f"commas in {quote(name)}, such as {quote(_with_comma(cells)[0])}"
    fix = f"The cells of {quote(name)} are read as lists."
    doubt = EntryError("`|` between the labels of a list", found, fix)
    parse = partial(_items, separator=",")
    return Column(name, parse, partial(_list_group, name), (doubt,))


def _label_doubts(name: str, cells: Sequence[Any], *, is_class: bool) -> Iterator[EntryError]:
    """Yield why the cells of a column that is read as labels may be something else."""
    fix = f"The cells of {quote(name)} are read as labels."
    texts = list(map(_text, cells))
    if commas := _with_comma(texts):
        found = f"{len(commas):,} with commas in {quote(name)}, such as {quote(commas[0])}"
        yield EntryError("labels without commas", found, f"{fix} Write | between those of a list.")
    if colors := [text for text in texts if _SHORT_HEX.fullmatch(text)]:
        other = next((text for text in texts if not is_hex(text)), colors[0])
        found = f"other texts in {quote(name)}, such as {quote(other)}"
        yield EntryError("colors such as #ff88cc", found, f"{fix} Write each color as #rrggbb.")
    others = [text for text in texts if not looks_numeric(text)]
    if not is_class and others and 2 * len(others) <= len(texts):
        found = f"other texts in {quote(name)}, such as {quote(others[0])}"
        yield EntryError("numbers", found, f"{fix} Write a number in each cell to use numbers.")


def _with_comma(cells: Sequence[Any]) -> list[str]:
    return [cell for cell in cells if isinstance(cell, str) and "," in cell]


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
    if isinstance(cell, str) and separator:
        return split_items(cell, separator)
    items = cell if isinstance(cell, list) else [cell]
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


def _comma_scalar(name: str, cell: Any) -> float:
    text = require(name, cell)
    value = comma_number(text) if isinstance(text, str) else number(text)
    if value is None:
        raise EntryError("a number with a decimal comma", quote(str(cell)), "Fix the cell.")
    return value


def _scalar(name: str, cell: Any) -> float:
    value = number(require(name, cell))
    if value is None:
        raise EntryError("a number", quote(str(cell)), "Fix the cell.")
    return value
