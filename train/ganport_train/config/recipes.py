"""Recipe files: the shipped ones by name, files of a user, inheritance and overrides."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from ganport_runtime.values import repr_short, sanitize, suggestion
from ganport_train.config.parsing import RecipeError, parse
from ganport_train.config.recipe import Recipe

_MAX_BYTES = 2**20
_MAX_DEPTH = 8


@dataclass(frozen=True)
class TomlRegistry:
    """The shipped TOML files of one kind, by name."""

    kind: str
    folder: str
    """Folder in the package."""
    list_command: str

    @property
    def path(self) -> Path:
        """The folder of the shipped files."""
        return Path(str(resources.files("ganport_train") / self.folder))

    def names(self) -> list[str]:
        """Return the names of the shipped files, sorted, without suffix."""
        return sorted(path.stem for path in self.path.glob("*.toml"))

    def find(self, name: str, base: Path) -> Path:
        """Return the file of a shipped name, or of a path relative to `base`.

        Raise RecipeError, with the nearest name, if neither exists.
        """
        names = self.names()
        if name in names:
            return self.path / f"{name}.toml"
        path = base / name
        kind = _path_kind(path)
        if path.suffix == ".toml" and kind == "a file":
            return path
        raise RecipeError(
            f"{self.kind} {repr_short(name)}",
            expected=f"a .toml file, or one of {', '.join(names)}",
            found=kind if path.suffix == ".toml" else "neither",
            fix=suggestion(name, names, f"See {self.list_command}."),
        )


RECIPES = TomlRegistry("recipe", "recipes", "train-gan --list")


def names() -> list[str]:
    """Return the names of the shipped recipes, sorted."""
    return RECIPES.names()


def load(name: str, overrides: Sequence[str] = (), base: Path = Path()) -> Recipe:
    """Return the recipe of a name or file with `section.option=value` overrides.

    A path is relative to `base`. Raise RecipeError, with the file or the override, the option and
    the values that it accepts.
    """
    path = RECIPES.find(name, base)
    recipe = parse(Recipe, _resolve(path), place=path.name)
    if not overrides:
        return recipe
    return parse(Recipe, override(recipe.to_json(), overrides), place="--set")


def find_base(name: str, base: Path = Path()) -> str:
    """Return the shipped recipe that a recipe is or extends; empty if there is none."""
    if name in names():
        return name
    path = RECIPES.find(name, base)
    parent = read_toml(path).get("extends")
    return find_base(parent, path.parent) if parent else ""


def override(tables: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Return the tables with each `section.option=value`; a value is TOML, or else text.

    A table is merged with its section, as a file is with the one that it extends.
    """
    result: dict[str, Any] = copy.deepcopy(dict(tables))
    for text in overrides:
        name, equals, value = text.partition("=")
        name = name.strip()
        *sections, last = name.split(".")
        if not equals or not last or not all(sections):
            raise RecipeError(
                "--set",
                expected="section.option=value, e.g. network.base_channels=16",
                found=repr_short(text),
                fix="Use this form, once for each option.",
            )
        table = result
        for section in sections:
            table = table.setdefault(section, {})
            if not isinstance(table, dict):
                raise RecipeError(
                    f"--set {sanitize(name)}",
                    expected="an option of a section",
                    found=f"{sanitize(section)}, which is not a section",
                    fix="Run with --dry-run to see all sections and options.",
                )
        parsed = _parse_toml_value(value.strip(), f"--set {sanitize(name)}")
        table[last] = _merge_section(last, table.get(last), parsed)
    return result


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file; raise RecipeError if it cannot be read."""
    try:
        size = path.stat().st_size
        if size > _MAX_BYTES:
            raise RecipeError(
                str(path),
                expected=f"a file of at most {_MAX_BYTES:,} bytes",
                found=f"{size:,} bytes",
                fix="Name another file.",
            )
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise _toml_error(str(path), error) from None


def _resolve(path: Path, depth: int = 0) -> dict[str, Any]:
    """Return the tables of a file merged with those of the recipe that it extends."""
    place = f"{path.name}: extends"
    if depth > _MAX_DEPTH:
        raise RecipeError(
            place,
            expected=f"a chain of at most {_MAX_DEPTH} recipes",
            found="a longer chain, or a cycle",
            fix="Remove the cycle.",
        )
    tables = read_toml(path)
    parent = tables.pop("extends", None)
    if parent is None:
        return tables
    if not isinstance(parent, str):
        expected = "the name or file of a recipe"
        raise RecipeError(place, expected, repr_short(parent), "Name one, as a text.")
    below = _resolve(RECIPES.find(parent, path.parent), depth + 1)
    return below | {key: _merge_section(key, below.get(key), tables[key]) for key in tables}


def _merge_section(name: str, below: Any, above: Any) -> Any:
    """Return a section merged with the one below; a vocabulary replaces the one below."""
    are_tables = isinstance(below, dict) and isinstance(above, dict)
    return below | above if are_tables and name != "conditions" else above


def _parse_toml_value(text: str, place: str) -> Any:
    try:
        tables = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    except (ValueError, RecursionError) as error:
        raise _toml_error(place, error) from None
    if len(tables) != 1:
        found = f"{repr_short(text)}, which sets several options"
        raise RecipeError(place, "one value", found, "Use one --set for each option.")
    return tables["value"]


def _toml_error(place: str, error: Exception) -> RecipeError:
    if isinstance(error, OSError | UnicodeDecodeError | tomllib.TOMLDecodeError):
        found = sanitize(str(error), 200)
    elif isinstance(error, RecursionError):
        found = "lists or tables nested too deeply"
    else:  # int() limits the number of digits
        found = "a number of thousands of digits"
    return RecipeError(place, "TOML in UTF-8", found, "Correct it there.")


def _path_kind(path: Path) -> str:
    try:
        if path.is_file():
            return "a file"
        return "a folder" if path.is_dir() else "neither"
    except OSError as error:  # e.g. a name that is too long, or a folder without permission
        return error.strerror or "neither"
