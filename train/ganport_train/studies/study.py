"""A study: a set of recipes to compare, resolved from one file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from ganport_runtime.values import repr_short
from ganport_train.config import recipes
from ganport_train.config.parsing import RecipeError, option, parse
from ganport_train.config.recipe import Recipe
from ganport_train.config.recipe import differences as recipe_differences
from ganport_train.config.recipes import TomlRegistry, read_toml

STUDIES = TomlRegistry("study", "studies", "ganport study --list")
MAX_VARIANTS = 100
COMPARISON, JUDGES, SHEETS = "comparison", "judges", "sheets"
"""Folders of a study that are no variants."""
_VARIANT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_DESCRIPTIONS = ("title", "source")


@dataclass(frozen=True)
class VariantOptions:
    """A table `[[variant]]` of a study file."""

    name: str = option(MISSING, "folder of the run")
    recipe: str = option("", "name or file of the recipe; empty = the recipe of the study")
    data: str = option("", "name of the data set, for --data NAME=PATH; empty = that of the study")
    set: tuple[str, ...] = option((), "overrides, each section.option=value")
    on_cpu: tuple[str, ...] = option((), "further overrides on a CPU")
    on_cuda: tuple[str, ...] = option((), "further overrides on a GPU")


@dataclass(frozen=True)
class StudyOptions:
    """A study file without its variants."""

    title: str = option(MISSING, "title of the study", max_length=100)
    source: str = option("", "report and rows, or paper", max_length=100)
    recipe: str = option("", "name or file of the recipe of variants without one")
    data: str = option(
        "", "name of the data set of variants without one; empty = a single data set"
    )
    set: tuple[str, ...] = option((), "overrides of all variants")
    on_cpu: tuple[str, ...] = option((), "further overrides of all variants on a CPU")
    on_cuda: tuple[str, ...] = option((), "further overrides of all variants on a GPU")
    score_images: int = option(
        0, "images per round that score a complete variant; 0 = no score", ge=0, le=1_000_000
    )


@dataclass(frozen=True)
class Study:
    """A resolved study: a recipe for each variant, by name and in order."""

    title: str
    source: str
    variants: Mapping[str, Recipe]
    data: Mapping[str, str] = field(default_factory=dict)
    """The name of the data set of each variant; "" is the only one of a study without names."""
    score_images: int = 0
    """Images per round that score a complete variant; 0 = no score."""

    def data_of(self, variant: str) -> str:
        """Return the name of the data set of a variant."""
        return self.data.get(variant, "")

    def data_names(self) -> list[str]:
        """Return the names of the data sets, in order."""
        return list(dict.fromkeys(map(self.data_of, self.variants)))

    def to_json(self) -> dict[str, Any]:
        """Return the study as plain tables for TOML."""
        return {
            "title": self.title,
            "source": self.source,
            "score_images": self.score_images,
            "data": {name: self.data_of(name) for name in self.variants},
            "variant": {name: recipe.to_json() for name, recipe in self.variants.items()},
        }


def names() -> list[str]:
    """Return the names of the shipped studies, sorted."""
    return STUDIES.names()


def load(name: str, overrides: Sequence[str] = (), device: str = "cpu") -> Study:
    """Return the study of a name or file on a type of device, `overrides` after all others.

    Raise RecipeError, with the file, the variant and the option, and for two equal variants.
    """
    path = STUDIES.find(name, Path())
    tables = read_toml(path)
    rows = _check_rows(tables.pop("variant", None), path.name)
    options = parse(StudyOptions, tables, place=path.name)
    entries = _parse_variants(rows, path.name)
    variants = {
        variant.name: _resolve(variant, options, overrides, path, device) for variant in entries
    }
    _check_distinct(variants, path.name)
    data = {variant.name: variant.data or options.data for variant in entries}
    return Study(options.title, options.source, variants, data, options.score_images)


def differences(before: Study, after: Study) -> list[str]:
    """Return the changes of a study that a continued one must not have, as text.

    A study may grow by variants.
    """
    removed = [f"{name}: removed" for name in before.variants if name not in after.variants]
    changed = [
        f"{name}: {text}"
        for name, recipe in before.variants.items()
        if name in after.variants
        for text in recipe_differences(recipe.to_json(), after.variants[name].to_json())
    ]
    return removed + changed


def _check_rows(value: Any, place: str) -> list[Mapping[str, Any]]:
    are_tables = isinstance(value, list) and all(isinstance(row, Mapping) for row in value)
    if not are_tables or not 1 <= len(value) <= MAX_VARIANTS:
        count = f"{len(value)} of them" if are_tables else None
        raise RecipeError(
            f"{place}: variant",
            expected=f"1 to {MAX_VARIANTS} tables [[variant]]",
            found=count or ("none" if value is None else repr_short(value)),
            fix='Add variants, each with a name = "...".',
        )
    return list(value)


def _parse_variants(rows: Sequence[Mapping[str, Any]], place: str) -> list[VariantOptions]:
    variants: list[VariantOptions] = []
    for number, row in enumerate(rows, 1):
        prefix = f"variant {number}: "
        variant = parse(VariantOptions, row, place=place, prefix=prefix)
        _check_name(variant.name, [other.name for other in variants], f"{place}: {prefix}name")
        variants.append(variant)
    return variants


def _check_name(name: str, others: Sequence[str], place: str) -> None:
    # Some file systems do not distinguish upper and lower case.
    reserved = (COMPARISON, JUDGES, SHEETS)
    names = ", ".join(map(repr, reserved))
    taken = {other.casefold() for other in (*others, *reserved)}
    if not _VARIANT_NAME.fullmatch(name) or name.casefold() in taken:
        raise RecipeError(
            place,
            expected=f"1 to 64 of a-z, A-Z, 0-9, - and _, a unique name, not {names}",
            found=repr_short(name),
            fix="Rename it: it is the name of a folder.",
        )


def _resolve(
    variant: VariantOptions, study: StudyOptions, overrides: Sequence[str], path: Path, device: str
) -> Recipe:
    name = variant.recipe or study.recipe
    fixed = [*_overrides(study, device), *_overrides(variant, device)]
    try:
        recipe = recipes.load(name, fixed, path.parent)
    except RecipeError as error:
        raise error.within(f"{path.name}: variant {variant.name}") from None
    return parse(Recipe, recipes.override(recipe.to_json(), overrides), place="--set")


def _overrides(options: StudyOptions | VariantOptions, device: str) -> list[str]:
    on_device = {"cpu": options.on_cpu, "cuda": options.on_cuda}
    return [*options.set, *on_device.get(device, ())]


def _check_distinct(variants: Mapping[str, Recipe], place: str) -> None:
    for first, second in combinations(variants, 2):
        tables = [
            {key: value for key, value in table.items() if key not in _DESCRIPTIONS}
            for table in (variants[first].to_json(), variants[second].to_json())
        ]
        if tables[0] == tables[1]:
            raise RecipeError(
                place,
                expected="different variants",
                found=f"{first} and {second} with the same options",
                fix="Remove one of them, or the --set that makes them equal.",
            )
