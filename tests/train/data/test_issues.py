import pytest

from ganport_runtime.errors import GanportError
from ganport_train.data import issues as module
from ganport_train.data.issues import (
    DataError,
    EntryError,
    Issue,
    IssueLog,
)

FAULT = EntryError(expected="a cat", found="a dog", fix="Swap them.")


def test_a_problem_names_source_file_line_and_picture() -> None:
    issue = Issue.of(FAULT, "unreadable", "tags.csv", 12, "images/7.jpg")
    assert issue.sentence("faces.zip") == (
        "faces.zip/tags.csv:12 (images/7.jpg): expected a cat; found a dog. Swap them."
    )


def test_a_problem_survives_json() -> None:
    issue = Issue.of(FAULT, "tags", "tags.csv", 1)
    assert Issue.from_json(issue.to_json()) == issue


def test_a_strict_collection_raises_on_the_first_error_and_not_on_a_warning() -> None:
    issues = IssueLog("faces", strict=True)
    warning = Issue("untagged", "images/1.png", "a", "b", "c", level="warning")
    issues.add(warning)
    with pytest.raises(DataError, match=r"^faces/tags\.csv:3: expected a cat"):
        issues.add(Issue.of(FAULT, "tags", "tags.csv", 3))
    assert issubclass(DataError, GanportError)


def test_a_lenient_collection_keeps_all_but_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ERRORS", 3)
    issues = IssueLog("faces", strict=False)
    one = Issue.of(FAULT, "tags", "tags.csv", 3)
    issues.add_all([one] * 3)
    assert list(issues) == [one] * 3
    with pytest.raises(DataError, match="more than 3 errors"):
        issues.add(one)
