"""Runs and reports as they are read: their names, options and faults."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ganport_runtime.errors import GanportError, RequestError
from ganport_train.config import recipes
from ganport_train.evaluation.scores.comparison import differing, read, to_json
from ganport_train.runs.run_dir import Surroundings, write_config

Make = Callable[..., Path]
FIGURE = {"title": "coverage", "value": 0.5, "better": "higher", "unit": "%"}
REPORT = {
    "kind": "score",
    "bundle": {"name": "Faces"},
    "figures": {"judge_coverage": FIGURE, "other": FIGURE},
    "headline": ["judge_coverage"],
}


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes the folder of a run of `quick`, with lines of its records."""

    def run(name: str, *overrides: str, scores: tuple[Any, ...] = (), images: int = 640) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        surroundings = Surroundings.now(tmp_path / "data", "ab12", torch.device("cpu"))
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


def test_a_run_is_read_with_its_records_and_its_report(make: Make) -> None:
    folder = make("faces", scores=((5, {"score": 0.5}), (10, {"score": 0.25})))
    report(folder / "score")
    (entry,) = read([folder])
    assert (entry.name, entry.images, entry.minutes) == ("faces", 640, 0.5)
    assert entry.light_scores == [0.5, 0.25]
    assert entry.headline == {"judge_coverage": FIGURE}
    assert entry.options["network.generator"] == "film_dcgan"
    assert "run.threads" not in entry.options


def test_a_report_alone_is_read_under_the_name_of_its_bundle(tmp_path: Path) -> None:
    (entry,) = read([report(tmp_path / "out")])
    assert (entry.name, entry.title, entry.images) == ("out", "Faces", None)


def test_only_what_differs_is_told(make: Make) -> None:
    entries = read([make("a", "training.seed=0"), make("b", "training.seed=5")])
    assert differing(entries) == {"training.seed": ["0", "5"]}


def test_an_option_that_one_run_lacks_differs(make: Make) -> None:
    entries = read([make("a"), make("b", 'conditions={hair=["pink", "blue"]}')])
    assert differing(entries)["conditions.hair"] == ["", "pink, blue"]


def test_namesakes_get_as_much_of_their_paths_as_tells_them_apart(make: Make) -> None:
    paths = [make("one/seed/faces"), make("two/seed/faces"), make("other")]
    names = [entry.name for entry in read(paths)]
    assert names == ["one/seed/faces", "two/seed/faces", "other"]


def test_a_run_in_the_midst_of_its_first_steps_is_a_row(make: Make) -> None:
    young = make("young")
    (young / "stats.jsonl").write_text("")
    assert [entry.images for entry in read([young, make("old")])] == [None, 640]


def test_runs_that_recorded_nothing_are_refused(make: Make) -> None:
    young = make("young")
    (young / "stats.jsonl").unlink()
    with pytest.raises(RequestError, match="young: expected a run with records, or a report"):
        read([young])


def test_a_run_named_twice_is_refused(make: Make) -> None:
    folder = make("faces")
    with pytest.raises(RequestError, match="expected each run once; found it twice"):
        read([folder, folder.parent / "faces" / ".." / "faces"])


@pytest.mark.parametrize(
    ("content", "found"), [(None, "nothing there"), ("", "a file"), ("folder", "another folder")]
)
def test_what_is_no_run_is_named(tmp_path: Path, content: str | None, found: str) -> None:
    path = tmp_path / "thing"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_text(content)
    with pytest.raises(RequestError, match=rf"thing: expected a run with.*; found {found}\."):
        read([path])


@pytest.mark.parametrize("name", ["stats.jsonl", "scores.jsonl"])
def test_damaged_records_are_named(make: Make, name: str) -> None:
    folder = make("faces")
    (folder / name).write_text("{broken\n")
    with pytest.raises(GanportError, match=rf"{name}: line 1: expected a record"):
        read([folder])


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "[" * 100_000,
        json.dumps(REPORT | {"kind": "other"}),
        json.dumps(REPORT | {"figures": []}),
        json.dumps(REPORT | {"figures": {"a": 1}}),
        json.dumps(REPORT | {"headline": [["a"]]}),
        json.dumps({"kind": "score"}),
    ],
)
def test_damaged_reports_are_named(tmp_path: Path, text: str) -> None:
    folder = report(tmp_path / "out")
    (folder / "report.json").write_text(text)
    with pytest.raises(GanportError, match=r"report\.json: expected a report as eval-gan score"):
        read([folder])


def test_the_json_holds_what_the_table_shows(make: Make) -> None:
    folder = make("a", scores=((5, {"score": 0.5}), (10, {"score": 0.25})))
    entries = read([folder, report(folder / "score"), make("b", "training.seed=5", images=6400)])
    found = to_json(entries, ["a note"])
    assert (found["schema_version"], found["kind"], found["notes"]) == (1, "comparison", ["a note"])
    first, second, third = found["runs"]
    assert first["score"] == {"extractor": "pixels", "last": 0.25, "best": 0.5}
    assert first["figures"] == second["figures"] == {"judge_coverage": FIGURE}
    assert third["options"] == {"training.seed": "5"}
    assert [run["images"] for run in found["runs"]] == [640, None, 6400]
    json.dumps(found, allow_nan=False)
