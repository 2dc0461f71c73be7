"""Options: TOML tables parsed into frozen dataclasses, and the list of all options.

This is not msgspec, which stops at the first fault and reports neither the value found nor the
nearest option, nor pydantic, which would add a compiled dependency to training for 80 lines.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from ganport_models.resolution import RULE, Resolution, is_resolution, simplify
from ganport_runtime.errors import GanportError
from ganport_runtime.values import repr_short, sanitize, suggestion

T = TypeVar("T")
_TYPE_NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


class RecipeError(GanportError):
    """A recipe, or one of its options, that cannot be used."""

    exit_code = 2
    default_fix = "Change it there, or override it with --set."

    @classmethod
    def from_value(cls, place: str, expected: str, value: object) -> RecipeError:
        """Return the error for a value of an option."""
        return cls(place, expected, repr_short(value))

    def within(self, location: str) -> RecipeError:
        """Return the same error with a location in front of its place."""
        return RecipeError(f"{location}: {self.place}", self.expected, self.found, self.fix)


@dataclass(frozen=True)
class Constraint:
    """Documentation of an option, and the values that it accepts beyond its type."""

    doc: str
    ge: float = -math.inf
    le: float = math.inf
    choices: tuple[str, ...] = ()
    max_length: int = 0
    """Largest number of characters of a one-line text; 0 = any text."""

    def __str__(self) -> str:
        if self.max_length:
            return f"one printable line of at most {self.max_length} characters"
        is_finite = math.isfinite(self.le)
        numbers = f"{format_number(self.ge)} to {format_number(self.le)}" if is_finite else ""
        return " | ".join((*self.choices, *([numbers] if numbers else [])))

    def check(self, value: Any, place: str) -> None:
        """Raise RecipeError for a value that the option does not accept."""
        if self.choices and isinstance(value, str) and value not in self.choices:
            fix = suggestion(value, self.choices, "Use one of them.")
            raise RecipeError(place, f"one of {', '.join(self.choices)}", repr_short(value), fix)
        if isinstance(value, int | float):
            if value < self.ge:
                expected = f"a number of at least {format_number(self.ge)}"
                raise RecipeError.from_value(place, expected, value)
            if value > self.le:
                expected = f"a number of at most {format_number(self.le)}"
                raise RecipeError.from_value(place, expected, value)
        elif self.max_length and not (len(value) <= self.max_length and value.isprintable()):
            raise RecipeError.from_value(place, str(self), value)


def format_number(value: float) -> str:
    """Return a number as TOML writes it, an integer with every digit."""
    return f"{value:_}" if isinstance(value, int) else f"{value:g}"


def option(default: Any, doc: str, **constraint: Any) -> Any:
    """Return a dataclass field with a `Constraint`; `MISSING` = a required option."""
    return field(default=default, metadata=documented(doc, **constraint))


def documented(doc: str, **constraint: Any) -> dict[str, Constraint]:
    """Return the metadata of a dataclass field that is an option."""
    return {"constraint": Constraint(doc, **constraint)}


def parse(kind: type[T], table: Mapping[str, Any], *, place: str, prefix: str = "") -> T:
    """Return an instance of the dataclass `kind` from a table such as a TOML section.

    `place` is the file or command-line option that the table comes from. Raise RecipeError, with
    the name of the option, for an unknown key, a wrong type, a value out of range or a missing
    value.
    """
    assert is_dataclass(kind)
    entries = {entry.name: entry for entry in fields(kind)}
    hints = get_type_hints(kind)
    for key in table:
        if key not in entries:
            raise _unknown_option(place, prefix + key, [prefix + name for name in entries])
    values: dict[str, Any] = {}
    for name, entry in entries.items():
        if name in table:
            values[name] = _parse_value(entry, hints[name], table[name], place, prefix + name)
        elif entry.default is MISSING and entry.default_factory is MISSING:
            raise RecipeError(f"{place}: {prefix}{name}", "a value", "none", f"Add {prefix}{name}.")
    return kind(**values)


def describe(kind: type) -> list[str]:
    """Return one line for each option of the dataclass `kind` and its sections, in columns.

    A line has `section.option`, the default as TOML writes it, the documentation, and the range or
    the choices: `data.resolution  64  height and width in pixels; a power of two from ...`.
    """
    rows = list(_describe_rows(kind, ""))
    name_width, default_width = (max(len(row[column]) for row in rows) for column in (0, 1))
    return [
        f"{name:<{name_width}}  {default:<{default_width}}  {doc}" for name, default, doc in rows
    ]


def _describe_rows(kind: type, prefix: str) -> Iterator[tuple[str, str, str]]:
    assert is_dataclass(kind)
    hints = get_type_hints(kind)
    for entry in fields(kind):
        if is_dataclass(hints[entry.name]):
            yield from _describe_rows(hints[entry.name], f"{prefix}{entry.name}.")
            continue
        constraint = entry.metadata["constraint"]
        allowed = f"; {constraint}" if str(constraint) else ""
        allowed += " | true | false" if bool in get_args(hints[entry.name]) else ""
        yield prefix + entry.name, _describe_default(entry), constraint.doc + allowed


def _describe_default(entry: Field[Any]) -> str:
    if entry.default_factory is not MISSING:
        return json.dumps(entry.default_factory())
    return "required" if entry.default is MISSING else json.dumps(entry.default)


def _parse_value(entry: Field[Any], kind: Any, value: Any, file: str, name: str) -> Any:
    place = f"{file}: {name}"
    if is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, Mapping):
            raise RecipeError.from_value(place, "a table", value)
        return parse(kind, value, place=file, prefix=f"{name}.")
    if get_origin(kind) is dict:
        is_nested = get_origin(get_args(kind)[1]) is dict
        return (_parse_nested_texts if is_nested else _parse_label_lists)(value, place)
    if get_origin(kind) is tuple:
        return _parse_labels(value, place)
    if kind == Resolution:
        return _parse_resolution(value, place)
    constraint = entry.metadata.get("constraint", Constraint(""))
    value = _parse_scalar(kind, value, place, constraint.choices)
    constraint.check(value, place)
    return value


def _parse_scalar(kind: Any, value: Any, place: str, choices: tuple[str, ...]) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            value = float(value)
        except OverflowError:
            raise RecipeError.from_value(place, "a finite number", value) from None
    members = get_args(kind)
    is_word = bool(members) and isinstance(value, str) and value not in choices
    if type(value) not in (members or (kind,)) or is_word:
        names = [_TYPE_NAMES[member] for member in members if member is not str]
        expected = f"{', '.join(choices)} or {names[0]}" if members else _TYPE_NAMES[kind]
        raise RecipeError.from_value(place, expected, value)
    if isinstance(value, float) and not math.isfinite(value):
        raise RecipeError.from_value(place, "a finite number", value)
    # A command line can contain unpaired surrogates, which no UTF-8 file can hold.
    if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise RecipeError.from_value(place, "text that UTF-8 can encode", value)
    return value


def _parse_resolution(value: Any, place: str) -> Resolution:
    """Return a side, or (height, width), that networks can have."""
    sides = tuple(value) if isinstance(value, list | tuple) else (value, value)
    if not (len(sides) == 2 and all(type(side) is int for side in sides) and is_resolution(sides)):
        raise RecipeError.from_value(place, f"a number or [height, width], {RULE}", value)
    return simplify(sides)


def _parse_label_lists(value: Any, place: str) -> dict[str, tuple[str, ...]]:
    """Return a table of lists of labels, e.g. `hair = ["pink", "black"]`."""
    if not isinstance(value, Mapping):
        raise RecipeError.from_value(place, "a table of lists of labels", value)
    for key, labels in value.items():
        if not (_is_label(key) and labels):
            name = f"{place}.{sanitize(key)}"
            raise RecipeError.from_value(name, "a list of printable labels", labels)
    return {key: _parse_labels(labels, f"{place}.{sanitize(key)}") for key, labels in value.items()}


def _parse_nested_texts(value: Any, place: str) -> dict[str, dict[str, str]]:
    """Return a table of tables of texts, e.g. `hair = {pink = "#ff88cc"}`."""
    is_table = isinstance(value, Mapping) and all(
        _is_label(key) and isinstance(texts, Mapping) for key, texts in value.items()
    )
    if not is_table or not all(
        _is_label(text) for texts in value.values() for pair in texts.items() for text in pair
    ):
        raise RecipeError.from_value(place, "tables of printable texts", value)
    return {key: dict(texts) for key, texts in value.items()}


def _parse_labels(value: Any, place: str) -> tuple[str, ...]:
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    if not is_list or not all(_is_label(label) for label in value):
        raise RecipeError.from_value(place, "a list of printable labels", value)
    if len(set(value)) != len(value):
        raise RecipeError.from_value(place, "each label once", value)
    return tuple(value)


def _is_label(label: Any) -> bool:
    return isinstance(label, str) and label != "" and label.isprintable()


def _unknown_option(place: str, name: str, known: list[str]) -> RecipeError:
    place, expected = f"{place}: {sanitize(name)}", f"one of {', '.join(known)}"
    return RecipeError(place, expected, "an unknown option", suggestion(name, known, "Remove it."))
