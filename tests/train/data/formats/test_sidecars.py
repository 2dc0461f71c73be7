from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial

import pytest

from ganport_runtime.conditions import Conditions, MultiHot
from ganport_train.data.formats import sidecars as module
from ganport_train.data.formats.base import Example
from ganport_train.data.formats.sidecars import Sidecars
from ganport_train.data.issues import DataError, Issue, IssueLog
from ganport_train.data.source import Source

Files = dict[str, bytes]
OpenZip = Callable[[Files], AbstractContextManager[Source]]
Read = Callable[..., tuple[list[Example], list[Issue], Conditions]]


@pytest.fixture
def read(read_with: Read) -> Read:
    return partial(read_with, Sidecars())


def files_of(*texts: str) -> Files:
    files: Files = {}
    for i, text in enumerate(texts):
        files |= {f"{i}.png": b"", f"{i}.txt": text.encode()}
    return files


def tags(examples: Sequence[Example]) -> list[list[str]]:
    return [example.labels["tags"] for example in examples]


def test_read_tags_are_a_list_of_labels(read: Read) -> None:
    texts = ("smile, long  hair,hat", "hat, smile\n", "smile , long hair,", "long hair")
    examples, issues, conditions = read(files_of(*texts))
    assert tags(examples) == [
        ["long hair", "smile", "hat"],
        ["smile", "hat"],
        ["long hair", "smile"],
        ["long hair"],
    ]
    assert issues == []
    assert conditions.groups == (MultiHot("tags", ("long hair", "smile", "hat"), (), 3),)
    assert examples[0].table == "0.txt"


def test_read_tags_of_one_image_or_of_all_are_no_labels(read: Read) -> None:
    texts = ("solo, a", "solo, a, rare", "solo, b", "solo, b")
    examples, (issue,), conditions = read(files_of(*texts))
    assert tags(examples) == [["a"], ["a"], ["b"], ["b"]]
    assert issue.level == "warning"
    assert issue.found == "4. The labels are a (2), b (2)"
    assert conditions.groups[0].labels == ("a", "b")


def test_read_most_frequent_tags_only(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TAGS", 2)
    texts = ("a, b, c", "a, b", "a", "c, b", "d")
    examples, (issue,), _ = read(files_of(*texts))
    assert tags(examples) == [["a", "b"], ["a", "b"], ["a"], ["b"], []]
    assert "The labels are a (3), b (3)" in issue.found


def test_read_requested_tags_in_their_order(read: Read) -> None:
    examples, issues, conditions = read(files_of("a, b", "b", "a"), ["b", "a"])
    assert tags(examples) == [["b", "a"], ["b"], ["a"]]
    assert issues == []
    assert conditions.groups[0].labels == ("b", "a")
    with pytest.raises(DataError, match="the tag 'aa'; found 2 others"):
        read(files_of("a, b", "b"), ["aa"])


def test_read_image_without_sidecar_warns(read: Read) -> None:
    _, issues, _ = read(files_of("a", "a", "b", "b") | {"x/9.png": b"", "README.txt": b"notes"})
    assert [(issue.file, issue.kind) for issue in issues] == [("x/9.png", "unlabeled")]


def test_read_unusable_text_file_is_an_issue(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SIDECAR", 20)
    files = files_of("a", "a, b", "b", "a", "b") | {"3.txt": b"a" * 21, "4.txt": b"a\x81\xff"}
    examples, issues, _ = read(files)
    assert tags(examples) == [["a"], ["a", "b"], ["b"]]
    assert [(issue.kind, issue.level, issue.file, issue.image) for issue in issues] == [
        ("labels", "error", "3.txt", "3.png"),
        ("labels", "error", "4.txt", "4.png"),
    ]


def test_read_composes_names_and_says_encodings(read: Read) -> None:
    files = files_of("châtain", "châtain", "a")
    files = {name: data.decode().encode("cp1252") for name, data in files.items()}
    composed, decomposed = "ガ", "カ\u3099"
    files |= {f"{decomposed}.png": b"", f"{composed}.txt": b"a"}
    examples, issues, _ = read(files)
    assert len(examples) == 4
    assert [issue.found for issue in issues if issue.kind == "labels"] == [
        "what reads as Windows-1252 in 2 files"
    ]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (("a girl with long pink hair smiles", "a boy in a red hat looks left"), "found sentences"),
        (("a", "b", "c"), "tags that some images share; found 3"),
        (("", ""), "tags that some images share; found 0"),
    ],
)
def test_read_captions_or_no_common_tags_raise(
    open_zip: OpenZip, texts: tuple[str, ...], message: str
) -> None:
    with open_zip(files_of(*texts)) as source, pytest.raises(DataError, match=message):
        Sidecars().read(source, IssueLog("set", strict=False), ())


@pytest.mark.parametrize(
    "files",
    [files_of("a"), {"0.png": b"", "1.png": b"", "2.txt": b""}, {"0.txt": b"", "1.txt": b""}],
)
def test_detect_other_sources_returns_false(open_zip: OpenZip, files: Files) -> None:
    with open_zip(files) as source:
        assert not Sidecars().detect(source)


def test_read_decides_the_encoding_of_all_text_files_together(read: Read) -> None:
    texts = ("Fuß", "Fuß, schöner Hut", "São, schöner Hut", "plain")
    files = files_of(*texts) | {f"{i}.txt": text.encode("cp1252") for i, text in enumerate(texts)}
    examples, issues, _ = read(files)
    assert tags(examples) == [["Fuß"], ["Fuß", "schöner Hut"], ["schöner Hut"], []]
    assert [issue.level for issue in issues] == ["warning", "warning"]
    assert issues[0].found == "what reads as Windows-1252 in 3 files"
