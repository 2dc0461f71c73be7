"""A function that reads files with a reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import pytest

from ganport_runtime.conditions import Conditions
from ganport_train.data.formats.base import Example, Reader
from ganport_train.data.formats.registry import choose_reader
from ganport_train.data.issues import Issue, IssueLog
from ganport_train.data.source import Source

Reading = tuple[list[Example], list[Issue], Conditions]


@pytest.fixture(scope="session")
def read_with(
    open_zip: Callable[[dict[str, bytes]], AbstractContextManager[Source]],
) -> Callable[..., Reading]:
    """Return a function that reads files with the reader of their format."""

    def read(reader: Reader, files: dict[str, bytes], attributes: Sequence[str] = ()) -> Reading:
        issues = IssueLog("set", strict=False)
        with open_zip(files) as source:
            assert choose_reader(source, attributes=attributes).format == reader.format
            contents = reader.read(source, issues, attributes)
        conditions = contents.vocabulary() if contents.examples else Conditions()
        return contents.examples, list(issues), conditions

    return read
