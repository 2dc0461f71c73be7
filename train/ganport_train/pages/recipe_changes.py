"""The options of a run that differ from the shipped recipe that it is based on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from ganport_train.config import recipes
from ganport_train.config.recipe import Recipe, flatten_tables
from ganport_train.data.image_options import AUTO
from ganport_train.runs.run_dir import RunEnvironment

_NOT_COMPARED = ("presets", "title", "source")
_RESOLVED = ("data.mode", "data.palette", "data.pixelated", "training.precision")
"""Options whose `auto` a run of an earlier version replaced without a record of it."""

Json = dict[str, Any]


@cache
def _load(name: str) -> Recipe:
    return recipes.load(name)


def find_base(recipe: Recipe, environment: RunEnvironment) -> tuple[str, Recipe] | None:
    """Return the name and the content of the shipped recipe that a run is based on, if known."""
    if environment.base_recipe:
        known = environment.base_recipe in recipes.names()
        return (environment.base_recipe, _load(environment.base_recipe)) if known else None
    # A run of an earlier version records no name.
    shipped = ((name, _load(name)) for name in recipes.names())
    return next((pair for pair in shipped if pair[1].title == recipe.title), None)


def list_changes(base: Recipe, recipe: Recipe, environment: RunEnvironment) -> list[Json]:
    """Return the options that differ, without those that the program chose for `auto`."""
    before, after = flatten_tables(base.to_json()), flatten_tables(recipe.to_json())
    return [
        {"option": name, "recipe": _show(before.get(name)), "run": _show(after.get(name))}
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
        and name.split(".")[0] not in _NOT_COMPARED
        and not _is_resolved(name, before, environment)
    ]


def _is_resolved(name: str, before: Mapping[str, Any], environment: RunEnvironment) -> bool:
    resolved = environment.resolved if environment.base_recipe else _RESOLVED
    return before.get(name) == AUTO and name in resolved


def _show(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
