import base64
import html
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ganport_runtime.errors import RequestError
from ganport_train.evaluation.report.page import check_target, render_score, write_report
from ganport_train.evaluation.scores.sampling import ScoreError
from ganport_train.evaluation.scores.sheets import Sheet

SCRIPT = "<script>alert(1)</script>"
RECORDS = [{"step": n, "images": n * 10, "epoch": n / 2, "g_loss": 1 / n} for n in range(1, 4)]
SCORES = [{"step": 2, "images": 20, "epoch": 1.0, "score": 0.5, "accuracy": {"hair": 0.5}}]
VOID = {"meta", "img", "input", "br"}


class Reader(HTMLParser):
    """A parser that collects tags and text, and checks that every tag is closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data + " "


@pytest.fixture
def sheets() -> list[Sheet]:
    return [Sheet("Generated and real", "Four of each.", Image.new("RGB", (8, 4), "#ff8800"))]


def test_render_score_shows_every_part(report: dict[str, Any], sheets: list[Sheet]) -> None:
    text = " ".join(Reader(render_score(report, sheets, RECORDS, SCORES)).text.split())
    for part in (
        "collapsed within a condition: spread 25.0%",
        "not the judge's data set",
        "accuracy of hair 60.0%",
        "real images 90.0%",
        "kernel distance x 1000 31.25",
        "Four of each.",
        "new_test 62.5% 57.5% to 67.5% 32 0 84 50",
        "pink hair blue hair 98.8% seed 77",
        "provenance.step 1200",
        "Validation scores",
    ):
        assert part in text


def test_render_score_closes_every_tag_and_loads_nothing(
    report: dict[str, Any], sheets: list[Sheet]
) -> None:
    page = render_score(report, sheets, RECORDS, SCORES)
    reader = Reader(page)
    assert reader.open == []
    names = {tag for tag, _ in reader.tags}
    assert {"svg", "path", "img", "table", "style"} <= names
    assert not names & {"script", "link", "iframe", "object"}
    sources = [value for _, attributes in reader.tags for value in [attributes.get("src")] if value]
    assert sources and all(source.startswith("data:image/png;base64,") for source in sources)
    assert "url(" not in page and "http:" not in page and "https:" not in page
    assert ("name", "viewport") in [pair for _, pairs in reader.tags for pair in pairs.items()]


def test_render_score_embeds_sheets_without_loss(
    report: dict[str, Any], sheets: list[Sheet]
) -> None:
    found = re.search(r'src="data:image/png;base64,([^"]+)"', render_score(report, sheets, [], []))
    assert found
    image = Image.open(io.BytesIO(base64.b64decode(html.unescape(found[1]))))
    assert image.tobytes() == sheets[0].image.tobytes()


def test_render_score_is_deterministic(report: dict[str, Any], sheets: list[Sheet]) -> None:
    assert render_score(report, sheets, RECORDS, SCORES) == render_score(
        report, sheets, RECORDS, SCORES
    )


def test_render_score_escapes_names(report: dict[str, Any]) -> None:
    hair = report["accuracy"].pop("hair")
    hair["labels"] = {SCRIPT: hair["labels"]["pink"]}
    hair["confusion"]["labels"] = [SCRIPT, '"><img src=x onerror=alert(1)>']
    report["accuracy"][SCRIPT] = hair
    report["bundle"] = {"name": SCRIPT, SCRIPT: SCRIPT}
    report["warnings"] = [SCRIPT]
    report["misclassified"][0]["requested"] = SCRIPT
    report["labels"][0]["label"] = SCRIPT
    sheet = Sheet(SCRIPT, SCRIPT, Image.new("RGB", (2, 2)))
    page = render_score(report, [sheet], RECORDS, [{**SCORES[0], "accuracy": {SCRIPT: 0.5}}])
    assert "<script" not in page
    assert html.escape(SCRIPT) in page
    assert not any("onerror" in attributes for _, attributes in Reader(page).tags)


def test_render_score_shades_a_confusion_matrix_by_fractions_of_its_rows(
    report: dict[str, Any],
) -> None:
    tags = Reader(render_score(report, [], [], [])).tags
    cells = [attributes for tag, attributes in tags if tag == "td" and "style" in attributes]
    fractions = [(cell["style"] or "").removeprefix("--fraction:") for cell in cells]
    assert fractions == [
        *("0.800", "0.200", "0.600", "0.400"),
        *("0.950", "0.050", "0.000", "0.000"),
    ]
    assert [cell["title"] for cell in cells[:2]] == ["40", "10"]
    assert [index for index, cell in enumerate(cells) if cell.get("class") == "dark"] == [0, 2, 4]


def test_render_score_of_an_empty_report_is_a_page() -> None:
    reader = Reader(render_score({}, [], [], []))
    assert reader.open == []
    assert "Score" in reader.text


def test_render_score_without_warnings_says_so(report: dict[str, Any]) -> None:
    assert "No warnings" in render_score(report | {"warnings": []}, [], [], [])
    assert "No warnings" not in render_score(report, [], [], [])


def test_render_score_of_a_group_without_labels_shows_its_accuracy(report: dict[str, Any]) -> None:
    report["accuracy"]["hair"] |= {"labels": {}, "confusion": None}
    page = render_score(report, [], [], [])
    assert 'class="heat"' not in page
    assert "60.0%, 55.0% to 65.0%; real 90.0%" in page


SHEETS = [
    Sheet("Generated and real", "note", Image.new("RGB", (4, 3), "red")),
    Sheet("Prompt list ../x", "note", Image.new("RGB", (2, 2), "blue")),
]


def test_write_report_writes_report_and_sheets(tmp_path: Path) -> None:
    out = tmp_path / "report"
    write_report(out, {"b": 1, "a": [0.5]}, "<p>é\ud800</p>", SHEETS)
    assert {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()} == {
        "report.json",
        "report.html",
        ".gitignore",
        "sheets/1-generated-and-real.png",
        "sheets/2-prompt-list-x.png",
    }
    assert (out / "report.json").read_text() == '{\n "a": [\n  0.5\n ],\n "b": 1\n}\n'
    assert (out / "report.html").read_text(encoding="utf-8") == "<p>é?</p>"
    assert "*" in (out / ".gitignore").read_text().splitlines()
    with Image.open(out / "sheets" / "1-generated-and-real.png") as image:
        assert image.size == (4, 3)


def test_write_report_that_fails_keeps_the_old_report(tmp_path: Path) -> None:
    out = tmp_path / "report"
    write_report(out, {"a": 1}, "old", [])
    with pytest.raises(ValueError, match="JSON"):
        write_report(out, {"a": float("nan")}, "new", [])
    assert json.loads((out / "report.json").read_text()) == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_write_report_under_a_file_raises(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ScoreError, match="writable folder"):
        write_report(tmp_path / "file" / "report", {}, "", [])


def test_check_target_accepts_a_report_only_with_force(tmp_path: Path) -> None:
    new, empty, report, other = (tmp_path / name for name in ("new", "empty", "report", "other"))
    for folder in (empty, report, other):
        folder.mkdir()
    (report / "report.json").write_text("{}")
    (other / "notes.txt").write_text("mine")
    check_target(new, force=False)
    check_target(empty, force=False)
    check_target(report, force=True)
    with pytest.raises(ScoreError, match="--force"):
        check_target(report, force=False)
    for path in (other, other / "notes.txt"):
        with pytest.raises(ScoreError, match="other files"):
            check_target(path, force=True)
    with pytest.raises(RequestError, match="nowhere"):
        check_target(tmp_path / "nowhere" / "report", force=False)
