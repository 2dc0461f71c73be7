"""Presets: what a recipe sets otherwise for few or for many training pictures."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from ganport_runtime.values import repr_short
from ganport_train.config import recipes
from ganport_train.config.parsing import RecipeError, format_number, parse
from ganport_train.config.recipe import Recipe, flat
from ganport_train.config.sections import MAX_IMAGES

_NAME = re.compile(r"(below|from)_([1-9][0-9_]{0,19})", re.ASCII)
# The data set must be read before its pictures can be counted.
_FIXED = ("title", "source", "conditions", "palette", "presets", "data")
_FREE = tuple(entry.name for entry in fields(Recipe) if entry.name not in _FIXED)


@dataclass(frozen=True)
class Preset:
    """The recipe for a range of numbers of training pictures, resolved; `str` tells of it."""

    least: int
    below: int
    """One more than the most pictures of the range."""
    recipe: Recipe
    changes: Mapping[str, object]
    """What differs from the recipe as it stands, by `section.option`."""

    def __str__(self) -> str:
        values = (f"{name} = {_written(value)}" for name, value in self.changes.items())
        return f"{self._range()}: {', '.join(values) or 'as it stands'}"

    def _range(self) -> str:
        if not self.least:
            return f"fewer than {self.below:,} pictures"
        if self.below > MAX_IMAGES:
            return f"{self.least:,} pictures or more"
        return f"{self.least:,} to {self.below - 1:,} pictures"


def load(name: str, overrides: Sequence[str] = ()) -> list[Preset]:
    """The presets of a recipe's name or file, rising, with `key=value` overrides on top.

    Each is checked by the rules of its options, whether it will apply or not. Raises RecipeError
    naming the file, the preset, the option, and what it may be.
    """
    plain, base = recipes.load(name, overrides), recipes.load(name).to_json()
    place = f"{recipes.RECIPES.find(name, Path()).name}: presets"
    found: list[Preset] = []
    for title, (least, below) in _ranges(list(plain.presets), place).items():
        settings = plain.presets[title]
        _check(settings, base, f"{place}.{title}")
        tables = recipes.override(base, [*settings, *overrides])
        recipe = without(parse(Recipe, tables, place="--set"))
        found.append(Preset(least, below, recipe, _changes(without(plain), recipe)))
    return found


def fitted(recipe: Recipe, presets: Sequence[Preset], pictures: int) -> tuple[Recipe, str]:
    """The recipe for so many training pictures, without presets, and a line about what they set.

    The line is empty when they set nothing.
    """
    for preset in presets:
        if preset.least <= pictures < preset.below and preset.changes:
            return preset.recipe, f"preset for {preset}"
    return without(recipe), ""


def without(recipe: Recipe) -> Recipe:
    """The recipe of a run: its presets have done their work, and apply but once."""
    return replace(recipe, presets={})


def _ranges(names: Sequence[str], place: str) -> dict[str, tuple[int, int]]:
    """The numbers of pictures that each preset is for, the least and the first too many."""
    bounds = {name: _bound(name, f"{place}.{name}") for name in names}
    rising = sorted(names, key=bounds.__getitem__)
    for pair in pairwise(rising):
        _check_rising(pair, bounds, place)
    ends = [0, *(bounds[name][1] for name in rising), MAX_IMAGES + 1]
    firsts = {name: at + (bounds[name][0] == "from") for at, name in enumerate(rising)}
    return {name: (ends[first], ends[first + 1]) for name, first in firsts.items()}


def _bound(name: str, place: str) -> tuple[str, int]:
    match = _NAME.fullmatch(name)
    bound = int(match[2].replace("_", "")) if match else 0
    if not match or bound > MAX_IMAGES:
        raise RecipeError(
            place,
            expected="below_N or from_N, for N training images from 1 to "
            f"{format_number(MAX_IMAGES)}",
            found=repr_short(name),
            fix="Rename it, e.g. below_5_000.",
        )
    return match[1], bound


def _check_rising(pair: tuple[str, str], bounds: Mapping[str, tuple[str, int]], place: str) -> None:
    """Refuses two neighbours, every `below` before every `from`, whose ranges are not apart."""
    lower, upper = (bounds[name] for name in pair)
    if lower == upper:
        raise RecipeError(
            place,
            expected="each bound once",
            found=" and ".join(pair),
            fix="Take out one of them.",
        )
    if lower[1] > upper[1]:
        raise RecipeError(
            place,
            expected="bounds that rise, no below_N higher than a from_N",
            found=" and ".join(pair),
            fix="Raise the second, or lower the first.",
        )


def _check(settings: Sequence[str], base: Mapping[str, Any], place: str) -> None:
    """Refuses settings that cannot be laid over a recipe's tables."""
    for text in settings:
        if re.split(r"[.=]", text)[0].strip() in _FIXED:
            raise RecipeError(
                place,
                expected="options of " + ", ".join(_FREE),
                found=repr_short(text),
                fix="Take it out: the data set is read before its pictures are counted.",
            )
    try:
        parse(Recipe, recipes.override(base, settings), place=place)
    except RecipeError as error:
        where = error.place.replace("--set", place, 1) if "--set" in error.place else error.place
        raise RecipeError(
            where, expected=error.expected, found=error.found, fix=error.fix
        ) from None


def _changes(before: Recipe, after: Recipe) -> dict[str, object]:
    old, new = flat(before.to_json()), flat(after.to_json())
    return {name: value for name, value in new.items() if value != old[name]}


def _written(value: object) -> str:
    """A value as TOML writes it."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return f"{value:_}" if whole else json.dumps(value)
