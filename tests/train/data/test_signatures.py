from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ganport_train.data.check import check_dataset
from ganport_train.data.file_formats import readable_formats
from ganport_train.data.formats.registry import open_source, source_issues
from ganport_train.data.issues import EntryError
from ganport_train.data.signatures import SIGNATURE_SIZE, detect_format, misnamed_images
from ganport_train.data.source import Source, Subfolder

Encode = Callable[..., bytes]
MakeImage = Callable[..., Image.Image]
Files = dict[str, bytes]
OpenZip = Callable[[Files], AbstractContextManager[Source]]
KINDS = [("PNG", "PNG"), ("JPEG", "JPEG"), ("GIF", "GIF"), ("TIFF", "TIFF"), ("BMP", "BMP")]
NAMES = ("noext", "a.pn", "x.jpg_large", "b/photo.jpg!d", "README")


@pytest.mark.parametrize(("kind", "name"), [*KINDS, ("WEBP", "WebP"), ("AVIF", "AVIF")])
def test_detect_format_of_files_by_pillow(
    make_image: MakeImage, encode: Encode, kind: str, name: str
) -> None:
    if kind not in readable_formats():
        pytest.skip("this Pillow does not write the format")
    assert detect_format(encode(make_image(0), kind)[:SIGNATURE_SIZE]) == name


@given(st.binary(max_size=24) | st.sampled_from([b"BMW is a car", b"", b"GIF of a cat", b"RIFF"]))
def test_detect_format_of_other_bytes_is_none_or_has_their_signature(start: bytes) -> None:
    kind = detect_format(start)
    assert kind is None or start[:1] in b"\x89\xffGIMRB\0" or start[4:8] == b"ftyp"


def test_misnamed_images_are_counted_by_format(make_image: MakeImage, encode: Encode) -> None:
    png, jpeg = encode(make_image(0)), encode(make_image(1), "JPEG")
    files = dict.fromkeys(NAMES, png) | {"c.jpg_large": jpeg, "d.png": png, "e.psd": png}
    issues = misnamed_images(files, lambda name, size: files[name][:size])
    assert [(issue.kind, issue.level, issue.found) for issue in issues] == [
        ("unread", "warning", "5 PNG files without, such as 'README'"),
        ("unread", "warning", "1 JPEG file without, such as 'c.jpg_large'"),
    ]
    assert issues[0].fix == "They are not read. Rename them to end in .png to use them."


def test_misnamed_images_ignores_other_files() -> None:
    def read_start(name: str, size: int) -> bytes:
        assert not name.endswith((".txt", ".csv"))
        if name == "unreadable":
            raise EntryError("a readable file", "Permission denied", "Check its permissions.")
        return b"some text"[:size]

    names = ["README", "notes.txt", "tags.csv", "model.bin", "unreadable"]
    assert misnamed_images(names, read_start) == []


def test_source_issues_name_misnamed_images_of_folders_and_zips(
    make_image: MakeImage,
    encode: Encode,
    write_folder: Callable[..., Path],
    open_zip: OpenZip,
) -> None:
    png = encode(make_image(0))
    files = {"set/cat": png, "set/dog.part": png, "set/Thumbs.db": png, "set/.DS_Store": png}
    with open_source(write_folder(files)) as folder, open_zip(files) as archive:
        for source in (folder, archive, Subfolder(folder, "set")):
            (issue,) = source_issues(source)
            assert issue.found.startswith("2 PNG files without, such as ")


def test_check_names_images_without_an_extension(
    make_image: MakeImage, encode: Encode, write_folder: Callable[..., Path]
) -> None:
    files = {f"{kind}/{i}.png": encode(make_image(i)) for kind in "ab" for i in range(2)}
    report = check_dataset(write_folder(files | {"a/noext": files["a/0.png"]}))
    assert (report.images, report.errors) == (4, 0)
    assert [issue.found for issue in report.issues] == ["1 PNG file without, such as 'a/noext'"]
