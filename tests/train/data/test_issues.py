import pytest

from ganport_train.data import issues as module
from ganport_train.data.issues import DataError, EntryError, Issue, IssueLog

ERROR = EntryError("a cat", "a dog", "Swap them.")


def test_issue_location_names_source_file_line_and_image() -> None:
    issue = Issue.from_error(ERROR, "unreadable", "tags.csv", 12, "images/7.jpg")
    assert issue.location("faces.zip") == "faces.zip/tags.csv:12 (images/7.jpg)"
    error = issue.to_error("faces.zip")
    assert (error.expected, error.found, error.fix) == ("a cat", "a dog", "Swap them.")


def test_issue_log_strict_raises_on_error_but_not_on_warning() -> None:
    issues = IssueLog("faces", strict=True)
    issues.add(Issue("unlabeled", "images/1.png", "a", "b", "c", level="warning"))
    with pytest.raises(DataError, match=r"^faces/tags\.csv:3: expected a cat"):
        issues.add(Issue.from_error(ERROR, "labels", "tags.csv", 3))


def test_issue_log_lenient_keeps_issues_up_to_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ERRORS", 3)
    issues = IssueLog("faces", strict=False)
    issue = Issue.from_error(ERROR, "labels", "tags.csv", 3)
    issues.add_all([issue] * 3)
    assert list(issues) == [issue] * 3
    with pytest.raises(DataError, match="at most 3 errors"):
        issues.add(issue)
