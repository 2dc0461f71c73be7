import csv
import io
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Literal
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.conditions import Conditions, MultiHot, OneHot, Rgb, Scalar, SignedMultiHot
from ganport_train.data.formats.base import Example
from ganport_train.data.formats.header_table import HeaderTable
from ganport_train.data.issues import DataError, Issue, IssueLog
from ganport_train.data.source import Source

Files = dict[str, bytes]
OpenZip = Callable[[Files], AbstractContextManager[Source]]
Read = Callable[..., tuple[list[Example], list[Issue], Conditions]]


@pytest.fixture(scope="session")
def read(read_with: Read) -> Read:
    return partial(read_with, HeaderTable())


def files_of(table: str | bytes, count: int = 3, name: str = "metadata.csv") -> Files:
    data = table if isinstance(table, bytes) else table.encode()
    return {name: data} | {f"{i}.png": b"" for i in range(count)}


def values(examples: Sequence[Example]) -> list[dict[str, Any]]:
    return [dict(example.labels) for example in examples]


TABLE = "file_name,hair,eyes\n0.png,pink,black\n1.png,light blue,red\n2.png,pink,red\n"
LABELS = [
    {"hair": "pink", "eyes": "black"},
    {"hair": "light blue", "eyes": "red"},
    {"hair": "pink", "eyes": "red"},
]


def test_read_columns_are_groups(read: Read) -> None:
    examples, issues, conditions = read(files_of(TABLE))
    assert issues == []
    assert values(examples) == LABELS
    assert examples[1] == Example("1.png", "1.png", "metadata.csv", 3, LABELS[1])
    hair, eyes = OneHot("hair", ("light blue", "pink")), OneHot("eyes", ("black", "red"))
    assert conditions.groups == (hair, eyes)


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("metadata.csv", "\ufeff" + TABLE),
        ("labels.CSV", TABLE.replace("\n", "\r\n")),
        ("metadata.csv", TABLE.replace("\n", "\r")),
        ("any.csv", TABLE.replace("file_name", "File Name ")),
        ("any.csv", TABLE.replace("file_name", "FILE")),
        ("any.csv", TABLE.replace("file_name", "id").replace(".png", "")),
        ("any.tsv", TABLE.replace(",", "\t")),
        ("any.csv", TABLE.replace("pink,", '"pink" , ').replace("light blue", '"light blue"')),
        ("any.csv", TABLE.replace("\n", " \n").replace(",", " , ")),
        ("any.csv", "\n \n" + TABLE.replace("\n", "\n\n") + ",,\n"),
        ("any.csv", TABLE.replace("1.png", "images\\1.PNG").replace("2.png", "C:\\set\\2.png")),
        ("tags.csv", TABLE),
    ],
)
def test_read_tables_as_programs_write_them(read: Read, name: str, table: str) -> None:
    examples, issues, _ = read(files_of(table, name=name))
    assert issues == []
    assert values(examples) == LABELS


@pytest.mark.parametrize(
    ("encoding", "separator", "found"),
    [
        ("utf-8", ";", "semicolons"),
        ("utf-8", "\t", "tabs"),
        ("utf-16", ",", "what reads as UTF-16"),
        ("cp1252", ",", "what reads as Windows-1252"),
    ],
)
def test_read_says_what_it_assumed(read: Read, encoding: str, separator: str, found: str) -> None:
    table = TABLE.replace("pink", "châtain").replace(",", separator).encode(encoding)
    examples, (issue,), _ = read(files_of(table))
    assert (issue.level, issue.found) == ("warning", found)
    assert examples[0].labels["hair"] == "châtain"


def test_read_jsonl_of_every_kind_of_value(read: Read) -> None:
    rows = [
        {"file": "0.png", "kind": "cat", "on": True, "age": 1, "tags": ["a", "b"], "c": "#ff00Aa"},
        {"file": "1.png", "kind": "dog", "on": False, "age": 2.5, "tags": [], "c": "#0000ff"},
        {"file": "2.png", "kind": "cat", "on": True, "age": 4, "tags": ["b"], "c": "#0000ff"},
    ]
    table = "\n".join(json.dumps(row) for row in rows)
    examples, issues, conditions = read(files_of(table, name="metadata.jsonl"))
    assert issues == []
    first = {"kind": "cat", "on": "true", "age": 1.0, "tags": ["a", "b"], "c": "#ff00aa"}
    assert values(examples)[0] == first
    assert conditions.groups == (
        OneHot("kind", ("cat", "dog")),
        OneHot("on", ("false", "true")),
        Scalar("age", 2.5, 1.0, 4.0),
        MultiHot("tags", ("a", "b"), (), 2),
        Rgb("c", "#0000ff", (-1.0, 1.0)),
    )
    assert conditions.encode_many([example.labels for example in examples]).shape == (3, 10)


