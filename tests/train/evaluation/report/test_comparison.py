import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ganport_runtime.errors import GanportError, RequestError
from ganport_train.config import recipes
from ganport_train.evaluation.report.comparison import (
    comparison_json,
    differing_options,
    read_entries,
)
from ganport_train.runs.run_dir import RunEnvironment, write_config

Make = Callable[..., Path]
METRIC = {"title": "coverage", "value": 0.5, "better": "higher", "unit": "%"}
REPORT = {
    "kind": "score",
    "bundle": {"name": "Faces"},
    "metrics": {"judge_coverage": METRIC, "other": METRIC},
    "headline": ["judge_coverage"],
}


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make the folder of a run of `quick`, with lines of records."""

    def run(name: str, *overrides: str, scores: tuple[Any, ...] = (), images: int = 640) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        surroundings = RunEnvironment.current(tmp_path / "data", "ab12", torch.device("cpu"))
        write_config(folder, recipes.load("quick", overrides), replace(surroundings, threads=7))
        record = {"step": 10, "images": images, "epoch": 0.5, "seconds": 30.0, "g_loss": 1.0}
        (folder / "stats.jsonl").write_text(json.dumps(record) + "\n")
        lines = [json.dumps({"step": n, "extractor": "pixels"} | row) for n, row in scores]
        (folder / "scores.jsonl").write_text("".join(line + "\n" for line in lines))
        return folder

    return run


def report(folder: Path, **changes: Any) -> Path:
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(json.dumps(REPORT | changes))
    return folder


def test_read_entries_of_a_run_reads_records_and_report(make: Make) -> None:
    folder = make("faces", scores=((5, {"score": 0.5}), (10, {"score": 0.25})))
    report(folder / "score")
    (entry,) = read_entries([folder])
    assert (entry.name, entry.images, entry.minutes) == ("faces", 640, 0.5)
    assert entry.validation_scores == [0.5, 0.25]
    assert entry.headline == {"judge_coverage": METRIC}
    assert entry.options["network.generator"] == recipes.load("quick").network.generator
    assert "run.threads" not in entry.options


def test_read_entries_of_a_report_uses_the_name_of_its_bundle(tmp_path: Path) -> None:
    (entry,) = read_entries([report(tmp_path / "out")])
    assert (entry.name, entry.title, entry.images) == ("out", "Faces", None)


def test_differing_options_leaves_out_equal_ones(make: Make) -> None:
    entries = read_entries([make("a", "training.seed=0"), make("b", "training.seed=5")])
    assert differing_options(entries) == {"training.seed": ["0", "5"]}


def test_differing_options_includes_a_missing_option(make: Make) -> None:
    entries = read_entries([make("a"), make("b", 'conditions={hair=["pink", "blue"]}')])
    assert differing_options(entries)["conditions.hair"] == ["", "pink, blue"]


def test_read_entries_with_equal_names_uses_longer_paths(make: Make) -> None:
    paths = [make("one/seed/faces"), make("two/seed/faces"), make("other")]
    names = [entry.name for entry in read_entries(paths)]
    assert names == ["one/seed/faces", "two/seed/faces", "other"]


def test_read_entries_of_a_new_run_has_no_values(make: Make) -> None:
    young = make("young")
    (young / "stats.jsonl").write_text("")
    assert [entry.images for entry in read_entries([young, make("old")])] == [None, 640]


def test_read_entries_without_any_record_raises(make: Make) -> None:
    young = make("young")
    (young / "stats.jsonl").unlink()
    with pytest.raises(RequestError, match="young"):
        read_entries([young])


def test_read_entries_of_a_repeated_run_raises(make: Make) -> None:
    folder = make("faces")
    with pytest.raises(RequestError, match="twice"):
        read_entries([folder, folder.parent / "faces" / ".." / "faces"])


@pytest.mark.parametrize(
    ("content", "found"), [(None, "no such folder"), ("", "a file"), ("folder", "another folder")]
)
def test_read_entries_of_something_else_raises(
    tmp_path: Path, content: str | None, found: str
) -> None:
    path = tmp_path / "thing"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_text(content)
    with pytest.raises(RequestError, match=rf"thing: .*found {found}\."):
        read_entries([path])


@pytest.mark.parametrize("name", ["stats.jsonl", "scores.jsonl"])
def test_read_entries_with_corrupt_records_names_the_line(make: Make, name: str) -> None:
    folder = make("faces")
    (folder / name).write_text("{broken\n")
    with pytest.raises(GanportError, match=rf"{name}: line 1"):
        read_entries([folder])


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "[" * 100_000,
        json.dumps(REPORT | {"kind": "other"}),
        json.dumps(REPORT | {"metrics": []}),
        json.dumps(REPORT | {"metrics": {"a": 1}}),
        json.dumps(REPORT | {"headline": [["a"]]}),
        json.dumps({"kind": "score"}),
    ],
)
def test_read_entries_with_a_corrupt_report_raises(tmp_path: Path, text: str) -> None:
    folder = report(tmp_path / "out")
    (folder / "report.json").write_text(text)
    with pytest.raises(GanportError, match=r"report\.json"):
        read_entries([folder])


def test_comparison_json_has_every_run(make: Make) -> None:
    folder = make("a", scores=((5, {"score": 0.5}), (10, {"score": 0.25})))
    entries = read_entries(
        [folder, report(folder / "score"), make("b", "training.seed=5", images=6400)]
    )
    found = comparison_json(entries, ["a note"])
    assert (found["schema_version"], found["kind"], found["notes"]) == (2, "comparison", ["a note"])
    first, second, third = found["runs"]
    assert first["score"] == {"extractor": "pixels", "last": 0.25, "best": 0.5}
    assert first["metrics"] == second["metrics"] == {"judge_coverage": METRIC}
    assert third["options"] == {"training.seed": "5"}
    assert [run["images"] for run in found["runs"]] == [640, None, 6400]
    json.dumps(found, allow_nan=False)


def test_read_entries_of_a_report_of_schema_1_renames_its_keys(tmp_path: Path) -> None:
    old = {key: value for key, value in REPORT.items() if key != "metrics"} | {
        "schema_version": 1,
        "figures": {"trial_test": METRIC},
        "headline": ["trial_test"],
        "options": {"held_out": 0.05},
    }
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "report.json").write_text(json.dumps(old))
    (entry,) = read_entries([folder])
    assert entry.headline == {"prompts_test": METRIC}
    assert entry.report["options"]["val_fraction"] == 0.05
