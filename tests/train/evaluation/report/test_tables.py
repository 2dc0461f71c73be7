"""What of a report stands where on its page."""

from typing import Any

from ganport_train.evaluation.report import tables


def test_the_headline_leaves_out_what_was_not_measured(report: dict[str, Any]) -> None:
    titles = [figure["title"] for figure in tables.headline(report)]
    assert titles == ["hair as asked", "kernel distance x 1000"]
    assert tables.headline({}) == []


def test_figures_stand_in_their_sections(report: dict[str, Any]) -> None:
    found = {title: [row["title"] for row in rows] for title, rows in tables.sections(report)}
    assert found == {
        "Condition": ["hair as asked", "eyes as asked"],
        "Likeness": ["kernel distance x 1000"],
        "Variety": ["spread"],
    }


def test_the_worst_label_comes_first(report: dict[str, Any]) -> None:
    assert [label for label, _ in tables.labels(report["accuracy"]["hair"])] == ["blue", "pink"]
    columns, rows = tables.per_label(report)
    assert [row["label"] for row in rows] == ["blue", "pink", "rare"]
    assert columns[0] == ("kernel", "kernel distance x 1000", "")
    assert columns[2] == ("coverage", "coverage", "%")


def test_a_confusion_is_a_share_of_its_row() -> None:
    cells = tables.heat([[40, 10], [0, 0]])
    assert [[cell.share for cell in row] for row in cells] == [[0.8, 0.2], [0.0, 0.0]]
    assert [cell.deep for cell in cells[0]] == [True, False]


def test_what_has_no_part_of_its_own_says_how_it_was_made(report: dict[str, Any]) -> None:
    assert tables.made_of(report) == [
        ("report", [("schema_version", "1"), ("kind", "score")]),
        (
            "bundle",
            [
                ("name", "faces.ganport"),
                ("title", "Faces"),
                ("digest", "ab12"),
                ("provenance.step", "1200"),
            ],
        ),
        ("options", [("count", "2000"), ("seed", "0")]),
        ("extractors", [("1.name", "judge"), ("1.digest", "cd34")]),
    ]
