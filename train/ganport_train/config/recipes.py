"""Recipes by name: those shipped in the package, a user's own file, and overrides on top."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganport_runtime.values import repr_short, sanitize
from ganport_train.config.parsing import RecipeError, parse
from ganport_train.config.recipe import Recipe
from ganport_train.config.toml_registry import Shelf, read, unreadable

RECIPES = Shelf("recipe", "recipes", "train-gan --list")
_MAX_DEPTH = 8


def names() -> list[str]:
    """Every shipped recipe, sorted."""
    return RECIPES.names()


def load(name: str, overrides: Sequence[str] = (), beside: Path = Path()) -> Recipe:
    """The recipe of a name or a file, with `key=value` overrides, resolved and validated.

    A relative path of a file is one from `beside`. Raises RecipeError naming the file or the
    override, the option, and what it may be.
    """
    path = RECIPES.find(name, beside)
    recipe = parse(Recipe, _resolve(path), place=path.name)
    if not overrides:
        return recipe
    return parse(Recipe, override(recipe.to_json(), overrides), place="--set")


def override(tables: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """The tables with each `section.option=value` put in; values are read as TOML, else as text.

    A table is laid over its section as a file is over the one it extends.
    """
    result: dict[str, Any] = {key: _copy(value) for key, value in tables.items()}
    for text in overrides:
        name, equals, value = text.partition("=")
        name = name.strip()
        *sections, last = name.split(".")
        if not equals or not last or not all(sections):
            raise RecipeError(
                "--set",
                expected="section.option=value, e.g. network.base_channels=16",
                found=repr_short(text),
                fix="Write it so, once for each option.",
            )
        table = result
        for section in sections:
            table = table.setdefault(section, {})
            if not isinstance(table, dict):
                raise RecipeError(
                    f"--set {sanitize(name)}",
                    expected="an option of a section",
                    found=f"{sanitize(section)}, which is no section",
                    fix="Run with --dry-run to see every section and option.",
                )
        given = _read_value(value.strip(), f"--set {sanitize(name)}")
        table[last] = _laid_over(last, table.get(last), given)
    return result


def _copy(value: Any) -> Any:
    return {key: _copy(inner) for key, inner in value.items()} if isinstance(value, dict) else value


def _read_value(text: str, place: str) -> Any:
    try:
        tables = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    except (ValueError, RecursionError) as error:
        raise unreadable(place, error) from None
    if len(tables) != 1:
        raise RecipeError(
            place,
            expected="one value",
            found=f"{repr_short(text)}, which sets more",
            fix="Give each option a --set of its own.",
        )
    return tables["value"]


def _resolve(path: Path, depth: int = 0) -> dict[str, Any]:
    """The tables of a file laid over those of the recipe it extends."""
    if depth > _MAX_DEPTH:
        raise RecipeError(
            f"{path.name}: extends",
            expected=f"at most {_MAX_DEPTH} recipes in a chain",
            found="a longer chain, or a circle",
            fix="Let no recipe extend itself.",
        )
    tables = read(path)
    parent = tables.pop("extends", None)
    if parent is None:
        return tables
    if not isinstance(parent, str):
        raise RecipeError(
            f"{path.name}: extends",
            expected="the name or file of a recipe",
            found=repr_short(parent),
            fix="Name one, as a text.",
        )
    return _merge(_resolve(RECIPES.find(parent, path.parent), depth + 1), tables)


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    return below | {key: _laid_over(key, below.get(key), above[key]) for key in above}


def _laid_over(name: str, below: Any, above: Any) -> Any:
    """A section's options over those below it; a vocabulary replaces the one below whole."""
    both = isinstance(below, dict) and isinstance(above, dict)
    return below | above if both and name != "conditions" else above
