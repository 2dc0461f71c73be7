"""Every output, opened as a client opens it: the same pictures, each with its seed."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganport_runtime import Generator
from ganport_runtime.errors import RequestError
from ganport_runtime.images.encode import read_metadata
from ganport_runtime.service.outputs import Encoded, encode

SEEDS = [7, 2**64 - 1, 3, 4, 5]
PINK = {"hair": "pink"}


@pytest.fixture(scope="module")
def generator() -> Generator:
    return Generator.load(Path(__file__).parents[2] / "data" / "tiny.ganport", "cpu")


@pytest.fixture(scope="module")
def images(generator: Generator) -> np.ndarray:
    return generator.generate(PINK, seeds=SEEDS)


def opened(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB"))


def unzipped(encoded: Encoded) -> dict[str, bytes]:
    assert encoded.media_type == "application/zip"
    with zipfile.ZipFile(io.BytesIO(encoded.body)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def parts(encoded: Encoded) -> list[Message]:
    head = f"Content-Type: {encoded.media_type}\r\nMIME-Version: 1.0\r\n\r\n"
    message = message_from_bytes(head.encode() + encoded.body)
    assert message.is_multipart() and not message.defects
    return message.get_payload()  # type: ignore[return-value]


def from_data_url(url: str, kind: str = "png") -> bytes:
    head, _, text = url.partition(",")
    assert head == f"data:image/{kind};base64"
    return base64.b64decode(text)


@pytest.mark.parametrize("output", ["png", "webp"])
def test_one_picture_is_a_file_that_can_be_drawn_again(
    output: str, generator: Generator, images: np.ndarray, tmp_path: Path
) -> None:
    encoded = encode(output, images[1:2], SEEDS[1:2], PINK, generator=generator)
    assert encoded.media_type == f"image/{output}"
    assert np.array_equal(opened(encoded.body), images[1])
    path = tmp_path / f"one.{output}"
    path.write_bytes(encoded.body)
    said = read_metadata(path)
    assert said["ganport.digest"] == generator.bundle.digest
    recipe = json.loads(said["ganport.pictures"])[0]
    assert recipe == {"seed": str(2**64 - 1), "condition": {"hair": "pink", "eyes": "blue"}}
    again = generator.generate(recipe["condition"], seed=int(recipe["seed"]))
    assert np.array_equal(again[0], images[1])


def test_raw_is_bytes_with_their_shape(generator: Generator, images: np.ndarray) -> None:
    encoded = encode("raw", images, SEEDS, PINK, generator=generator)
    assert (encoded.media_type, encoded.headers) == (
        "application/octet-stream",
        {"Ganport-Shape": "5, 8, 8, 3"},
    )
    assert np.array_equal(np.frombuffer(encoded.body, np.uint8).reshape(5, 8, 8, 3), images)


def test_npy_is_what_numpy_loads(generator: Generator, images: np.ndarray) -> None:
    encoded = encode("npy", images[::2], SEEDS[::2], PINK, generator=generator)
    assert encoded.media_type == "application/x-npy"
    assert encoded.body[:8] == b"\x93NUMPY\x01\x00"
    loaded = np.load(io.BytesIO(encoded.body))
    assert loaded.dtype == np.uint8 and np.array_equal(loaded, images[::2])


def test_several_pictures_are_a_zip_with_an_index(generator: Generator, images: np.ndarray) -> None:
    requests = [PINK, "black hair green eyes", PINK, PINK, PINK]
    encoded = encode("png", images, SEEDS, requests, generator=generator, temperature=0.5)
    files = unzipped(encoded)
    assert list(files) == ["index.json", *(f"{i:03}.png" for i in range(5))]
    index = json.loads(files["index.json"])
    assert index["digest"] == generator.bundle.digest
    assert index["pictures"][1] == {
        "image": "001.png",
        "seed": str(2**64 - 1),
        "condition": {"hair": "black", "eyes": "green"},
        "temperature": 0.5,
    }
    for entry, picture in zip(index["pictures"], images, strict=True):
        assert np.array_equal(opened(files[entry["image"]]), picture)
    assert encoded == encode("png", images, SEEDS, requests, generator=generator, temperature=0.5)


def test_one_picture_asked_for_in_a_container_comes_in_it(
    generator: Generator, images: np.ndarray
) -> None:
    given: dict[str, Any] = {"generator": generator, "container": "zip"}
    files = unzipped(encode("webp", images[:1], SEEDS[:1], PINK, **given))
    assert list(files) == ["index.json", "000.webp"]


def test_several_pictures_as_parts(generator: Generator, images: np.ndarray) -> None:
    encoded = encode("png", images, SEEDS, PINK, generator=generator, container="multipart")
    assert encoded.media_type.startswith("multipart/mixed; boundary=")
    index, *files = parts(encoded)
    listed = json.loads(index.get_payload(decode=True))["pictures"]
    assert [part.get_filename() for part in files] == [entry["image"] for entry in listed]
    for part, picture in zip(files, images, strict=True):
        assert part.get_content_type() == "image/png"
        assert np.array_equal(opened(part.get_payload(decode=True)), picture)  # type: ignore[arg-type]


def test_several_pictures_as_json(generator: Generator, images: np.ndarray) -> None:
    encoded = encode("webp", images, SEEDS, PINK, generator=generator, container="json")
    assert encoded.media_type == "application/json"
    listed = json.loads(encoded.body)["pictures"]
    assert [entry["seed"] for entry in listed] == [str(seed) for seed in SEEDS]
    for entry, picture in zip(listed, images, strict=True):
        assert np.array_equal(opened(from_data_url(entry["image"], "webp")), picture)


def cut(page: np.ndarray, frames: list[dict[str, Any]]) -> list[np.ndarray]:
    """The pictures of an atlas, as a game cuts them."""
    rectangles = [frame["frame"] for frame in frames]
    return [page[r["y"] : r["y"] + r["h"], r["x"] : r["x"] + r["w"]] for r in rectangles]


@pytest.mark.parametrize("columns", [None, 2, 5])
def test_a_sheet_is_an_atlas_its_index_cuts(
    columns: int | None, generator: Generator, images: np.ndarray
) -> None:
    encoded = encode("sheet", images, SEEDS, PINK, generator=generator, columns=columns)
    assert encoded.media_type == "application/json"
    index = json.loads(encoded.body)
    page = opened(from_data_url(index["meta"]["image"]))
    assert index["meta"]["size"] == {"w": page.shape[1], "h": page.shape[0]}
    assert index["meta"]["columns"] == (columns or 3)
    assert np.array_equal(np.stack(cut(page, index["frames"])), images)
    frame = index["frames"][1]
    assert frame["frame"] == {"x": 8, "y": 0, "w": 8, "h": 8}
    assert frame["seed"] == str(2**64 - 1)
    assert frame["condition"] == {"hair": "pink", "eyes": "blue"}


def test_a_sheet_as_files(generator: Generator, images: np.ndarray) -> None:
    files = unzipped(encode("sheet", images, SEEDS, PINK, generator=generator, container="zip"))
    assert list(files) == ["sheet.json", "sheet.png"]
    index = json.loads(files["sheet.json"])
    assert index["meta"]["image"] == "sheet.png"
    assert np.array_equal(np.stack(cut(opened(files["sheet.png"]), index["frames"])), images)


def test_a_sheet_as_parts_is_related_to_its_index(generator: Generator, images: np.ndarray) -> None:
    given: dict[str, Any] = {"generator": generator, "container": "multipart", "quality": 90}
    encoded = encode("sheet", images, SEEDS, PINK, **given)
    assert encoded.media_type.startswith("multipart/related; ")
    index, page = parts(encoded)
    assert index.get_content_type() == "application/json"
    image = json.loads(index.get_payload(decode=True))["meta"]["image"]
    assert page["Content-Location"] == image == "sheet.webp"
    with Image.open(io.BytesIO(page.get_payload(decode=True))) as picture:  # type: ignore[arg-type]
        assert (picture.format, picture.size) == ("WEBP", (24, 16))


def test_translations_have_no_seed(generator: Generator, images: np.ndarray) -> None:
    encoded = encode("png", images, [], PINK, generator=generator, container="json")
    for entry in json.loads(encoded.body)["pictures"]:
        assert set(entry) == {"image", "condition"}


def test_what_cannot_be_encoded_is_refused(generator: Generator, images: np.ndarray) -> None:
    with pytest.raises(RequestError, match=r"^columns: expected the output sheet"):
        encode("png", images, SEEDS, PINK, generator=generator, columns=2)
