import unicodedata
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_train.data.formats.image_index import ImageIndex
from ganport_train.data.issues import EntryError, IssueLog
from ganport_train.data.source import Source

Files = dict[str, bytes]
OpenZip = Callable[[Files], AbstractContextManager[Source]]
PICTURES: Files = {
    "1.png": b"",
    "set/2.JPG": b"",
    "a/3.webp": b"",
    "b/3.webp": b"",
    "note.txt": b"",
}


def taken(open_zip: OpenZip, *names: str, folders: tuple[str, ...] = ("",)) -> list[str]:
    with open_zip(PICTURES) as source:
        images = ImageIndex(source, folders)
        return [images.take(name) for name in names]


def test_image_index_finds_path_folder_and_base_name(open_zip: OpenZip) -> None:
    assert taken(open_zip, "set/2.JPG", "1.png", "a/3.webp") == ["set/2.JPG", "1.png", "a/3.webp"]
    assert taken(open_zip, "2.JPG") == ["set/2.JPG"]
    assert taken(open_zip, "3.webp", folders=("", "images", "b")) == ["b/3.webp"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["9.png"], "expected one image '9.png'; found none. Add the image or remove its ent"),
        (["../1.png"], r"expected one image '\.\./1\.png'; found none"),
        (["/etc/1.png"], "found none"),
        (["note.txt"], "found none"),
        (["a\n\x1b[31m.png"], r"expected one image 'a\\n\\x1b\[31m\.png'; found none"),
        (["3.webp"], r"found a/3\.webp and b/3\.webp\. Remove all but one"),
        (["2.JPG", "set/2.JPG"], r"expected each image once; found 'set/2\.JPG' again"),
    ],
)
def test_image_index_unusable_name_raises(
    open_zip: OpenZip, names: list[str], message: str
) -> None:
    with pytest.raises(EntryError, match=message):
        taken(open_zip, *names)


def test_image_index_unused_image_warns(open_zip: OpenZip) -> None:
    issues = IssueLog("set", strict=True)
    with open_zip(PICTURES) as source:
        images = ImageIndex(source)
        for name in ("1.png", "a/3.webp", "b/3.webp"):
            images.take(name)
        images.report_unused("list.json", issues)
    assert [(issue.file, issue.kind, issue.level) for issue in issues] == [
        ("set/2.JPG", "unlabeled", "warning")
    ]


@given(st.lists(st.text(max_size=12), max_size=6))
def test_image_index_any_name_stays_inside_source(open_zip: OpenZip, names: list[str]) -> None:
    with open_zip(PICTURES) as source:
        images = ImageIndex(source)
        for name in names:
            try:
                assert images.take(name) in PICTURES
            except EntryError as error:
                assert (error.expected + error.found).isprintable()


GA_COMPOSED, GA_DECOMPOSED = (unicodedata.normalize(form, "ガ") for form in ("NFC", "NFD"))


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("2.jpg", "set/2.JPG"),
        ("set/2.Jpg", "set/2.JPG"),
        ("2", "set/2.JPG"),
        ("set/2", "set/2.JPG"),
        ("set\\2.JPG", "set/2.JPG"),
        ("C:\\data\\pets\\set\\2.jpg", "set/2.JPG"),
        ("D:/elsewhere/2.jpg", "set/2.JPG"),
        (".\\1.png", "1.png"),
        (f"{GA_COMPOSED}.png", f"{GA_DECOMPOSED}.png"),
        (f"{GA_DECOMPOSED}.png", f"{GA_DECOMPOSED}.png"),
        (GA_COMPOSED, f"{GA_DECOMPOSED}.png"),
    ],
)
def test_image_index_finds_other_spellings(open_zip: OpenZip, name: str, image: str) -> None:
    with open_zip(PICTURES | {f"{GA_DECOMPOSED}.png": b""}) as source:
        assert ImageIndex(source).take(name) == image


@pytest.mark.parametrize(
    ("files", "name", "image"),
    [
        (("x/1.png", "x/1.PNG"), "x/1.PNG", "x/1.PNG"),
        ((f"{GA_COMPOSED}.png", f"{GA_DECOMPOSED}.png"), f"{GA_DECOMPOSED}.png", None),
    ],
)
def test_image_index_prefers_the_exact_name_of_twins(
    open_zip: OpenZip, files: tuple[str, ...], name: str, image: str | None
) -> None:
    with open_zip(dict.fromkeys(files, b"")) as source:
        assert ImageIndex(source).take(name) == (image or name)


def test_image_index_twins_without_an_exact_name_raise(open_zip: OpenZip) -> None:
    with (
        open_zip({"1.PNG": b"", "1.Png": b""}) as source,
        pytest.raises(EntryError, match=r"found 1\.PNG and 1\.Png\. Remove all but one"),
    ):
        ImageIndex(source).take("1.png")


def test_image_index_prefers_earlier_folders(open_zip: OpenZip) -> None:
    with open_zip({"1.png": b"", "images/1.jpg": b""}) as source:
        assert ImageIndex(source, ("images", "")).take("1") == "images/1.jpg"
        assert ImageIndex(source, ("", "images")).take("1") == "1.png"


def test_image_index_unused_of_a_folder(open_zip: OpenZip) -> None:
    with open_zip(PICTURES) as source:
        assert ImageIndex(source).unused("a") == ["a/3.webp"]
        assert ImageIndex(source).unused("") == ["1.png"]
