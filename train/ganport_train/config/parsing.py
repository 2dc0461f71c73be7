"""Plain tables to frozen dataclasses, every fault named by its option."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from ganport_runtime.errors import GanportError
from ganport_runtime.values import repr_short, sanitize

T = TypeVar("T")


class RecipeError(GanportError):
    """A recipe, or a setting of it, that cannot be used; usage is at fault."""

    exit_code = 2


@dataclass(frozen=True)
class Rule:
    """What a value may be beyond its type."""

    doc: str
    least: float = -math.inf
    most: float = math.inf
    choices: tuple[str, ...] = ()
    power_of_two: bool = False
    longest: int = 0
    """Most characters of a text on one printable line; 0 = any text."""

    @property
    def range(self) -> str:
        """What beyond its type a number or text must be, in words; empty when it is free."""
        if self.longest:
            return f"one printable line of at most {self.longest} characters"
        if not math.isfinite(self.most):
            return ""
        kind = "a power of two from " if self.power_of_two else ""
        return f"{kind}{number(self.least)} to {number(self.most)}"


def number(value: float) -> str:
    """A bound as TOML writes it, an integer with every digit."""
    return f"{value:_}" if isinstance(value, int) else f"{value:g}"


def option(default: Any, doc: str, **rule: Any) -> Any:
    """A dataclass field with its documentation and its `Rule`; MISSING = it must be given."""
    return field(default=default, metadata={"rule": Rule(doc, **rule)})


def parse(kind: type[T], table: Mapping[str, Any], *, place: str, prefix: str = "") -> T:
    """An instance of the dataclass `kind` from a table such as a TOML section.

    Raises RecipeError naming the option for an unknown key, a wrong type, a value out of range
    or a missing one; `place` is the file or command-line option the table came from.
    """
    assert is_dataclass(kind)
    known = {entry.name: entry for entry in fields(kind)}
    hints = get_type_hints(kind)
    for key in table:
        if key not in known:
            raise _unknown(place, prefix + key, [prefix + name for name in known])
    values: dict[str, Any] = {}
    for name, entry in known.items():
        if name in table:
            values[name] = _value(entry, hints[name], table[name], place, prefix + name)
        elif entry.default is MISSING and entry.default_factory is MISSING:
            raise RecipeError(
                f"{place}: {prefix}{name}",
                expected="a value",
                found="none",
                fix=f"Add {prefix}{name}.",
            )
    return kind(**values)


def _value(entry: Field[Any], kind: Any, value: Any, place: str, name: str) -> Any:
    if is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, Mapping):
            raise _wrong(place, name, "a table", value)
        return parse(kind, value, place=place, prefix=f"{name}.")
    if get_origin(kind) is dict:
        tables = get_origin(get_args(kind)[1]) is dict
        return (_table_of_tables if tables else _table_of_names)(value, place, name)
    if get_origin(kind) is tuple:
        return _list_of_names(value, place, name)
    value = _scalar(kind, value, place, name)
    rule = entry.metadata.get("rule")
    if isinstance(rule, Rule):
        _check_rule(rule, value, place, name)
    return value


def _scalar(kind: Any, value: Any, place: str, name: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = _float(value, place, name)
    if type(value) is not kind:
        wanted = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
        raise _wrong(place, name, wanted[kind], value)
    if isinstance(value, float) and not math.isfinite(value):
        raise _wrong(place, name, "a finite number", value)
    # Halves of surrogate pairs: a command line can bring them, and no file can hold them.
    if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise _wrong(place, name, "text that UTF-8 can hold", value)
    return value


def _float(value: int, place: str, name: str) -> float:
    try:
        return float(value)
    except OverflowError:
        raise _wrong(place, name, "a finite number", value) from None


def _table_of_names(value: Any, place: str, name: str) -> dict[str, tuple[str, ...]]:
    """A table of lists of labels, e.g. `hair = ["pink", "black"]`."""
    if not isinstance(value, Mapping):
        raise _wrong(place, name, "a table of lists of labels", value)
    for key, labels in value.items():
        if not (_is_word(key) and labels):
            raise _wrong(place, f"{name}.{sanitize(key)}", "a list of labels, printable", labels)
    return {
        key: _list_of_names(labels, place, f"{name}.{sanitize(key)}")
        for key, labels in value.items()
    }


def _table_of_tables(value: Any, place: str, name: str) -> dict[str, dict[str, str]]:
    """A table of tables of texts, e.g. `hair = {pink = "#ff88cc"}`."""
    good = isinstance(value, Mapping) and all(
        _is_word(key) and isinstance(texts, Mapping) for key, texts in value.items()
    )
    if not good or not all(
        _is_word(word) for texts in value.values() for pair in texts.items() for word in pair
    ):
        raise _wrong(place, name, "tables of texts, printable", value)
    return {key: dict(texts) for key, texts in value.items()}


def _list_of_names(value: Any, place: str, name: str) -> tuple[str, ...]:
    good = isinstance(value, Sequence) and not isinstance(value, str)
    if not good or not all(_is_word(word) for word in value):
        raise _wrong(place, name, "a list of labels, printable", value)
    if len(set(value)) != len(value):
        raise _wrong(place, name, "each label once", value)
    return tuple(value)


def _is_word(label: Any) -> bool:
    return isinstance(label, str) and label != "" and label.isprintable()


def _check_rule(rule: Rule, value: Any, place: str, name: str) -> None:
    if rule.choices and value not in rule.choices:
        nearest = difflib.get_close_matches(value[:100], rule.choices, n=1)
        hint = f"Did you mean {nearest[0]!r}?" if nearest else "Choose one of them."
        raise RecipeError(
            f"{place}: {name}",
            expected="one of " + ", ".join(rule.choices),
            found=repr_short(value),
            fix=hint,
        )
    if isinstance(value, int | float) and not rule.least <= value <= rule.most:
        low = value < rule.least
        bound = f"at least {number(rule.least)}" if low else f"at most {number(rule.most)}"
        raise _wrong(place, name, f"a number of {bound}", value)
    if rule.longest and not (len(value) <= rule.longest and value.isprintable()):
        raise _wrong(place, name, rule.range, value)
    if rule.power_of_two and value & (value - 1):
        raise _wrong(place, name, rule.range, value)


def _unknown(place: str, name: str, known: list[str]) -> RecipeError:
    nearest = difflib.get_close_matches(name[:100], known, n=1)
    return RecipeError(
        f"{place}: {sanitize(name)}",
        expected="one of " + ", ".join(known),
        found="an unknown option",
        fix=f"Did you mean {nearest[0]!r}?" if nearest else "Take it out.",
    )


def _wrong(place: str, name: str, expected: str, value: Any) -> RecipeError:
    return RecipeError(
        f"{place}: {name}",
        expected=expected,
        found=repr_short(value),
        fix="Mend it there, or override it with --set.",
    )
