"""The ways to the product: its commands, its public API, its service. Names pass `renames`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import renames

HERE = Path(__file__).parent
FIXTURES = HERE / "fixtures"
DATA = HERE.parents[1] / renames.FILES["tests/runtime/data"]
SCRIPTS = Path(sysconfig.get_path("scripts"))
PATIENCE = 1200.0
"""Seconds after which a process counts as stuck; far more than any needs on a busy machine."""


class Outcome(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


def public(name: str) -> Any:
    """Return a name of the public API."""
    module, _, attribute = renames.PUBLIC[name].rpartition(".")
    return getattr(import_module(module), attribute)


def member(value: Any, name: str) -> Any:
    """Return a method or property of a public object."""
    return getattr(value, renames.ATTRIBUTES[name])


def arguments(**given: Any) -> dict[str, Any]:
    """Return keyword arguments under their names of today."""
    return {renames.ARGUMENTS[name]: value for name, value in given.items()}


def words(*given: object) -> list[str]:
    """Return a command line in the names of today."""
    command, *rest = map(str, given)
    result, path, setting = [renames.COMMANDS[command]], command, False
    for word in rest:
        if setting:
            word = _setting(word)
        elif (deeper := f"{path} {word}") in renames.SUBCOMMANDS:
            word, path = renames.SUBCOMMANDS[deeper], deeper
        elif command in ("train-gan", "eval-gan"):
            word = renames.RECIPES.get(word, word)
        setting = word == "--set"
        result.append(renames.OPTIONS.get(word, word))
    return result


def _setting(word: str) -> str:
    name, equals, value = word.partition("=")
    return renames.RECIPE.get(name, name) + equals + value


def weight_name(name: str) -> str:
    """Return the name of today of a tensor in a checkpoint."""
    for pattern, replacement in renames.WEIGHTS.items():
        name = re.sub(pattern, replacement, name)
    return name


def settings(options: Mapping[str, object]) -> list[str]:
    """Return `--set` words for options of a recipe, in the names of d7dd1f2."""
    return [word for name, value in options.items() for word in ("--set", f"{name}={value}")]


def environment(cache: Path) -> dict[str, str]:
    """Return the environment of a command: one thread, and a cache of its own."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "GANPORT_CACHE": str(cache)}


def run(folder: Path, *command: object) -> Outcome:
    """Run a command as a user does: its console script, in a folder."""
    script, *rest = words(*command)
    done = subprocess.run(
        [SCRIPTS / script, *rest],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


class Calls:
    """Commands that one process runs one after another, started at once.

    Each goes through the entry point of its console script. A process of its own for each would
    spend its time on imports.
    """

    def __init__(self, folder: Path, calls: Mapping[str, Sequence[object]]) -> None:
        self._results = folder / "results.jsonl"
        lines = {name: words(*call) for name, call in calls.items()}
        (folder / "calls.json").write_text(json.dumps(lines))
        self._log = (folder / "calls.log").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, HERE / "calls.py", "calls.json", self._results],
            cwd=folder,
            env=environment(folder),
            stdout=subprocess.DEVNULL,
            stderr=self._log,
        )

    def __getitem__(self, name: str) -> Outcome:
        """Wait for all commands and return how one ended."""
        self._process.wait(PATIENCE)
        found = dict(map(json.loads, self._results.read_text().splitlines()))
        return Outcome(*found[name])

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()


def today(value: Any, document: str) -> Any:
    """Return JSON with its keys renamed from those of d7dd1f2 to those of today."""
    return _renamed(value, renames.KEYS[document])


def manifest_today(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest of schema 1 as today's schema states it."""
    image = manifest["image"]
    stated = {"size": image["size"], **renames.IMAGES[image["dtype"]]}
    return manifest | {"schema_version": renames.SCHEMA, "image": stated}


def original(value: Any, document: str) -> Any:
    """Return JSON with its keys renamed from those of today to those of d7dd1f2.

    Keys that were added since are left out.
    """
    known = _without(value, renames.ADDED.get(document, set()))
    return _renamed(known, {new: old for old, new in renames.KEYS[document].items()})


def _without(value: Any, keys: set[str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _without(inner, keys) for key, inner in value.items() if key not in keys}
    return [_without(inner, keys) for inner in value] if isinstance(value, list) else value


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {names.get(key, key): _renamed(inner, names) for key, inner in value.items()}
    return [_renamed(inner, names) for inner in value] if isinstance(value, list) else value


def shape_of(value: Any) -> Any:
    """Return JSON with every value replaced by the name of its type; lists by their first item."""
    if isinstance(value, Mapping):
        return {key: shape_of(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape_of(value[0])] if value else []
    return "number" if type(value) in (int, float) else type(value).__name__
