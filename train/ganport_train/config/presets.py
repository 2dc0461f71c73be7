"""Presets: overrides of a recipe for the size of the data set, the device and the minutes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from ganport_runtime.values import repr_short
from ganport_train.config import recipes
from ganport_train.config.parsing import RecipeError, format_number, parse
from ganport_train.config.recipe import Recipe, flatten_tables
from ganport_train.config.sections import MAX_IMAGES

IMAGES, DEVICE, MINUTES = "images", "device", "minutes"
"""Kinds of presets in the order of application: a later one wins."""
_RANGE_NAME = re.compile(r"(below|from)_([1-9][0-9_]{0,19}?)(_minutes)?", re.ASCII)
_DEVICE_NAME = re.compile(r"on_(cpu|cuda)", re.ASCII)
# Reading the data set comes before counting its images.
_FIXED = ("title", "source", "conditions", "palette", "presets", "data")
_ALLOWED = tuple(entry.name for entry in fields(Recipe) if entry.name not in _FIXED)


@dataclass(frozen=True)
class Preset:
    """Overrides for a range of training images or minutes, or for a device type."""

    kind: str
    """IMAGES, DEVICE or MINUTES."""
    overrides: tuple[str, ...]
    lower: int = 0
    upper: int = MAX_IMAGES + 1
    """Exclusive upper bound."""
    device: str = ""

    def applies(self, images: int, device: torch.device, minutes: float) -> bool:
        """Return whether a run with these images, device and length in minutes uses the preset."""
        if self.kind == DEVICE:
            return self.device == device.type
        # Zero minutes mean no bound, so the run is longer than any range.
        count = images if self.kind == IMAGES else minutes or MAX_IMAGES
        return self.lower <= count < self.upper

    def __str__(self) -> str:
        if self.kind == DEVICE:
            return self.device
        if not self.lower:
            return f"fewer than {self.upper:,} {self.kind}"
        if self.upper > MAX_IMAGES:
            return f"{self.lower:,} {self.kind} or more"
        return f"{self.lower:,} to {self.upper - 1:,} {self.kind}"


@dataclass(frozen=True)
class Presets:
    """The presets of a recipe, and the command-line overrides that win over them."""

    plain: Recipe
    """The recipe with command-line overrides, without presets."""
    tables: Mapping[str, Any] = field(default_factory=dict)
    """The tables of the recipe without overrides and presets."""
    overrides: Sequence[str] = ()
    presets: Sequence[Preset] = ()
    base_recipe: str = ""
    """The shipped recipe that the recipe is or extends; empty if there is none."""

    def select(self, images: int, device: torch.device) -> tuple[Recipe, list[str]]:
        """Return the recipe for a number of training images and a device, without presets.

        Also return a line of text for each preset that changes an option.
        """
        minutes = self.plain.length.minutes
        recipe, overrides, lines = self.plain, list[str](), list[str]()
        for preset in self.presets:
            if not preset.applies(images, device, minutes):
                continue
            overrides += preset.overrides
            before, recipe = recipe, self._apply(overrides)
            if changes := _changed_options(before, recipe):
                lines.append(_format_preset(preset, changes))
        return recipe, lines

    def lines(self) -> Iterator[str]:
        """Yield a line of text with the changes of each preset."""
        for preset in self.presets:
            changes = _changed_options(self.plain, self._apply(preset.overrides))
            yield _format_preset(preset, changes)

    def _apply(self, overrides: Sequence[str]) -> Recipe:
        tables = recipes.override(self.tables, [*overrides, *self.overrides])
        return drop_presets(parse(Recipe, tables, place="--set"))


def load(name: str, overrides: Sequence[str] = ()) -> Presets:
    """Return the presets of a recipe, by name or file, with command-line overrides.

    Check all presets, whether they apply or not. Raise RecipeError, with the file, the preset, the
    option and the values that it accepts.
    """
    plain, tables = recipes.load(name, overrides), recipes.load(name).to_json()
    place = f"{recipes.RECIPES.find(name, Path()).name}: presets"
    presets = list(_parse_presets(plain.presets, place))
    for title, preset_overrides in plain.presets.items():
        _check_overrides(preset_overrides, tables, f"{place}.{title}")
    base = recipes.find_base(name)
    return Presets(drop_presets(plain), tables, overrides, presets, base)


def drop_presets(recipe: Recipe) -> Recipe:
    """Return a recipe without presets, which apply once, when a run starts."""
    return replace(recipe, presets={})


def _parse_presets(tables: Mapping[str, tuple[str, ...]], place: str) -> Iterator[Preset]:
    """Yield the presets in the order of application."""
    bounds = {
        name: _parse_bound(name, f"{place}.{name}")
        for name in tables
        if not _DEVICE_NAME.fullmatch(name)
    }
    yield from _build_ranges(IMAGES, tables, bounds, place)
    for name, overrides in tables.items():
        if name not in bounds:
            yield Preset(DEVICE, overrides, device=name.removeprefix("on_"))
    yield from _build_ranges(MINUTES, tables, bounds, place)


def _build_ranges(
    kind: str,
    tables: Mapping[str, tuple[str, ...]],
    bounds: Mapping[str, tuple[str, int, str]],
    place: str,
) -> Iterator[Preset]:
    """Yield the presets of a kind in ascending order; each range starts where the last ends."""
    ascending = sorted((name for name in bounds if bounds[name][2] == kind), key=bounds.__getitem__)
    for pair in pairwise(ascending):
        _check_ascending(pair, bounds, place)
    ends = [0, *(bounds[name][1] for name in ascending), MAX_IMAGES + 1]
    for index, name in enumerate(ascending):
        first = index + (bounds[name][0] == "from")
        yield Preset(kind, tables[name], ends[first], ends[first + 1])


def _parse_bound(name: str, place: str) -> tuple[str, int, str]:
    match = _RANGE_NAME.fullmatch(name)
    bound = int(match[2].replace("_", "")) if match else 0
    if not match or bound > MAX_IMAGES:
        raise RecipeError(
            place,
            expected="below_N or from_N, for N training images from 1 to "
            f"{format_number(MAX_IMAGES)}; below_N_minutes or from_N_minutes; on_cpu or on_cuda",
            found=repr_short(name),
            fix="Rename it, e.g. below_5_000.",
        )
    return match[1], bound, MINUTES if match[3] else IMAGES


def _check_ascending(
    pair: tuple[str, str], bounds: Mapping[str, tuple[str, int, str]], place: str
) -> None:
    """Raise RecipeError for two neighbors whose ranges overlap; `below` sorts before `from`."""
    lower, upper = (bounds[name] for name in pair)
    found = " and ".join(pair)
    if lower == upper:
        raise RecipeError(place, "each bound once", found, "Remove one of them.")
    if lower[1] > upper[1]:
        expected = "ascending bounds, no below_N above a from_N"
        raise RecipeError(place, expected, found, "Raise the second bound, or lower the first.")


def _check_overrides(overrides: Sequence[str], tables: Mapping[str, Any], place: str) -> None:
    """Raise RecipeError for overrides that the recipe does not accept."""
    for text in overrides:
        if re.split(r"[.=]", text)[0].strip() in _FIXED:
            raise RecipeError(
                place,
                expected="options of " + ", ".join(_ALLOWED),
                found=repr_short(text),
                fix="Remove it: the data set is read before its images are counted.",
            )
    try:
        parse(Recipe, recipes.override(tables, overrides), place=place)
    except RecipeError as error:
        where = error.place.replace("--set", place, 1) if "--set" in error.place else error.place
        raise RecipeError(where, error.expected, error.found, error.fix) from None


def _changed_options(before: Recipe, after: Recipe) -> dict[str, object]:
    old, new = flatten_tables(before.to_json()), flatten_tables(after.to_json())
    return {name: value for name, value in new.items() if value != old[name]}


def _format_preset(preset: Preset, changes: Mapping[str, object]) -> str:
    values = (f"{name} = {_format_value(value)}" for name, value in changes.items())
    return f"preset for {preset}: {', '.join(values) or 'no changes'}"


def _format_value(value: object) -> str:
    """Return a value as TOML writes it."""
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    return f"{value:_}" if is_integer else json.dumps(value)
