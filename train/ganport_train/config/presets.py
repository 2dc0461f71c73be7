"""Presets: what a recipe sets otherwise for few or many training pictures, a device, or minutes."""

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
from ganport_train.config.recipe import Recipe, flat
from ganport_train.config.sections import MAX_IMAGES

PICTURES, DEVICE, MINUTES = "pictures", "device", "minutes"
"""What a preset may depend on, in the order in which they are applied: a later one wins."""
_NAME = re.compile(r"(below|from)_([1-9][0-9_]{0,19}?)(_minutes)?", re.ASCII)
_DEVICE = re.compile(r"on_(cpu|cuda)", re.ASCII)
# The data set must be read before its pictures can be counted.
_FIXED = ("title", "source", "conditions", "palette", "presets", "data")
_FREE = tuple(entry.name for entry in fields(Recipe) if entry.name not in _FIXED)


@dataclass(frozen=True)
class Preset:
    """What a recipe sets for a range of numbers of pictures or minutes, or for a kind of device."""

    kind: str
    """PICTURES, DEVICE or MINUTES."""
    settings: tuple[str, ...]
    least: int = 0
    below: int = MAX_IMAGES + 1
    """One more than the highest number of the range."""
    device: str = ""

    def applies(self, pictures: int, device: torch.device, minutes: float) -> bool:
        """Whether a run on so many pictures, on a device, for at most so many minutes has it."""
        if self.kind == DEVICE:
            return self.device == device.type
        # A run without a bound is longer than any.
        count = pictures if self.kind == PICTURES else minutes or MAX_IMAGES
        return self.least <= count < self.below

    def __str__(self) -> str:
        if self.kind == DEVICE:
            return self.device
        if not self.least:
            few = "fewer" if self.kind == PICTURES else "less"
            return f"{few} than {self.below:,} {self.kind}"
        if self.below > MAX_IMAGES:
            return f"{self.least:,} {self.kind} or more"
        return f"{self.least:,} to {self.below - 1:,} {self.kind}"


@dataclass(frozen=True)
class Presets:
    """The presets of a recipe, and the `key=value` overrides that win over them."""

    plain: Recipe
    """The recipe with the overrides and without presets."""
    base: Mapping[str, Any] = field(default_factory=dict)
    """The tables of the recipe before both."""
    overrides: Sequence[str] = ()
    listed: Sequence[Preset] = ()

    def fitted(self, pictures: int, device: torch.device) -> tuple[Recipe, list[str]]:
        """The recipe of a run on so many training pictures, on a device, without presets, and a
        line about each preset that set anything."""
        minutes = self.plain.length.minutes
        applied = [one for one in self.listed if one.applies(pictures, device, minutes)]
        recipe, settings, lines = self.plain, list[str](), list[str]()
        for preset in applied:
            settings += preset.settings
            before, recipe = recipe, self._with(settings)
            if changes := _changes(before, recipe):
                lines.append(_told(preset, changes))
        return recipe, lines

    def lines(self) -> Iterator[str]:
        """What each preset alone changes, whether it will apply or not."""
        for preset in self.listed:
            changes = _changes(self.plain, self._with(preset.settings))
            yield _told(preset, changes)

    def _with(self, settings: Sequence[str]) -> Recipe:
        tables = recipes.override(self.base, [*settings, *self.overrides])
        return without(parse(Recipe, tables, place="--set"))


def load(name: str, overrides: Sequence[str] = ()) -> Presets:
    """The presets of a recipe's name or file, with `key=value` overrides on top.

    Each is checked by the rules of its options, whether it will apply or not. Raises RecipeError
    naming the file, the preset, the option, and what it may be.
    """
    plain, base = recipes.load(name, overrides), recipes.load(name).to_json()
    place = f"{recipes.RECIPES.find(name, Path()).name}: presets"
    listed = list(_read(plain.presets, place))
    for title, settings in plain.presets.items():
        _check(settings, base, f"{place}.{title}")
    return Presets(without(plain), base, overrides, listed)


def none(recipe: Recipe) -> Presets:
    """No presets at all, for a recipe as it stands."""
    return Presets(without(recipe))


def without(recipe: Recipe) -> Recipe:
    """The recipe of a run: its presets have done their work, and apply but once."""
    return replace(recipe, presets={})


def _read(tables: Mapping[str, tuple[str, ...]], place: str) -> Iterator[Preset]:
    """The presets in the order in which they are applied."""
    bounds = {
        name: _bound(name, f"{place}.{name}") for name in tables if not _DEVICE.fullmatch(name)
    }
    yield from _ranged(PICTURES, tables, bounds, place)
    for name, settings in tables.items():
        if name not in bounds:
            yield Preset(DEVICE, settings, device=name.removeprefix("on_"))
    yield from _ranged(MINUTES, tables, bounds, place)


def _ranged(
    kind: str,
    tables: Mapping[str, tuple[str, ...]],
    bounds: Mapping[str, tuple[str, int, str]],
    place: str,
) -> Iterator[Preset]:
    """Presets by a number, rising: each begins where the one before it ends."""
    rising = sorted((name for name in bounds if bounds[name][2] == kind), key=bounds.__getitem__)
    for pair in pairwise(rising):
        _check_rising(pair, bounds, place)
    ends = [0, *(bounds[name][1] for name in rising), MAX_IMAGES + 1]
    for at, name in enumerate(rising):
        first = at + (bounds[name][0] == "from")
        yield Preset(kind, tables[name], ends[first], ends[first + 1])


def _bound(name: str, place: str) -> tuple[str, int, str]:
    match = _NAME.fullmatch(name)
    bound = int(match[2].replace("_", "")) if match else 0
    if not match or bound > MAX_IMAGES:
        raise RecipeError(
            place,
            expected="below_N or from_N, for N training images from 1 to "
            f"{format_number(MAX_IMAGES)}; below_N_minutes or from_N_minutes; on_cpu or on_cuda",
            found=repr_short(name),
            fix="Rename it, e.g. below_5_000.",
        )
    return match[1], bound, MINUTES if match[3] else PICTURES


def _check_rising(
    pair: tuple[str, str], bounds: Mapping[str, tuple[str, int, str]], place: str
) -> None:
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


def _told(preset: Preset, changes: Mapping[str, object]) -> str:
    values = (f"{name} = {_written(value)}" for name, value in changes.items())
    return f"preset for {preset}: {', '.join(values) or 'as it stands'}"


def _written(value: object) -> str:
    """A value as TOML writes it."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return f"{value:_}" if whole else json.dumps(value)
