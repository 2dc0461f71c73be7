"""Every output, opened like a client opens it: the same pixels, each image with its recipe."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Callable
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganport_runtime import Generator
from ganport_runtime.images.encode import read_metadata
from ganport_runtime.service.encoding import GeneratedImages, encode
from ganport_runtime.service.outputs import OutputOptions, ResponseBody

SEEDS = [7, 2**64 - 1, 3, 4, 5]
PINK = {"hair": "pink"}
Encode = Callable[..., ResponseBody]


@pytest.fixture(scope="module")
def generator(data: Path) -> Generator:
    return Generator.load(data / "tiny.ganport", "cpu")


@pytest.fixture(scope="module")
def pixels(generator: Generator) -> np.ndarray:
    return generator.generate(PINK, seeds=SEEDS)


@pytest.fixture(scope="module")
def encode_rows(generator: Generator, pixels: np.ndarray) -> Encode:
    """Encode rows of `pixels` with the given options."""

    def encode_rows(output: str, rows: slice = slice(None), **options: Any) -> ResponseBody:
        images = GeneratedImages.of(pixels[rows], SEEDS[rows], PINK, generator)
        return encode(images, OutputOptions(output, **options))

    return encode_rows


def decode(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def unzip(body: ResponseBody) -> dict[str, bytes]:
    assert body.media_type == "application/zip"
    with zipfile.ZipFile(io.BytesIO(body.data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def parse_multipart(body: ResponseBody) -> list[Message]:
    header = f"Content-Type: {body.media_type}\r\nMIME-Version: 1.0\r\n\r\n"
    message = message_from_bytes(header.encode() + body.data)
    assert message.is_multipart() and not message.defects
    return message.get_payload()  # type: ignore[return-value]


def parse_data_url(url: str, kind: str = "png") -> bytes:
    header, _, text = url.partition(",")
    assert header == f"data:image/{kind};base64"
    return base64.b64decode(text)


@pytest.mark.parametrize("output", ["png", "webp"])
def test_encode_one_image_is_a_file_with_its_recipe(
    output: str, encode_rows: Encode, generator: Generator, pixels: np.ndarray, tmp_path: Path
) -> None:
    body = encode_rows(output, slice(1, 2))
    assert body.media_type == f"image/{output}"
    assert np.array_equal(decode(body.data), pixels[1])
    path = tmp_path / f"one.{output}"
    path.write_bytes(body.data)
    texts = read_metadata(path)
    assert texts["ganport.digest"] == generator.bundle.digest
    recipe = json.loads(texts["ganport.pictures"])[0]
    assert recipe == {"seed": str(2**64 - 1), "condition": {"hair": "pink", "eyes": "blue"}}
    again = generator.generate(recipe["condition"], seed=int(recipe["seed"]))
    assert np.array_equal(again[0], pixels[1])


def test_encode_raw_is_bytes_and_a_shape(encode_rows: Encode, pixels: np.ndarray) -> None:
    body = encode_rows("raw")
    assert body.media_type == "application/octet-stream"
    assert dict(body.headers) == {"Ganport-Shape": "5, 8, 8, 3"}
    assert np.array_equal(np.frombuffer(body.data, np.uint8).reshape(5, 8, 8, 3), pixels)


def test_encode_npy_is_loaded_by_numpy(encode_rows: Encode, pixels: np.ndarray) -> None:
    body = encode_rows("npy", slice(None, None, 2))
    assert body.media_type == "application/x-npy"
    assert body.data[:8] == b"\x93NUMPY\x01\x00"
    loaded = np.load(io.BytesIO(body.data))
    assert loaded.dtype == np.uint8 and np.array_equal(loaded, pixels[::2])


def test_encode_several_images_are_a_reproducible_zip_with_an_index(
    generator: Generator, pixels: np.ndarray
) -> None:
    conditions = [PINK, "black hair green eyes", PINK, PINK, PINK]
    images = GeneratedImages.of(pixels, SEEDS, conditions, generator, temperature=0.5)
    body = encode(images, OutputOptions("png"))
    files = unzip(body)
    assert list(files) == ["index.json", *(f"{i:03}.png" for i in range(5))]
    index = json.loads(files["index.json"])
    assert index["digest"] == generator.bundle.digest
    assert index["pictures"][1] == {
        "image": "001.png",
        "seed": str(2**64 - 1),
        "condition": {"hair": "black", "eyes": "green"},
        "temperature": 0.5,
    }
    for entry, image in zip(index["pictures"], pixels, strict=True):
        assert np.array_equal(decode(files[entry["image"]]), image)
    assert body == encode(images, OutputOptions("png"))


def test_encode_one_image_in_a_zip_has_an_index(encode_rows: Encode) -> None:
    files = unzip(encode_rows("webp", slice(1), container="zip"))
    assert list(files) == ["index.json", "000.webp"]


def test_encode_multipart_has_an_index_and_files(encode_rows: Encode, pixels: np.ndarray) -> None:
    body = encode_rows("png", container="multipart")
    assert body.media_type.startswith("multipart/mixed; boundary=")
    index, *files = parse_multipart(body)
    entries = json.loads(index.get_payload(decode=True))["pictures"]
    assert [part.get_filename() for part in files] == [entry["image"] for entry in entries]
    for part, image in zip(files, pixels, strict=True):
        assert part.get_content_type() == "image/png"
        assert np.array_equal(decode(part.get_payload(decode=True)), image)  # type: ignore[arg-type]


def test_encode_json_has_data_urls(encode_rows: Encode, pixels: np.ndarray) -> None:
    body = encode_rows("webp", container="json")
    assert body.media_type == "application/json"
    entries = json.loads(body.data)["pictures"]
    assert [entry["seed"] for entry in entries] == [str(seed) for seed in SEEDS]
    for entry, image in zip(entries, pixels, strict=True):
        assert np.array_equal(decode(parse_data_url(entry["image"], "webp")), image)


def crop_frames(atlas: np.ndarray, frames: list[dict[str, Any]]) -> np.ndarray:
    """Return the images of an atlas, cropped like a game engine does it."""
    rectangles = [frame["frame"] for frame in frames]
    return np.stack([atlas[r["y"] : r["y"] + r["h"], r["x"] : r["x"] + r["w"]] for r in rectangles])


@pytest.mark.parametrize("columns", [None, 2, 5])
def test_encode_sheet_index_locates_every_image(
    columns: int | None, encode_rows: Encode, pixels: np.ndarray
) -> None:
    body = encode_rows("sheet", columns=columns)
    assert body.media_type == "application/json"
    index = json.loads(body.data)
    atlas = decode(parse_data_url(index["meta"]["image"]))
    assert index["meta"]["size"] == {"w": atlas.shape[1], "h": atlas.shape[0]}
    assert index["meta"]["columns"] == (columns or 3)
    assert np.array_equal(crop_frames(atlas, index["frames"]), pixels)
    frame = index["frames"][1]
    assert frame["frame"] == {"x": 8, "y": 0, "w": 8, "h": 8}
    assert frame["seed"] == str(2**64 - 1)
    assert frame["condition"] == {"hair": "pink", "eyes": "blue"}


def test_encode_sheet_zip_has_two_files(encode_rows: Encode, pixels: np.ndarray) -> None:
    files = unzip(encode_rows("sheet", container="zip"))
    assert list(files) == ["sheet.json", "sheet.png"]
    index = json.loads(files["sheet.json"])
    assert index["meta"]["image"] == "sheet.png"
    assert np.array_equal(crop_frames(decode(files["sheet.png"]), index["frames"]), pixels)


def test_encode_sheet_multipart_is_related_to_its_index(encode_rows: Encode) -> None:
    body = encode_rows("sheet", container="multipart", quality=90)
    assert body.media_type.startswith("multipart/related; ")
    index, atlas = parse_multipart(body)
    assert index.get_content_type() == "application/json"
    name = json.loads(index.get_payload(decode=True))["meta"]["image"]
    assert atlas["Content-Location"] == name == "sheet.webp"
    with Image.open(io.BytesIO(atlas.get_payload(decode=True))) as image:  # type: ignore[arg-type]
        assert (image.format, image.size) == ("WEBP", (24, 16))


def test_encode_translations_have_no_seed(generator: Generator, pixels: np.ndarray) -> None:
    images = GeneratedImages.of(pixels, [], PINK, generator)
    body = encode(images, OutputOptions("png", container="json"))
    for entry in json.loads(body.data)["pictures"]:
        assert set(entry) == {"image", "condition"}
