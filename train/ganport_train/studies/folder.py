"""The folder of a study: its resolved variants, their runs, and the failed ones."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tomli_w

from ganport_models.migrations import SCHEMA_VERSION, migrate_recipe, migrate_run
from ganport_models.selection import FOLDER, newest, select_checkpoint
from ganport_runtime.files import atomic_write
from ganport_train.config.parsing import RecipeError, parse
from ganport_train.config.recipe import Recipe
from ganport_train.runs import run_dir
from ganport_train.runs.run_dir import CONFIG, SAMPLES, RunEnvironment
from ganport_train.studies.study import SHEETS, Study, differences

STUDY, FAILURES = "study.toml", "failures.toml"
_UNNAMED = "run"
"""Table of the environment with the data set of a study without names."""

Environments = Mapping[str, RunEnvironment]
"""The environment of the runs on each data set, by its name in the study."""


def write(out: Path, study: Study, environments: Environments) -> None:
    """Create the folder of a new study, and write the resolved study."""
    if not (out / STUDY).exists():
        run_dir.create_run_dir(out)
    runs = {name: asdict(environment) for name, environment in environments.items()}
    unnamed = {_UNNAMED: runs.pop("")} if "" in runs else {}
    tables = {"schema_version": SCHEMA_VERSION, **study.to_json(), **unnamed, "runs": runs}
    atomic_write(out / STUDY, tomli_w.dumps(tables).encode())


def read(out: Path) -> tuple[Study, Environments] | None:
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
        runs = dict(tables.get("runs", {}))
        if _UNNAMED in tables:
            runs[""] = tables[_UNNAMED]
        if tables.get("schema_version", 1) == 1:
            variants = {name: migrate_recipe(table) for name, table in variants.items()}
            runs = {name: migrate_run(run) for name, run in runs.items()}
        recipes = {
            name: parse(Recipe, table, place=place, prefix=f"variant.{name}.")
            for name, table in variants.items()
        }
        study = Study(
            str(tables["title"]),
            str(tables["source"]),
            recipes,
            dict(tables.get("data", {})),
            int(tables.get("score_images", 0)),
        )
        return study, {
            name: parse(RunEnvironment, run, place=place, prefix=f"{name or _UNNAMED}.")
            for name, run in runs.items()
        }
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise RecipeError(
            place,
            expected="a study that ganport study saved",
            found=str(error) or type(error).__name__,
            fix="Restore the file, or name another folder.",
        ) from None


def check_same(
    out: Path, before: tuple[Study, Environments], after: tuple[Study, Environments]
) -> None:
    """Raise RecipeError, with each difference, for changes that a study must not have."""
    changes = differences(before[0], after[0])
    for data in before[1].keys() & after[1].keys():
        for name in ("data", "judge"):
            old, new = (getattr(runs[data], f"{name}_digest") for _, runs in (before, after))
            if old != new:
                text = f"{old[:16] or 'none'} -> {new[:16] or 'none'} (digest)"
                changes.append(f"{name}: {data + ' ' if data else ''}{text}")
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


def is_scored(run: Path, count: int) -> bool:
    """Return whether the best checkpoint of a run has a report of `count` images a round."""
    from ganport_train.evaluation.report.comparison import SCORE
    from ganport_train.evaluation.report.page import JSON  # needs the extra eval

    try:
        report = json.loads((run / SCORE / JSON).read_text(encoding="utf-8"))
        scored = report["bundle"]["provenance"]["step"], report["options"]["count"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return bool(scored == (select_checkpoint(run).metadata["step"], count))


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


def save_sheet(out: Path, variant: str) -> Path | None:
    """Copy the sample grid of the best checkpoint of a variant to the sheets of the study.

    Return the copy, or None if the run has no such grid.
    """
    run = out / variant
    images = int(select_checkpoint(run).metadata["images"])
    grid = run / SAMPLES / f"{images:09d}.png"
    if not grid.is_file():
        return None
    (out / SHEETS).mkdir(exist_ok=True)
    return Path(shutil.copyfile(grid, out / SHEETS / f"{variant}.png"))
