import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffTags, features

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


DECODE = """
import os, sys
from pathlib import Path
from ganport_runtime.errors import RequestError
from ganport_runtime.images.decode import load_image
from ganport_train.data.file_formats import readable_formats

for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        load_image(path.read_bytes(), formats=readable_formats())
    except RequestError:
        print(path.name)
    os.write(2, b"another message of the process\\n")
"""


def damaged_tiff(compression: str) -> bytes:
    """Return a TIFF whose compressed data is overwritten."""
    pixels = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "TIFF", compression=compression)
    data = bytearray(buffer.getvalue())
    data[100:200] = b"\xff" * 100
    return bytes(data)


def test_damaged_tiffs_are_refused_without_raw_lines_of_the_decoders(tmp_path: Path) -> None:
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "jpeg"):
        (tmp_path / f"{compression}.tif").write_bytes(damaged_tiff(compression))
    many = bytearray(damaged_tiff("tiff_lzw"))
    tag = next(tag for tag, info in TiffTags.TAGS_V2.items() if info.name == "SamplesPerPixel")
    place = many.index(tag.to_bytes(2, "little") + (3).to_bytes(2, "little"), 8)
    many[place + 8 : place + 10] = b"\xff\x7f"
    (tmp_path / "samples.tif").write_bytes(many)
    command = [sys.executable, "-c", DECODE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert {"tiff_lzw.tif", "tiff_adobe_deflate.tif", "samples.tif"} <= {*done.stdout.split()}
    assert done.stderr.splitlines() == ["another message of the process"] * 4
