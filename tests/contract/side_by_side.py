"""Compare the weights that two commits train: `side_by_side.py OLD_PYTHON NEW_PYTHON [DATA ...]`.

Each interpreter belongs to an environment with one commit installed: OLD_PYTHON to d7dd1f2,
NEW_PYTHON to the one that is checked. Both train every recipe for 50 steps at a tiny size with one
thread in float32, on this machine, and the table shows how far the weights of the last checkpoints
are apart. Options go to the new commit through `renames.py`.

DATA are datasets, of which each recipe takes the first that it can read. Without DATA, the old
commit draws faces, scenes and faces with attributes. Exits with 1 if a run fails or tensors are
missing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import product
import renames
from safetensors.numpy import load_file

STEPS, BATCH = 50, 4
TINY = {
    "data.resolution": 16,
    "network.features": 2,
    "network.latent": 4,
    "network.embedding": 4,
    "network.levels": 2,
    "network.blocks": 1,
    "training.batch": BATCH,
    "training.precision": "fp32",
    "training.seed": 0,
    "average.refresh": 128,
    "length.images": STEPS * BATCH,
    "logging.tick": 10,
    "logging.keep": 2,
    "logging.save_minutes": 1000,
    "logging.score_pictures": 0,
}
ATTRIBUTES = 'data.attributes=["Smiling", "Eyeglasses"]'
"""Those of a CelebA set: drawn sets lack the ones that recipes pin."""
KINDS = {"auto": "tagged", "tagged": "tagged", "iclevr": "iclevr", "celeba": "celeba"}
"""By the kind of dataset that a recipe asks for: the kind that it gets here."""


class Side:
    """One commit: its interpreter, and a folder for its runs."""

    def __init__(self, python: Path, folder: Path, *, new: bool) -> None:
        self.python = python.absolute()  # not resolved: a link names the environment
        self.folder = folder
        self.new = new
        folder.mkdir()

    def start(self, calls: Mapping[str, Sequence[object]]) -> subprocess.Popen[bytes]:
        """Start commands, one after another in one process, in the names of this commit."""
        lines = {
            name: product.words(*call) if self.new else list(map(str, call))
            for name, call in calls.items()
        }
        (self.folder / "calls.json").write_text(json.dumps(lines))
        return subprocess.Popen(
            [self.python, product.HERE / "calls.py", "calls.json", "results.jsonl"],
            cwd=self.folder,
            env=product.environment(self.folder / "cache"),
        )

    def results(self) -> dict[str, product.Outcome]:
        """Return how the commands ended."""
        lines = (self.folder / "results.jsonl").read_text().splitlines()
        return {name: product.Outcome(*outcome) for name, outcome in map(json.loads, lines)}

    def run(self, *call: object) -> str:
        """Run one command and return what it printed; raise SystemExit if it fails."""
        self.start({"only": call}).wait()
        outcome = self.results()["only"]
        if outcome.code:
            raise SystemExit(f"{' '.join(map(str, call))}: {outcome.err}")
        return outcome.out

    def weights(self, recipe: str, step: int) -> dict[str, Any]:
        """Return the tensors of a checkpoint."""
        name = "networks.safetensors"
        file = renames.FILES[name] if self.new else name
        return load_file(self.folder / recipe / "checkpoints" / f"{step:09d}" / file)


def draw_datasets(old: Side) -> dict[str, Path]:
    """Draw a dataset of each kind."""
    size = ("--count", 130, "--size", 16, "--workers", 1)
    old.run("ganport", "dataset", "draw", "faces", *size, "--out", "faces.zip")
    old.run("ganport", "dataset", "draw", "shapes", *size, "--out", "shapes.zip")
    old.run(
        *("ganport", "dataset", "draw", "faces", *size, "--attributes"),
        *("--out", "attributes.zip"),
    )
    names = {"tagged": "faces.zip", "iclevr": "shapes.zip", "celeba": "attributes.zip"}
    return {kind: old.folder / name for kind, name in names.items()}


def sort_datasets(old: Side, paths: Sequence[Path]) -> dict[str, Path]:
    """Return the first dataset of each kind."""
    found: dict[str, Path] = {}
    for kind in ("tagged", "iclevr", "celeba"):
        for path in map(Path.resolve, paths):
            call = ("ganport", "dataset", "check", path, "--kind", kind, "--json")
            old.start({"only": call}).wait()
            if old.results()["only"].code == 0:
                found.setdefault(kind, path)
    return found


def recipes_of(old: Side) -> dict[str, str]:
    """Return every recipe with the kind of dataset that it asks for."""
    listed = old.run("train-gan", "--list").splitlines()
    names = [line.split()[0] for line in listed if line.strip() and not line.startswith(" ")]
    old.start({name: ("train-gan", name, "--dry-run") for name in names}).wait()
    kinds = {}
    for name, outcome in old.results().items():
        (line,) = (line for line in outcome.out.splitlines() if line.startswith("kind = "))
        kinds[name] = KINDS[line.partition(" = ")[2].strip('"')]
    return kinds


def training(recipe: str, kind: str, data: Path) -> tuple[object, ...]:
    """Return the command that trains a recipe."""
    return (
        *("train-gan", recipe, "--data", data, "--out", recipe, "--device", "cpu"),
        *product.settings(TINY),
        *(("--set", ATTRIBUTES) if kind == "celeba" else ()),
    )


def compare(recipe: str, old: Side, new: Side) -> str:
    """Return a line of the table; raise ValueError where runs or tensors are missing."""
    for name, side in (("old", old), ("new", new)):
        outcome = side.results().get(recipe)
        if outcome is None or outcome.code:
            raise ValueError(f"{name}: {outcome.err.strip()[-300:] if outcome else 'not run'}")
    first, before = old.weights(recipe, 0), old.weights(recipe, STEPS)
    after = new.weights(recipe, STEPS)
    renamed = {product.weight_name(name): tensor for name, tensor in before.items()}
    if renamed.keys() != after.keys():
        raise ValueError(f"other tensors: {sorted(renamed.keys() ^ after.keys())[:6]}")
    trained = (name for name in before if name.endswith(("weight", "bias")))
    moved = max(apart(first[name], before[name]) for name in trained)
    gaps = {name: apart(tensor, after[name]) for name, tensor in renamed.items()}
    worst = max(gaps, key=lambda name: gaps[name])
    same = sum(gap == 0 for gap in gaps.values())
    line = f"{same:4d} of {len(gaps):<4d}  {gaps[worst]:11.2g}  {moved:9.2g}"
    return line if same == len(gaps) else f"{line}  {worst}"


def apart(one: Any, other: Any) -> float:
    """Return the largest difference of two tensors, infinity for two shapes."""
    if one.shape != other.shape:
        return float("inf")
    return float(np.abs(one.astype(float) - other.astype(float)).max(initial=0.0))


def parsed() -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", type=Path, metavar="OLD_PYTHON")
    parser.add_argument("new", type=Path, metavar="NEW_PYTHON")
    parser.add_argument("data", type=Path, nargs="*", metavar="DATA")
    parser.add_argument("--recipe", action="append", help="Only this recipe; may be repeated.")
    return parser.parse_args()


def main() -> int:
    """Train on both sides at once and print the table."""
    given, failed = parsed(), 0
    with tempfile.TemporaryDirectory() as temporary:
        old = Side(given.old, Path(temporary) / "old", new=False)
        new = Side(given.new, Path(temporary) / "new", new=True)
        recipes = recipes_of(old)
        chosen = [name for name in recipes if not given.recipe or name in given.recipe]
        data = sort_datasets(old, given.data) if given.data else draw_datasets(old)
        calls = {
            name: training(name, recipes[name], data[recipes[name]])
            for name in chosen
            if recipes[name] in data
        }
        for process in [side.start(calls) for side in (old, new)]:
            process.wait()
        print(f"{'recipe':<26}  {'equal':^12}  {'largest gap':>11}  {'moved by':>9}  tensor")
        for name in chosen:
            try:
                line = compare(name, old, new) if name in calls else "no dataset of its kind"
            except ValueError as error:
                failed, line = 1, f"FAILED {error}"
            print(f"{name:<26}  {line}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
