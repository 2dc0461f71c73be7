from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.conditions import Conditions
from ganport_train.data.formats import base
from ganport_train.data.formats.base import Example
from ganport_train.data.formats.image_folder import ImageFolder
from ganport_train.data.issues import DataError, Issue, IssueLog
from ganport_train.data.source import Source

Files = dict[str, bytes]
OpenZip = Callable[[Files], AbstractContextManager[Source]]
Read = Callable[..., tuple[list[Example], list[Issue], Conditions]]


@pytest.fixture(scope="session")
def read(read_with: Read) -> Read:
    return lambda *names: read_with(ImageFolder(), dict.fromkeys(names, b""))


def classes(read: Read, *names: str) -> dict[str, str]:
    return {example.image: example.labels["class"] for example in read(*names)[0]}


def test_read_folder_is_class(read: Read) -> None:
    examples, issues, conditions = read("dog/1.png", "cat/2.JPEG", "cat/more/1.png", "cat/a.txt")
    assert issues == []
    assert examples == [
        Example(name, name, name, None, {"class": label})
        for name, label in [("cat/2.JPEG", "cat"), ("cat/more/1.png", "cat"), ("dog/1.png", "dog")]
    ]
    assert conditions == Conditions.one_hots({"class": ["cat", "dog"]})


@pytest.mark.parametrize(
    "around", [("images",), ("pets/images",), ("train",), ("train", "val"), ("Test", "valid")]
)
def test_read_skips_enclosing_folders(read: Read, around: tuple[str, ...]) -> None:
    names = [f"{folder}/{label}/1.png" for folder in around for label in ("cat", "dog")]
    assert classes(read, *names) == {name: name.split("/")[-2] for name in names}


def test_read_skips_split_folders_below_top_folder(read: Read) -> None:
    names = ["set/train/cat/1.png", "set/val/cat/2.png", "set/val/dog/3.png"]
    assert list(classes(read, *names).values()) == ["cat", "cat", "dog"]


def test_read_split_folder_next_to_others_is_class(read: Read) -> None:
    names = ["train/a/1.png", "car/b/2.png"]
    assert classes(read, *names) == {"train/a/1.png": "train", "car/b/2.png": "car"}


@pytest.mark.parametrize("stray", ["cover.png", "set/cover.png"])
def test_read_image_outside_class_folders_warns(read: Read, stray: str) -> None:
    examples, issues, _ = read("set/cat/1.png", "set/dog/2.png", stray)
    assert len(examples) == 2
    assert [(issue.file, issue.kind, issue.level) for issue in issues] == [
        (stray, "unlabeled", "warning")
    ]


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("1.png", "2.png"),
        ("cat/1.png",),
        ("set/cat/1.png", "set/cat/2.png"),
        ("train/1.png", "val/2.png"),
        ("cat/notes.txt", "dog/notes.txt"),
    ],
)
def test_detect_other_layout_returns_false(open_zip: OpenZip, names: tuple[str, ...]) -> None:
    with open_zip(dict.fromkeys(names, b"")) as source:
        assert not ImageFolder().detect(source)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("cat ", "labels of 'class': .*found 'cat '"),
        ("c" * 101, "labels of 'class': text of 1 to 100 characters; found 'ccc"),
    ],
)
def test_vocabulary_invalid_folder_name_raises(read: Read, label: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read("cat/1.png", f"{label}/2.png")


def test_vocabulary_too_many_folders_raises(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "MAX_LABELS", 2)
    with pytest.raises(DataError, match="expected 1 to 2 labels of 'class'; found 3"):
        read("a/1.png", "b/1.png", "c/1.png")


PARTS = st.sampled_from(["cat", "dog", "train", "val", "set"])
NAMES = st.sets(st.lists(PARTS, max_size=4).map(lambda parts: "/".join([*parts, "1.png"])))


@given(NAMES)
def test_read_covers_every_image_once(open_zip: OpenZip, names: set[str]) -> None:
    issues = IssueLog("pets", strict=False)
    with open_zip(dict.fromkeys(names, b"")) as source:
        examples = ImageFolder().read(source, issues, ()).examples
        known = ImageFolder().detect(source)
    reported = [issue.file for issue in issues]
    assert sorted([*reported, *(example.image for example in examples)]) == sorted(names)
    for example in examples:
        assert f"{example.labels['class']}/" in example.image
    assert known == (len({example.labels["class"] for example in examples}) > 1)
