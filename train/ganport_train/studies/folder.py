"""The folder of a study: its resolved variants, their runs, and the failed ones."""

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
from ganport_train.runs import run_dir
from ganport_train.runs.run_dir import CONFIG, RunEnvironment
from ganport_train.studies.study import Study, differences

STUDY, FAILURES = "study.toml", "failures.toml"


def write(out: Path, study: Study, environment: RunEnvironment) -> None:
    """Create the folder of a new study, and write the resolved study."""
    if not (out / STUDY).exists():
        run_dir.create_run_dir(out)
    tables = study.to_json()
    tables = {"schema_version": SCHEMA_VERSION, **tables, "run": asdict(environment)}
    atomic_write(out / STUDY, tomli_w.dumps(tables).encode())


def read(out: Path) -> tuple[Study, RunEnvironment] | None:
    """Return the study in a folder, of schema 1 or 2; None for an empty folder.

    Raise RecipeError for a folder with other files, and for a corrupt study.
    """
    path = out / STUDY
    if not path.is_file():
        run_dir.check_empty(out)
        return None
    place = str(path)
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        variants: Mapping[str, Any] = tables["variant"]
        run = tables["run"]
        if tables.get("schema_version", 1) == 1:
            variants = {name: migrate_recipe(table) for name, table in variants.items()}
            run = migrate_run(run)
        recipes = {
            name: parse(Recipe, table, place=place, prefix=f"variant.{name}.")
            for name, table in variants.items()
        }
        study = Study(str(tables["title"]), str(tables["source"]), recipes)
        return study, parse(RunEnvironment, run, place=place, prefix="run.")
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise RecipeError(
            place,
            expected="a study that ganport study saved",
            found=str(error) or type(error).__name__,
            fix="Restore the file, or name another folder.",
        ) from None


def check_same(
    out: Path, before: tuple[Study, RunEnvironment], after: tuple[Study, RunEnvironment]
) -> None:
    """Raise RecipeError, with each difference, for changes that a study must not have."""
    changes = differences(before[0], after[0])
    for name in ("data", "judge"):
        old, new = (getattr(environment, f"{name}_digest") for _, environment in (before, after))
        if old != new:
            changes.append(f"{name}: {old[:16] or 'none'} -> {new[:16] or 'none'} (digest)")
    if changes:
        raise RecipeError(
            f"--out {out}",
            expected="the saved study, with changes of length, logging and device only",
            found="; ".join(changes),
            fix="Remove the other changes, or name another folder.",
        )


def has_run(run: Path) -> bool:
    """Return whether the folder of a variant holds a run."""
    return (run / CONFIG).is_file()


def is_complete(run: Path, recipe: Recipe) -> bool:
    """Return whether the run of a variant has reached the length of its recipe."""
    if not has_run(run) or not any((run / FOLDER).glob("[0-9]*")):
        return False
    _, metadata = newest(run)
    return recipe.length.is_reached(int(metadata["images"]), float(metadata["seconds"]))


def read_failures(out: Path) -> dict[str, str]:
    """Return the failed variants whose runs still exist, each with its reason.

    Raise RecipeError for a corrupt file.
    """
    path = out / FAILURES
    if not path.is_file():
        return {}
    try:
        failures = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecipeError(str(path), "TOML in UTF-8", str(error), "Remove it.") from None
    return {name: str(reason) for name, reason in failures.items() if has_run(out / name)}


def record_failure(out: Path, variant: str, reason: str) -> None:
    """Add a failed variant to the file of failures, so that it is not repeated."""
    failures = {**read_failures(out), variant: reason}
    atomic_write(out / FAILURES, tomli_w.dumps(failures).encode())
