"""A study: recipes that differ in what is compared, read from one file and resolved."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from ganport_runtime.values import repr_short
from ganport_train.config import recipes as catalogue
from ganport_train.config.parsing import RecipeError, option, parse
from ganport_train.config.recipe import Recipe
from ganport_train.config.recipe import differences as recipe_differences
from ganport_train.config.toml_registry import Shelf, read

STUDIES = Shelf("study", "studies", "ganport study --list")
MAX_VARIANTS = 100
COMPARISON = "comparison"
"""The folder of a study that no variant may be called."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_LABELS = ("title", "source")


@dataclass(frozen=True)
class VariantOptions:
    """One `[[variant]]` of a study's file."""

    name: str = option(MISSING, "folder of its run")
    recipe: str = option("", "name or file of its recipe; empty = the study's")
    set: tuple[str, ...] = option((), "its overrides, each section.option=value")


@dataclass(frozen=True)
class StudyOptions:
    """A study's file, but for its variants."""

    title: str = option(MISSING, "what is compared", max_length=100)
    source: str = option("", "report and rows, or paper, it follows", max_length=100)
    recipe: str = option("", "name or file of the recipe of variants that name none")
    set: tuple[str, ...] = option((), "overrides of all variants")


@dataclass(frozen=True)
class Study:
    """A study resolved: a recipe for each variant, by name and in order."""

    title: str
    source: str
    variants: Mapping[str, Recipe]

    def to_json(self) -> dict[str, Any]:
        """The study as plain tables, as TOML can hold them."""
        recipes = {name: recipe.to_json() for name, recipe in self.variants.items()}
        return {"title": self.title, "source": self.source, "variant": recipes}


def names() -> list[str]:
    """Every shipped study, sorted."""
    return STUDIES.names()


def load(name: str, overrides: Sequence[str] = ()) -> Study:
    """The study of a name or a file, `overrides` laid over those of every variant.

    Raises RecipeError naming the file, the variant and the option at fault, and when two variants
    come to the same.
    """
    path = STUDIES.find(name, Path())
    tables = read(path)
    rows = _rows(tables.pop("variant", None), path.name)
    options = parse(StudyOptions, tables, place=path.name)
    variants = {
        row.name: _resolve(row, options, overrides, path) for row in _variants(rows, path.name)
    }
    _check_distinct(variants, path.name)
    return Study(options.title, options.source, variants)


def differences(before: Study, after: Study) -> list[str]:
    """What of a study that was begun another one would change and must not, a text for each."""
    lost = [f"{name}: taken out" for name in before.variants if name not in after.variants]
    new = [f"{name}: added" for name in after.variants if name not in before.variants]
    changed = [
        f"{name}: {text}"
        for name, recipe in before.variants.items()
        if name in after.variants
        for text in recipe_differences(recipe.to_json(), after.variants[name].to_json())
    ]
    return lost + new + changed


def _rows(value: Any, place: str) -> list[Mapping[str, Any]]:
    good = isinstance(value, list) and all(isinstance(row, Mapping) for row in value)
    if not good or not 1 <= len(value) <= MAX_VARIANTS:
        raise RecipeError(
            f"{place}: variant",
            expected=f"1 to {MAX_VARIANTS} tables [[variant]]",
            found=f"{len(value)} of them"
            if good
            else "none"
            if value is None
            else repr_short(value),
            fix='Add some, each with a name = "...".',
        )
    return list(value)


def _variants(rows: Sequence[Mapping[str, Any]], place: str) -> list[VariantOptions]:
    found: list[VariantOptions] = []
    for number, row in enumerate(rows, 1):
        prefix = f"variant {number}: "
        variant = parse(VariantOptions, row, place=place, prefix=prefix)
        _check_name(variant.name, [other.name for other in found], f"{place}: {prefix}name")
        found.append(variant)
    return found


def _check_name(name: str, others: Sequence[str], place: str) -> None:
    # Some file systems hold a and A for one.
    taken = {other.casefold() for other in (*others, COMPARISON)}
    if not _NAME.fullmatch(name) or name.casefold() in taken:
        raise RecipeError(
            place,
            expected=f"1 to 64 of a-z, A-Z, 0-9, - and _, a name of its own, not {COMPARISON!r}",
            found=repr_short(name),
            fix="Rename it: a folder is called so.",
        )


def _resolve(
    variant: VariantOptions, study: StudyOptions, overrides: Sequence[str], path: Path
) -> Recipe:
    place = f"{path.name}: variant {variant.name}"
    try:
        own = catalogue.load(
            variant.recipe or study.recipe, [*study.set, *variant.set], path.parent
        )
    except RecipeError as error:
        raise RecipeError(
            f"{place}: {error.place}", expected=error.expected, found=error.found, fix=error.fix
        ) from None
    return parse(Recipe, catalogue.override(own.to_json(), overrides), place="--set")


def _check_distinct(variants: Mapping[str, Recipe], place: str) -> None:
    for one, other in combinations(variants, 2):
        tables = [
            {key: value for key, value in variants[name].to_json().items() if key not in _LABELS}
            for name in (one, other)
        ]
        if tables[0] == tables[1]:
            raise RecipeError(
                place,
                expected="variants that differ",
                found=f"{one} and {other} the same",
                fix="Take out one of them, or the --set that makes them alike.",
            )