@pytest.mark.parametrize(
    ("column", "cells", "labels"),
    [
        ("parts", ["a|b", "b", ""], [["a", "b"], ["b"], []]),
        ("parts", ["a; b", "b", "b"], [["a", "b"], ["b"], ["b"]]),
        ("tags", ['"a, b"', "b", "a"], [["a", "b"], ["b"], ["a"]]),
        ("parts", ["\"['a', 'b']\"", "[]", "[b]"], [["a", "b"], [], ["b"]]),
    ],
)
def test_read_lists_in_cells(read: Read, column: str, cells: list[str], labels: list[str]) -> None:
    rows = "".join(f"{i}.png,{cell}\n" for i, cell in enumerate(cells))
    examples, issues, conditions = read(files_of(f"file,{column}\n{rows}"))
    assert issues == []
    assert [example.labels[column] for example in examples] == labels
    assert conditions.groups == (MultiHot(column, ("a", "b"), (), 2),)


def test_read_classes_of_numbers_are_labels_in_order(read: Read) -> None:
    rows = "".join(f"{i}.png,{label}\n" for i, label in enumerate([10, 2, 10]))
    _, _, conditions = read(files_of(f"file_name,label\n{rows}"))
    assert conditions.groups == (OneHot("label", ("2", "10")),)


def test_read_columns_of_signs_are_attributes(read: Read) -> None:
    table = "image_id,Bald,Smiling\n0.jpg,-1,1\n1.jpg,1,-1\n"
    files = {f"img_align_celeba/img_align_celeba/{i}.jpg": b"" for i in range(2)}
    files["list_attr_celeba.csv"] = table.encode()
    files["list_eval_partition.csv"] = b"image_id,partition\n"
    examples, issues, conditions = read(files)
    assert issues == []
    assert values(examples) == [{"attributes": ["Smiling"]}, {"attributes": ["Bald"]}]
    assert conditions.groups == (SignedMultiHot("attributes", ("Bald", "Smiling")),)
    assert read(files, ["Smiling", "Bald"])[2].groups[0].labels == ("Smiling", "Bald")


def test_read_tables_in_folders_of_splits(read: Read) -> None:
    files = {f"{split}/{i}.png": b"" for split in ("train", "test") for i in range(2)}
    for split in ("train", "test"):
        files[f"{split}/metadata.csv"] = f"file_name,label\n0.png,{split}\n1.png,both\n".encode()
    examples, issues, _ = read(files)
    assert issues == []
    assert [(example.image, example.labels["label"]) for example in examples] == [
        ("test/0.png", "test"),
        ("test/1.png", "both"),
        ("train/0.png", "train"),
        ("train/1.png", "both"),
    ]


def test_read_columns_without_conditions_are_named(read: Read) -> None:
    rows = "".join(
        f"{i}.png,{(i % 2 and 'cat') or 'dog'},a long text about the animal number {i},train,\n"
        for i in range(30)
    )
    examples, (issue,), conditions = read(files_of(f"file_name,kind,text,split,empty\n{rows}", 30))
    assert [group.name for group in conditions.groups] == ["kind"]
    assert issue.found == (
        "'text': most of its texts occur once; 'split': it describes the file; "
        "'empty': all its cells are empty"
    )
    assert len(examples) == 30


def test_read_requested_columns_only(read: Read) -> None:
    examples, issues, conditions = read(files_of(TABLE), ["eyes"])
    assert issues == []
    assert values(examples)[0] == {"eyes": "black"}
    assert conditions.groups == (OneHot("eyes", ("black", "red")),)
    with pytest.raises(DataError, match="the column 'eye'; found hair, eyes"):
        read(files_of(TABLE), ["eye"])


