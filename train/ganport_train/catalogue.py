"""Recipes by name: those shipped in the package, a user's own file, and overrides on top."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from ganport_train.options import RecipeError, parse
from ganport_train.recipe import Recipe

SHIPPED = Path(str(resources.files("ganport_train") / "recipes"))
_MAX_DEPTH = 8


def names() -> list[str]:
    """Every shipped recipe, sorted."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def load(name: str, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe of a name or a file, with `key=value` overrides, resolved and validated.

    Raises RecipeError naming the file or the override, the option, and what it may be.
    """
    path = _find(name, Path())
    recipe = parse(Recipe, _resolve(path), place=path.name)
    if not overrides:
        return recipe
    return parse(Recipe, override(recipe.to_json(), overrides), place="--set")


def override(tables: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """The tables with each `section.option=value` put in; values are read as TOML, else as text."""
    result: dict[str, Any] = {key: _copy(value) for key, value in tables.items()}
    for text in overrides:
        name, equals, value = text.partition("=")
        *sections, last = name.strip().split(".")
        if not equals or not last or not all(sections):
            raise RecipeError(
                "--set",
                expected="section.option=value, e.g. network.features=16",
                found=repr(text),
                fix="Write it so, once for each option.",
            )
        table = result
        for section in sections:
            table = table.setdefault(section, {})
            if not isinstance(table, dict):
                raise RecipeError(
                    f"--set {name}",
                    expected="an option of a section",
                    found=f"{section}, which is no section",
                    fix="Run with --dry-run to see every section and option.",
                )
        table[last] = _read_value(value.strip())
    return result


def _copy(value: Any) -> Any:
    return {key: _copy(inner) for key, inner in value.items()} if isinstance(value, dict) else value


def _read_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _find(name: str, beside: Path) -> Path:
    """The file of a recipe: a shipped name, or a path (relative ones from `beside`)."""
    if name in names():
        return SHIPPED / f"{name}.toml"
    path = beside / name
    if path.suffix == ".toml" and path.is_file():
        return path
    nearest = difflib.get_close_matches(name, names(), n=1)
    raise RecipeError(
        f"recipe {name!r}",
        expected="a .toml file, or one of " + ", ".join(names()),
        found="neither",
        fix=f"Did you mean {nearest[0]!r}?" if nearest else "See train-gan --list.",
    )


def _resolve(path: Path, depth: int = 0) -> dict[str, Any]:
    """The tables of a file laid over those of the recipe it extends."""
    if depth > _MAX_DEPTH:
        raise RecipeError(
            f"{path.name}: extends",
            expected=f"at most {_MAX_DEPTH} recipes in a chain",
            found="a longer chain, or a circle",
            fix="Let no recipe extend itself.",
        )
    tables = _read(path)
    parent = tables.pop("extends", None)
    if parent is None:
        return tables
    if not isinstance(parent, str):
        raise RecipeError(
            f"{path.name}: extends",
            expected="the name or file of a recipe",
            found=repr(parent),
            fix="Name one, as a text.",
        )
    return _merge(_resolve(_find(parent, path.parent), depth + 1), tables)


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both and key != "conditions" else value
    return merged


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(
            str(path), expected="a TOML file in UTF-8", found=str(error), fix="Mend the file."
        ) from None
