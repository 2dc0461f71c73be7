"""The folder of a study: what it was made from, its runs, and which of them failed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tomli_w

from ganport_models.migrations import SCHEMA_VERSION, migrate_recipe, migrate_run
from ganport_models.selection import FOLDER, newest
from ganport_runtime.files import atomic_write
from ganport_train.config.parsing import RecipeError, parse
from ganport_train.config.recipe import Recipe
from ganport_train.runs import run_dir as run_folder
from ganport_train.runs.run_dir import CONFIG, Surroundings
from ganport_train.studies.study import Study, differences

STUDY, FAILURES = "study.toml", "failures.toml"


def write(out: Path, study: Study, surroundings: Surroundings) -> None:
    """Makes the folder where it is not there, and saves the resolved study, whole."""
    if not (out / STUDY).exists():
        run_folder.create(out)
    study_tables = study.to_json()
    tables = {"schema_version": SCHEMA_VERSION, **study_tables, "run": asdict(surroundings)}
    atomic_write(out / STUDY, tomli_w.dumps(tables).encode())


def read(out: Path) -> tuple[Study, Surroundings] | None:
    """What the study in a folder was made from; None when the folder is free.

    Raises RecipeError for a folder that holds anything else, and for a damaged study.
    """
    path = out / STUDY
    if not path.is_file():
        run_folder.check_free(out)
        return None
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        recipes: Mapping[str, Any] = tables["variant"]
        run = tables["run"]
        if tables.get("schema_version", 1) == 1:
            recipes = {name: migrate_recipe(recipe) for name, recipe in recipes.items()}
            run = migrate_run(run)
        study = Study(
            str(tables["title"]),
            str(tables["source"]),
            {
                name: parse(Recipe, table, place=str(path), prefix=f"variant.{name}.")
                for name, table in recipes.items()
            },
        )
        return study, parse(Surroundings, run, place=str(path), prefix="run.")
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise RecipeError(
            str(path),
            expected="a study as ganport study saves it",
            found=str(error) or type(error).__name__,
            fix="Put it back as it was, or name another folder.",
        ) from None


def check_same(
    out: Path, before: tuple[Study, Surroundings], after: tuple[Study, Surroundings]
) -> None:
    """Raises RecipeError naming each difference that a study gone on with must not have."""
    changed = differences(before[0], after[0])
    for name in ("data", "judge"):
        old, new = (getattr(part[1], f"{name}_digest") for part in (before, after))
        if old != new:
            changed.append(f"{name}: {old[:16] or 'none'} -> {new[:16] or 'none'} (digest)")
    if changed:
        raise RecipeError(
            f"--out {out}",
            expected="the study it was made for, changed in length, logging and device alone",
            found="; ".join(changed),
            fix="Take those out, or name another folder.",
        )


def begun(run: Path) -> bool:
    """Whether a variant has a run that can be gone on with."""
    return (run / CONFIG).is_file()


def finished(run: Path, recipe: Recipe) -> bool:
    """Whether a variant's run has come to the end of its recipe's length."""
    if not begun(run) or not any((run / FOLDER).glob("[0-9]*")):
        return False
    _, card = newest(run)
    return recipe.length.is_reached(int(card["images"]), float(card["seconds"]))


def failures(out: Path) -> dict[str, str]:
    """The variants that failed and whose runs still lie there, and what was said of each.

    Raises RecipeError for a damaged file.
    """
    path = out / FAILURES
    if not path.is_file():
        return {}
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecipeError(
            str(path), expected="TOML in UTF-8", found=str(error), fix="Remove it."
        ) from None
    return {name: str(words) for name, words in told.items() if begun(out / name)}


def note_failure(out: Path, variant: str, words: str) -> None:
    """Keeps what was said of a variant that failed, so that it is not tried again."""
    atomic_write(out / FAILURES, tomli_w.dumps({**failures(out), variant: words}).encode())