def test_read_requested_column_is_used_whatever_it_looks_like(read: Read) -> None:
    rows = "".join(f"{i}.png,cat,name {i},{i % 2}\n" for i in range(30))
    files = files_of(f"file_name,kind,name,split\n{rows}", 30)
    conditions = read(files, ["name", "split"])[2]
    sizes = [(group.name, len(group.labels)) for group in conditions.groups]
    assert sizes == [("name", 30), ("split", 0)]


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("1.png,,red\n", "an empty cell"),
        (",pink,red\n", "an empty cell"),
        ("1.png,pink\n", "2"),
        ("1.png,pink,red,blue\n", "4"),
        ("9.png,pink,red\n", "none"),
        ("0.png,pink,red\n", "'0.png' again"),
    ],
)
def test_read_bad_row_is_an_issue(read: Read, row: str, found: str) -> None:
    table = f"file_name,hair,eyes\n0.png,pink,black\n{row}2.png,pink,red\n"
    examples, issues, _ = read(files_of(table))
    assert [example.id for example in examples] == ["0.png", "2.png"]
    (error,) = [issue for issue in issues if issue.level == "error"]
    assert (error.file, error.line, error.found) == ("metadata.csv", 3, found)


@pytest.mark.parametrize(
    ("kind", "cells", "bad"),
    [
        ("number", [*map(str, range(20)), "old"], "'old'"),
        ("color", ["#00ff00"] * 20 + ["red"], "'red'"),
    ],
)
def test_read_odd_cell_of_a_column_is_an_issue(
    read: Read, kind: str, cells: list[str], bad: str
) -> None:
    rows = "".join(f"{i}.png,{cell}\n" for i, cell in enumerate(cells))
    examples, (issue,), _ = read(files_of(f"file_name,{kind}\n{rows}", 21))
    assert (len(examples), issue.line, issue.found) == (20, 22, bad)


def test_read_open_quote_says_that_the_rest_is_not_read(read: Read) -> None:
    table = 'file_name,hair\n0.png,pink\n1.png,"red\n2.png,red\n'
    examples, issues, _ = read(files_of(table))
    assert len(examples) == 1
    assert issues[0].fix == "Close the quotes. The rest of the table is not read."


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            files_of("file_name,text\n" + "".join(f"{i}.png,a b c d e f {i}\n" for i in range(30))),
            r"metadata\.csv: expected a column of labels.*'text': most of .* ganport|anime-dcgan",
        ),
        (files_of("file_name,label\n0.png,\n1.png,\n"), "'label': all its cells are empty"),
        (files_of("file_name\n0.png\n"), "found none. Add a column for each group"),
        (files_of("file_name,a,a\n0.png,1,1\n"), "'a' twice"),
        ({"a.csv": TABLE.encode(), "b.csv": TABLE.encode()}, r"found a\.csv and b\.csv"),
    ],
)
def test_read_unusable_table_raises(open_zip: OpenZip, files: Files, message: str) -> None:
    with open_zip(files) as source, pytest.raises(DataError, match=message):
        HeaderTable().read(source, IssueLog("set", strict=False), ())


@pytest.mark.parametrize("table", ["", "0.png,pink\n", "hair,eyes\na,b\n", "{}", '{"a": 1}', "[1]"])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.tsv"])
def test_detect_other_files_returns_false(open_zip: OpenZip, table: str, name: str) -> None:
    with open_zip({name: table.encode(), "0.png": b""}) as source:
        assert not HeaderTable().detect(source)


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=5)


@given(
    st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=8),
    st.sampled_from(",;\t"),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_read_any_cells_as_they_were_written(
    open_zip: OpenZip, cells: list[tuple[str, str]], separator: str, quoting: Literal[0, 1]
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, quoting=quoting)
    writer.writerow(["file_name", "label", "class"])
    for i, (label, kind) in enumerate(cells):
        writer.writerow([f"{i}.png", f"x{label}", f"x{kind}"])
    issues = IssueLog("set", strict=False)
    with open_zip(files_of(text.getvalue(), len(cells))) as source:
        examples = HeaderTable().read(source, issues, ()).examples
    assert not [issue for issue in issues if issue.level == "error"]
    if not any(mark in label for pair in cells for label in pair for mark in "|;"):
        expected = [tuple(normalize("NFC", f"x{label}") for label in pair) for pair in cells]
        assert [tuple(example.labels.values()) for example in examples] == expected


@given(st.binary(max_size=120) | st.text('a1,;\t"\n#|[]{}:', max_size=80).map(str.encode))
def test_read_any_bytes_reads_or_raises(open_zip: OpenZip, rows: bytes) -> None:
    for name, header in (("m.csv", b"file,a\n"), ("m.jsonl", b'{"file": "0.png", "a": 1}\n')):
        with open_zip(files_of(header + rows, 2, name)) as source:
            try:
                contents = HeaderTable().read(source, IssueLog("set", strict=False), ())
                if contents.examples:
                    contents.vocabulary()
            except DataError as error:
                assert str(error).isprintable()
