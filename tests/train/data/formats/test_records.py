"""Tables with a header that are too long, unreadable, or cannot become condition groups."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from ganport_train.data.formats import records
from ganport_train.data.formats.header_table import HeaderTable
from ganport_train.data.issues import DataError, IssueLog
from ganport_train.data.source import Source

Files = dict[str, bytes]
OpenZip = Callable[[Files], AbstractContextManager[Source]]
TABLE = b"file_name,hair\n0.png,pink\n1.png,red\n2.png,pink\n"
IMAGES: Files = {f"{number}.png": b"" for number in range(3)}


def test_table_of_too_many_rows_raises(open_zip: OpenZip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_FILES", 2)
    with open_zip(IMAGES | {"metadata.csv": TABLE}) as source, pytest.raises(DataError) as caught:
        HeaderTable().read(source, IssueLog("set", strict=True), ())
    assert caught.value.place.endswith("/metadata.csv")
    assert caught.value.expected == "at most 2 rows"


def test_unreadable_table_has_no_columns(
    open_zip: OpenZip, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_zip(IMAGES | {"metadata.csv": TABLE}) as source:
        assert records.first_columns(source, "metadata.csv") == ["file_name", "hair"]
        assert HeaderTable().detect(source)
        monkeypatch.setattr(records, "MAX_TABLE", len(TABLE) - 1)
        assert records.first_columns(source, "metadata.csv") == []
        assert not HeaderTable().detect(source)


def test_column_whose_name_is_no_group_raises(open_zip: OpenZip) -> None:
    table = TABLE.replace(b"hair", b"h" * 300)
    with open_zip(IMAGES | {"metadata.csv": table}) as source:
        contents = HeaderTable().read(source, IssueLog("set", strict=True), ())
        with pytest.raises(DataError) as caught:
            contents.vocabulary()
    assert caught.value.place.startswith(f"{source}/metadata.csv: ")
