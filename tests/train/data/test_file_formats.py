import pytest
from PIL import features

from ganport_train.data.file_formats import (
    is_image,
    readable_formats,
    several_frames,
    unread_images,
)


@pytest.mark.parametrize("name", ["a.png", "b/c.JPG", "d.JFIF", "e.Gif", "f.bmp", "g.TGA"])
def test_is_image_of_readable_extensions(name: str) -> None:
    assert is_image(name)
    assert unread_images([name]) == []


@pytest.mark.parametrize("name", ["a.txt", "png", "a.png.zip", "README", "a.csv"])
def test_other_files_are_neither_images_nor_unread(name: str) -> None:
    assert not is_image(name)
    assert unread_images([name]) == []


def test_avif_is_read_where_pillow_has_it() -> None:
    assert ("AVIF" in readable_formats()) == bool(features.check("avif"))


def test_heic_is_read_or_named_with_the_package_that_reads_it() -> None:
    if "HEIF" in readable_formats():
        assert is_image("a.HEIC")
        return
    (issue,) = unread_images(["x/a.HEIC", "b.heic"])
    assert issue.level == "warning"
    assert issue.found == "2 files with the extension .heic, such as 'b.heic'"
    assert "ganport[heic]" in issue.fix


def test_unread_images_are_counted_by_extension() -> None:
    issues = unread_images(["a.psd", "b.kra", "c.psd", "d.png", "raw"])
    assert [issue.found.split(", ")[0] for issue in issues] == [
        "2 files with the extension .psd",
        "1 file with the extension .kra",
    ]


@pytest.mark.parametrize("extension", [".pbm", ".PNM", ".j2k", ".rw2", ".orf", ".procreate"])
def test_unread_images_of_rare_extensions_are_named(extension: str) -> None:
    (issue,) = unread_images([f"a{extension}"])
    assert issue.found == f"1 file with the extension {extension.lower()}, such as 'a{extension}'"
    assert issue.fix.startswith(f"Files in {extension.lower()} are not read.")


def test_several_frames_of_none_is_no_issue() -> None:
    assert several_frames([]) == []
