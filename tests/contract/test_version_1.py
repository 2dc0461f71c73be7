"""What commit d7dd1f2 wrote is read for ever: bundles, checkpoints and run folders of schema 1."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import product
import pytest
import recorded
import renames
from safetensors.numpy import load_file

RUNS = {"faces": ("faces.zip", 300, 310), "attributes": ("attributes.zip", 100, 110)}
"""By run: its data set, the step at which it ended, and the one to which it is resumed."""
CALLS: dict[str, tuple[object, ...]] = {
    **{
        f"resume {run}": (
            *("train-gan", "--resume", run, "--data", data, "--device", "cpu"),
            *product.settings({"length.images": 4 * last, "logging.score_pictures": 16}),
        )
        for run, (data, _, last) in RUNS.items()
    },
    "data gone": ("train-gan", "--resume", "untouched"),
    "compare": ("eval-gan", "compare", "untouched", "faces", "--out", "compared"),
    "export": ("export-gan", "untouched", "--format", "torchscript", "--out", "again.ganport/"),
    "export checkpoint": (
        *("export-gan", "untouched/checkpoints/000000300", "--format", "torchscript"),
        *("--out", "checkpoint.ganport/"),
    ),
    "export attributes": (
        *("export-gan", "attributes", "--take", 110, "--format", "torchscript"),
        *("--out", "translator.ganport/"),
    ),
}


def prepare(folder: Path) -> None:
    """Keep a run as it was."""
    shutil.copytree(folder / "faces", folder / "untouched")


@pytest.mark.parametrize("name", [name for name in CALLS if name != "data gone"])
def test_command_on_version_1_exits_with_0(calls: product.Calls, name: str) -> None:
    assert calls[name].code == 0, calls[name].err


def test_resume_without_its_data_exits_with_1(calls: product.Calls) -> None:
    assert calls["data gone"].code == 1
    assert "Traceback" not in calls["data gone"].err


@pytest.mark.parametrize("run", RUNS)
def test_resumed_run_goes_on_where_it_stopped(calls: product.Calls, work: Path, run: str) -> None:
    assert calls[f"resume {run}"].code == 0
    _, first, last = RUNS[run]
    names = sorted(path.name for path in (work / run / "checkpoints").iterdir())
    assert names[-1] == f"{last:09d}"
    before, after = (
        load_file(place / run / "checkpoints" / f"{step:09d}" / "generator.safetensors")
        for place, step in ((product.FIXTURES, first), (work, last))
    )
    assert {product.weight_name(name) for name in before} == after.keys()
    moves = []
    for name, tensor in before.items():
        found = after[product.weight_name(name)]
        assert found.shape == tensor.shape and np.isfinite(found).all(), name
        if name.endswith(("weight", "bias")):
            moves.append(np.abs(found - tensor).reshape(-1))
    # Ten steps of Adam at a rate of 0.004 move a weight by 0.04 at most. The checkpoint holds the
    # EMA, which follows a quarter of that: its half-life is 25 steps. A network that starts anew is
    # further from one that was trained for hundreds of steps.
    assert 0 < np.median(np.concatenate(moves)) < 0.01


@pytest.mark.parametrize("run", RUNS)
def test_resumed_run_keeps_its_records(calls: product.Calls, work: Path, run: str) -> None:
    assert calls[f"resume {run}"].code == 0
    before = records(product.FIXTURES / run, "stats.jsonl")
    after = records(work / run, "stats.jsonl")
    assert [record["step"] for record in after][: len(before)] == [r["step"] for r in before]
    assert after[-1]["images"] == 4 * RUNS[run][2]


def records(run: Path, name: str) -> list[dict[str, Any]]:
    lines = (run / renames.FILES[name]).read_text().splitlines()
    return [product.original(json.loads(line), name.partition(".")[0]) for line in lines]


def test_compared_runs_tell_their_scores(calls: product.Calls, work: Path) -> None:
    assert calls["compare"].code == 0
    table = json.loads((work / "compared" / renames.FILES["compare.json"]).read_text())
    assert "untouched" in json.dumps(table)
    assert (work / "compared" / renames.FILES["compare.html"]).read_text().startswith("<!")


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("name", ["again", "checkpoint"])
def test_exported_again_gives_the_same_images(calls: product.Calls, work: Path, name: str) -> None:
    assert calls["export"].code == calls["export checkpoint"].code == 0
    manifest = json.loads((work / f"{name}.ganport" / "manifest.json").read_text())
    (graph,) = manifest["graphs"]
    assert graph["interface"] == "gan.generate/1"
    (file,) = graph["files"]
    assert torchscript_apart(work / f"{name}.ganport" / file["path"]) <= 1


def torchscript_apart(path: Path) -> int:
    """Return how many levels a TorchScript file of the faces is away from the recorded images."""
    import torch

    generator = recorded.opened("faces.ganport")
    text = "pink hair blue eyes"
    z = torch.from_numpy(product.member(generator, "noise")([7, 8, 9]))
    condition = torch.from_numpy(generator.conditions.encode(text)).repeat(3, 1)
    with torch.no_grad():
        found = torch.jit.load(path)(z, condition).numpy()
    with np.load(recorded.FILE) as file:
        expected = file["trained"]
    return int(np.abs(found.astype(int) - expected).max())


@pytest.mark.parametrize("name", ["tiny.ganport", "faces.ganport", "attributes.ganport"])
def test_bundle_of_version_1_loads(name: str) -> None:
    generator = recorded.opened(name)
    translator = name == "attributes.ganport"
    assert product.member(generator, "abilities") == (
        ("translate",) if translator else ("generate",)
    )
    assert product.member(generator, "device") == "cpu"
    assert len(generator.bundle.digest) == 64
