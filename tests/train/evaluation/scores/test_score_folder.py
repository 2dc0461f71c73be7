"""The folder of a report: whole or not at all, and never one that is somebody else's."""

import json
from pathlib import Path

import pytest
from PIL import Image

from ganport_runtime.errors import RequestError
from ganport_train.evaluation.report.page import Sheet
from ganport_train.evaluation.scores.compatibility import ScoreError
from ganport_train.evaluation.scores.score_folder import check_target, write

SHEETS = [
    Sheet("Drawn and real", "note", Image.new("RGB", (4, 3), "red")),
    Sheet("Test list ../x", "note", Image.new("RGB", (2, 2), "blue")),
]


def test_a_report_is_written_with_its_sheets(tmp_path: Path) -> None:
    out = tmp_path / "report"
    write(out, {"b": 1, "a": [0.5]}, "<p>é\ud800</p>", SHEETS)
    assert {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()} == {
        "report.json",
        "report.html",
        ".gitignore",
        "sheets/1-drawn-and-real.png",
        "sheets/2-test-list-x.png",
    }
    assert (out / "report.json").read_text() == '{\n "a": [\n  0.5\n ],\n "b": 1\n}\n'
    assert (out / "report.html").read_text(encoding="utf-8") == "<p>é?</p>"
    assert "*" in (out / ".gitignore").read_text().splitlines()
    with Image.open(out / "sheets" / "1-drawn-and-real.png") as picture:
        assert picture.size == (4, 3)


def test_what_fails_half_way_leaves_what_was_there(tmp_path: Path) -> None:
    out = tmp_path / "report"
    write(out, {"a": 1}, "old", [])
    with pytest.raises(ValueError, match="JSON"):
        write(out, {"a": float("nan")}, "new", [])
    assert json.loads((out / "report.json").read_text()) == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_place_that_cannot_be_written_is_a_plain_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ScoreError, match="expected a place that can be written"):
        write(tmp_path / "file" / "report", {}, "", [])


def test_only_reports_are_replaced_and_only_when_asked(tmp_path: Path) -> None:
    new, empty, report, other = (tmp_path / name for name in ("new", "empty", "report", "other"))
    for folder in (empty, report, other):
        folder.mkdir()
    (report / "report.json").write_text("{}")
    (other / "notes.txt").write_text("mine")
    check_target(new, force=False)
    check_target(empty, force=False)
    check_target(report, force=True)
    with pytest.raises(ScoreError, match=r"found a report\. .* replace it with --force"):
        check_target(report, force=False)
    for place in (other, other / "notes.txt"):
        with pytest.raises(ScoreError, match="found something else"):
            check_target(place, force=True)
    with pytest.raises(RequestError, match="expected an existing folder"):
        check_target(tmp_path / "nowhere" / "report", force=False)
