"""`train-gan` writes a run that can be resumed to the bit, and exits with its codes."""

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import product
import pytest
import renames
from PIL import Image
from safetensors.numpy import load_file

TINY = {
    "data.resolution": 16,
    "network.features": 2,
    "network.latent": 4,
    "network.embedding": 4,
    "training.batch": 4,
    "training.precision": "fp32",
    "average.refresh": 128,
    "logging.tick": 2,
    "logging.score_pictures": 8,
}
START = ("train-gan", "quick", "--data", "faces.zip", "--device", "cpu")


def start(out: str, images: int) -> tuple[object, ...]:
    return (*START, "--out", out, *product.settings(TINY | {"length.images": images}))


def resume(run: str, **options: object) -> tuple[object, ...]:
    words = product.settings({key.replace("_", ".", 1): value for key, value in options.items()})
    return ("train-gan", "--resume", run, *words)


GOOD: dict[str, tuple[object, ...]] = {
    "list": ("train-gan", "--list"),
    "options": ("train-gan", "--options"),
    "dry run": ("train-gan", "quick", "--dry-run", *product.settings({"training.batch": 16})),
    "whole": start("whole", 32),
    "first part": start("parts", 20),
    "second part": resume("parts", length_images=32),
    "nothing to do": resume("parts"),
    "other batch size": start("other", 32)[:-2] + tuple(product.settings({"length.images": 8})),
    "history": ("sample-gan", "history", "parts", "--out", "history.gif"),
}
BAD: dict[str, tuple[int, tuple[object, ...]]] = {
    "nothing": (2, ("train-gan",)),
    "unknown recipe": (2, ("train-gan", "no", "--data", "faces.zip", "--out", "x")),
    "no data": (2, ("train-gan", "quick", "--out", "x")),
    "data nowhere": (1, ("train-gan", "quick", "--data", "nowhere", "--out", "x")),
    "out holds a run": (2, (*START, "--out", "whole")),
    "unknown option": (2, ("train-gan", "quick", "--dry-run", "--set", "nothing=1")),
    "wrong value": (
        2,
        ("train-gan", "quick", "--dry-run", *product.settings({"training.batch": "x"})),
    ),
    "wrong device": (
        1,
        ("train-gan", "quick", "--data", "faces.zip", "--out", "x", "--device", "x"),
    ),
    "resume nowhere": (2, ("train-gan", "--resume", "nowhere")),
    "resume and recipe": (2, ("train-gan", "quick", "--resume", "whole")),
    "resume other batch": (2, resume("whole", training_batch=8)),
    "resume other width": (2, resume("whole", network_features=4)),
    "resume other data": (2, (*resume("whole"), "--data", "attributes.zip")),
}
CALLS = {**GOOD, **{name: words for name, (_, words) in BAD.items()}}


def records(run: Path, name: str) -> list[dict[str, Any]]:
    lines = (run / renames.FILES[name]).read_text().splitlines()
    return [product.original(json.loads(line), name.partition(".")[0]) for line in lines]


@pytest.mark.parametrize("name", GOOD)
def test_command_that_can_exits_with_0(calls: product.Calls, name: str) -> None:
    assert calls[name].code == 0, calls[name].err


@pytest.mark.parametrize("name", BAD)
def test_command_that_cannot_exits_with_its_code(
    calls: product.Calls, work: Path, name: str
) -> None:
    outcome = calls[name]
    assert outcome.code == BAD[name][0], outcome.err
    assert outcome.err.strip()
    assert "Traceback" not in outcome.err
    assert not (work / "x").exists()


def test_list_names_every_recipe(calls: product.Calls) -> None:
    out = calls["list"].out
    recipes = {line.split()[0] for line in out.splitlines() if not line.startswith(" ")}
    assert {renames.RECIPES.get(name, name) for name in ("quick", "flagship")} <= recipes
    assert len(recipes) >= 25


def test_options_list_every_option_of_a_recipe(calls: product.Calls) -> None:
    listed = {line.split()[0] for line in calls["options"].out.splitlines() if line.strip()}
    assert set(renames.RECIPE.values()) <= listed


def test_dry_run_prints_the_resolved_recipe(calls: product.Calls) -> None:
    text = "".join(line for line in calls["dry run"].out.splitlines(True) if line[0] != "#")
    assert option(tomllib.loads(text), "training.batch") == 16


def option(tables: dict[str, Any], name: str) -> Any:
    section, _, key = renames.RECIPE.get(name, name).partition(".")
    return tables[section][key]


def test_run_holds_the_configuration_it_was_made_from(calls: product.Calls, work: Path) -> None:
    assert calls["whole"].code == 0
    tables = tomllib.loads((work / "whole" / renames.FILES["config.toml"]).read_text())
    for name, value in TINY.items():
        assert option(tables, name) == value, name


def test_run_logs_a_record_for_each_tick(calls: product.Calls, work: Path) -> None:
    assert calls["whole"].code == 0
    found = records(work / "whole", "stats.jsonl")
    assert [(record["step"], record["images"]) for record in found] == [
        (2, 8),
        (4, 16),
        (6, 24),
        (8, 32),
    ]
    assert {"step", "images", "epoch", "seconds", "d_loss", "d_real", "d_fake", "g_loss"} <= set(
        found[0]
    )


def test_run_scores_its_checkpoint(calls: product.Calls, work: Path) -> None:
    assert calls["whole"].code == 0
    (score,) = records(work / "whole", "scores.jsonl")
    assert score["step"] == 8
    assert {"score", "coverage", "kernel", "spread", "collapsed", "real", "accuracy"} <= set(score)


def test_run_holds_checkpoints_and_sheets(calls: product.Calls, work: Path) -> None:
    assert calls["whole"].code == 0
    checkpoints = sorted(path.name for path in (work / "whole" / "checkpoints").iterdir())
    assert checkpoints == ["000000000", "000000008"]
    sheets = sorted(path.name for path in (work / "whole" / "samples").iterdir())
    assert sheets == ["000000000.png", "000000032.png"]


def test_resumed_run_ends_with_the_same_weights(calls: product.Calls, work: Path) -> None:
    assert calls["second part"].code == 0
    whole, parts = (newest(work / run) for run in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    for name, tensor in whole.items():
        assert np.array_equal(tensor, parts[name]), name
    first = newest(work / "whole", "000000000")
    assert any(not np.array_equal(tensor, first[name]) for name, tensor in whole.items())


def newest(run: Path, name: str = "000000008") -> Any:
    return load_file(run / "checkpoints" / name / renames.FILES["networks.safetensors"])


def test_history_has_a_frame_for_each_sheet(calls: product.Calls, work: Path) -> None:
    assert calls["history"].code == 0
    with Image.open(work / "history.gif") as image:
        assert image.n_frames == len(list((work / "parts" / "samples").iterdir())) == 3
