"""The page itself: whole, alone, escaped, and the same bytes for the same input."""

import base64
import html
import io
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from PIL import Image

from ganport_train.evaluation.report.page import Sheet, render

SCRIPT = "<script>alert(1)</script>"
RECORDS = [{"step": n, "images": n * 10, "epoch": n / 2, "g_loss": 1 / n} for n in range(1, 4)]
SCORES = [{"step": 2, "images": 20, "epoch": 1.0, "score": 0.5, "accuracy": {"hair": 0.5}}]
VOID = {"meta", "img", "input", "br"}


class Reader(HTMLParser):
    """Holds the tags of a page, and that each one that opens is closed in its turn."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
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
        self.words += data + " "


@pytest.fixture
def sheets() -> list[Sheet]:
    return [Sheet("Drawn and real", "Four of each.", Image.new("RGB", (8, 4), "#ff8800"))]


def test_it_says_what_the_report_says(report: dict[str, Any], sheets: list[Sheet]) -> None:
    words = " ".join(Reader(render(report, sheets, RECORDS, SCORES)).words.split())
    for text in (
        "collapsed within a condition: spread 25.0%",
        "another data set than the judge's",
        "hair as asked 60.0%",
        "real pictures 90.0%",
        "kernel distance x 1000 31.25",
        "Four of each.",
        "new_test 62.5% 57.5% to 67.5% 32 0 84 50",
        "pink hair blue hair 98.8% seed 77",
        "provenance.step 1200",
        "Light scores",
    ):
        assert text in words


def test_every_tag_is_closed_and_nothing_is_fetched(
    report: dict[str, Any], sheets: list[Sheet]
) -> None:
    page = render(report, sheets, RECORDS, SCORES)
    reader = Reader(page)
    assert reader.open == []
    names = {tag for tag, _ in reader.tags}
    assert {"svg", "path", "img", "table", "style"} <= names
    assert not names & {"script", "link", "iframe", "object"}
    sources = [value for _, attributes in reader.tags for value in [attributes.get("src")] if value]
    assert sources and all(source.startswith("data:image/png;base64,") for source in sources)
    assert "url(" not in page and "http:" not in page and "https:" not in page
    assert ("name", "viewport") in [pair for _, pairs in reader.tags for pair in pairs.items()]


def test_the_sheet_comes_back_pixel_for_pixel(report: dict[str, Any], sheets: list[Sheet]) -> None:
    found = re.search(r'src="data:image/png;base64,([^"]+)"', render(report, sheets, [], []))
    assert found
    picture = Image.open(io.BytesIO(base64.b64decode(html.unescape(found[1]))))
    assert picture.tobytes() == sheets[0].picture.tobytes()


def test_the_same_input_makes_the_same_bytes(report: dict[str, Any], sheets: list[Sheet]) -> None:
    assert render(report, sheets, RECORDS, SCORES) == render(report, sheets, RECORDS, SCORES)


def test_names_that_are_hostile_are_text(report: dict[str, Any]) -> None:
    hair = report["accuracy"].pop("hair")
    hair["labels"] = {SCRIPT: hair["labels"]["pink"]}
    hair["confusion"]["labels"] = [SCRIPT, '"><img src=x onerror=alert(1)>']
    report["accuracy"][SCRIPT] = hair
    report["bundle"] = {"name": SCRIPT, SCRIPT: SCRIPT}
    report["warnings"] = [SCRIPT]
    report["worst"][0]["asked"] = SCRIPT
    report["conditions"][0]["label"] = SCRIPT
    sheet = Sheet(SCRIPT, SCRIPT, Image.new("RGB", (2, 2)))
    page = render(report, [sheet], RECORDS, [{**SCORES[0], "accuracy": {SCRIPT: 0.5}}])
    assert "<script" not in page
    assert html.escape(SCRIPT) in page
    assert not any("onerror" in attributes for _, attributes in Reader(page).tags)


def test_a_report_of_nothing_is_a_page_too() -> None:
    reader = Reader(render({}, [], [], []))
    assert reader.open == []
    assert "Score" in reader.words


def test_without_warnings_it_says_so(report: dict[str, Any]) -> None:
    assert "No warnings" in render(report | {"warnings": []}, [], [], [])
    assert "No warnings" not in render(report, [], [], [])


def test_a_group_without_confusions_or_labels_has_its_share_alone(report: dict[str, Any]) -> None:
    report["accuracy"]["hair"] |= {"labels": {}, "confusion": None}
    page = render(report, [], [], [])
    assert 'class="heat"' not in page
    assert "60.0%, 55.0% to 65.0%; real 90.0%" in page
