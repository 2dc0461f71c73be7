from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_train.data.formats.base import Example
from ganport_train.data.formats.registry import choose_reader, open_source
from ganport_train.data.formats.tag_grammar import (
    SEPARATORS,
    choose_groups,
    find_ambiguity,
    find_separator,
    parse_tags,
    split_line,
)
from ganport_train.data.issues import DataError, Issue, IssueLog

Read = Callable[[dict[str, bytes]], tuple[list[Example], list[Issue]]]
PAIRS = ("pink hair{}black eyes", "red hair{}green eyes", "blue hair{}brown eyes")


@pytest.fixture
def read(write_folder: Callable[..., Path]) -> Read:
    def read(files: dict[str, bytes]) -> tuple[list[Example], list[Issue]]:
        issues = IssueLog("faces", strict=False)
        with open_source(write_folder(files)) as source:
            reader = choose_reader(source)
            assert reader.format == "tagged_csv"
            return reader.read(source, issues, ()).examples, list(issues)

    return read


def tagged(lines: str, *images: str, table: str = "tags.csv") -> dict[str, bytes]:
    return {table: lines.encode()} | {f"images/{name}": b"" for name in images}


def labels(examples: Sequence[Example]) -> list[str]:
    return [" ".join(f"{v} {k}" for k, v in example.labels.items()) for example in examples]


@pytest.mark.parametrize("after", SEPARATORS)
@pytest.mark.parametrize("between", [", ", "; ", "|", "\t", " "])
def test_read_any_separators_after_ids_and_between_tags(
    read: Read, after: str, between: str
) -> None:
    lines = "".join(f"{i}{after}{text.format(between)}\n" for i, text in enumerate(PAIRS))
    examples, issues = read(tagged(lines, "0.png", "1.png", "2.png"))
    assert labels(examples) == [text.format(" ") for text in PAIRS]
    found = [issue.found for issue in issues]
    assert found == ([] if after == "," else [f"{SEPARATORS[after]}s"])


@given(st.sampled_from(list(SEPARATORS)), st.sampled_from([*SEPARATORS, " "]))
def test_split_line_round_trip(after: str, between: str) -> None:
    lines = [f"{i}{after}pink hair{between}red eyes".encode() for i in range(5)]
    separator = find_separator(lines)
    assert separator == after
    parsed = [split_line(line, separator) for line in lines]
    assert parsed == [(str(i), "pink hair red eyes") for i in range(5)]


def test_read_ids_that_hold_a_separator(read: Read) -> None:
    examples, issues = read(tagged("a;b,pink hair\nc|d,red hair\n", "a;b.png", "c|d.png"))
    assert labels(examples) == ["pink hair", "red hair"]
    assert issues == []


def test_read_line_with_another_separator_names_it(read: Read) -> None:
    lines = "0,pink hair\n1,red hair\n2;pink hair, red eyes\n"
    examples, (issue,) = read(tagged(lines, "0.png", "1.png", "2.png"))
    assert len(examples) == 2
    assert (issue.line, issue.level) == (3, "error")
    assert issue.expected == "a comma after the ID, as on most lines"
    assert issue.found == "a semicolon, after '2'"


@pytest.mark.parametrize("name", ["tags.CSV", "Tags.csv", "TAGS.CSV"])
def test_read_table_of_any_letter_case(read: Read, name: str) -> None:
    table = "0,pink hair\n1,red hair\n2,nothing\n"
    examples, (issue,) = read(tagged(table, "0.png", "1.png", "2.png", table=name))
    assert labels(examples) == ["pink hair", "red hair"]
    assert [example.table for example in examples] == [name, name]
    assert issue.location("faces") == f"faces/{name}:3"


def test_read_two_tables_of_different_letter_case_raises(read: Read) -> None:
    files = tagged("0,pink hair\n", "0.png") | {"Tags.CSV": b"0,red hair\n"}
    with pytest.raises(DataError, match=r"one table tags\.csv; found tags\.csv and Tags\.CSV"):
        read(files)


@pytest.mark.parametrize(
    ("line", "found", "fix"),
    [
        ("light blue hair green eyes", "one for hair, eyes", "Remove eyes from this line, or"),
        ("green eyes", "one for eyes", "Remove eyes from this line, or"),
        ("dark hair light green big eyes", "one for hair, eyes", "Remove eyes from this line, or"),
    ],
)
def test_read_line_with_another_group_names_it(read: Read, line: str, found: str, fix: str) -> None:
    lines = f"0,pink hair\n1,light red hair\n2,blue hair\n3,{line}\n"
    examples, (issue,) = read(tagged(lines, "0.png", "1.png", "2.png", "3.png"))
    assert len(examples) == 3
    assert (issue.line, issue.found) == (4, found)
    assert issue.expected == "a label for hair, as on line 1"
    assert issue.fix.startswith(fix)


def test_read_line_without_a_group_names_the_others(read: Read) -> None:
    lines = "".join(f"{i},{text.format(' ')}\n" for i, text in enumerate(PAIRS))
    _, (issue,) = read(tagged(f"{lines}3,very light blue hair\n", *(f"{i}.png" for i in range(4))))
    assert (issue.line, issue.fix) == (4, "Give every image a label for every group.")


LONG = [f"{a} long hair {b} eyes" for a in ("blue", "pink") for b in ("red", "green")]


def test_choose_groups_prefers_the_later_of_equally_common_words(read: Read) -> None:
    groups = choose_groups(LONG)
    assert groups == ("hair", "eyes")
    assert parse_tags(LONG[0], groups) == {"hair": "blue long", "eyes": "red"}
    assert find_ambiguity(LONG, groups) == ("hair", "long")
    lines = "".join(f"{i},{text}\n" for i, text in enumerate(LONG))
    examples, (issue,) = read(tagged(lines, *(f"{i}.png" for i in range(4))))
    assert len(examples) == 4
    assert issue.level == "warning"
    assert issue.found.startswith("'long' next to 'hair' on nearly all lines")


@pytest.mark.parametrize(
    "texts",
    [
        ["pink hair black eyes"] * 5,
        [*LONG, "blue hair red eyes", "pink hair green eyes"],
        ["light blue hair red eyes", "pink hair dark green eyes", "red hair blue eyes"],
        ["nothing"],
        [],
    ],
)
def test_find_ambiguity_of_clear_groups_is_none(texts: list[str]) -> None:
    assert find_ambiguity(texts, choose_groups(texts)) is None
