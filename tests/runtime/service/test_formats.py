"""The service sends gray images, transparency and palettes in every output."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganport_runtime import Generator
from ganport_runtime.batcher import Batcher
from ganport_runtime.images.encode import encode_png
from ganport_runtime.images.pixels import to_float
from ganport_runtime.service.app import create_app
from ganport_runtime.service.registry import ModelRegistry, ServedBundle
from ganport_runtime.service.settings import Settings

MODES = {"tiny-gray": "L", "tiny-rgba": "RGBA", "tiny-sprite": "RGBA"}
CHANNELS = {"tiny-gray": 1, "tiny-rgba": 4, "tiny-sprite": 4}
FORMATS = {"tiny-gray": "GRAY8", "tiny-rgba": "RGBA8888", "tiny-sprite": "RGBA8888"}
SEEDS = [5, 6, 7]


@pytest.fixture(scope="module")
def bundles(data: Path) -> dict[str, Generator]:
    return {name: Generator.load(data / f"{name}.ganport", "cpu") for name in MODES}


@pytest.fixture(scope="module")
def ask(bundles: dict[str, Generator], make_client: Any) -> Iterator[Any]:
    """Yield a function that sends a request to a service of all bundles."""
    served = [ServedBundle(n, generator, Batcher(generator)) for n, generator in bundles.items()]
    registry = ModelRegistry(served)
    yield make_client(create_app(registry, Settings(max_images=16, max_body=1 << 20)))
    registry.close(5.0)


@pytest.fixture(params=MODES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def pixels_of(data: bytes, name: str) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        pixels = np.asarray(image.convert(MODES[name]))
    return pixels.reshape(*pixels.shape[:2], CHANNELS[name])


def generate(ask: Any, name: str, **fields: Any) -> Any:
    response = ask("POST", "/v1/generate", json={"bundle": name, "seeds": SEEDS} | fields)
    assert response.status_code == 200, response.text
    return response


@pytest.mark.parametrize("output", ["png", "webp"])
def test_file_has_the_pixels_of_the_library(
    ask: Any, bundles: dict[str, Generator], name: str, output: str
) -> None:
    response = generate(ask, name, seeds=[5], output=output)
    assert np.array_equal(pixels_of(response.content, name), bundles[name].generate(seed=5)[0])


def test_zip_has_every_image(ask: Any, bundles: dict[str, Generator], name: str) -> None:
    expected = bundles[name].generate(seeds=SEEDS)
    with zipfile.ZipFile(io.BytesIO(generate(ask, name).content)) as archive:
        for index, image in enumerate(expected):
            assert np.array_equal(pixels_of(archive.read(f"{index:03}.png"), name), image)


def test_raw_and_npy_have_the_channels_of_the_mode(
    ask: Any, bundles: dict[str, Generator], name: str
) -> None:
    expected = bundles[name].generate(seeds=SEEDS)
    raw = generate(ask, name, output="raw")
    assert raw.headers["ganport-shape"] == ", ".join(map(str, expected.shape))
    assert raw.content == expected.tobytes()
    npy = generate(ask, name, output="npy")
    assert np.array_equal(np.load(io.BytesIO(npy.content)), expected)


@pytest.mark.parametrize("quality", [None, 100])
def test_sheet_keeps_mode_and_transparency(
    ask: Any, bundles: dict[str, Generator], name: str, quality: int | None
) -> None:
    expected = bundles[name].generate(seeds=SEEDS)
    sheet = generate(ask, name, output="sheet", columns=2, quality=quality).json()
    assert sheet["meta"]["format"] == FORMATS[name]
    atlas = pixels_of(base64.b64decode(sheet["meta"]["image"].partition(",")[2]), name)
    height, width = expected.shape[1:3]
    assert atlas.shape == (2 * height, 2 * width, CHANNELS[name])
    if quality is None:
        for frame, image in zip(sheet["frames"], expected, strict=True):
            x, y, w, h = (frame["frame"][key] for key in "xywh")
            assert np.array_equal(atlas[y : y + h, x : x + w], image)
        assert not atlas[height:, width:].any()  # the unused cell


def test_png_of_sprites_is_indexed(ask: Any) -> None:
    for fields in ({"seeds": [5]}, {"output": "sheet", "container": "zip"}):
        content = generate(ask, "tiny-sprite", **fields).content
        if content[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                content = archive.read("sheet.png")
        with Image.open(io.BytesIO(content)) as image:
            assert image.mode == "P"


@pytest.mark.parametrize("name", ["tiny-gray", "tiny-rgba"], indirect=True)
def test_translate_reads_and_returns_the_mode(
    ask: Any, bundles: dict[str, Generator], name: str
) -> None:
    pixels = bundles[name].generate(seed=5)[0]
    data = encode_png(pixels)
    headers = {"Content-Type": "image/png"}
    response = ask("POST", f"/v1/translate?bundle={name}", content=data, headers=headers)
    assert response.status_code == 200, response.text
    assert np.array_equal(pixels_of(response.content, name), pixels)


def test_bundle_description_states_the_format(ask: Any, bundles: dict[str, Generator]) -> None:
    for name, generator in bundles.items():
        image = ask("GET", f"/v1/bundles/{name}").json()["image"]
        form = generator.image
        assert image == {
            "width": form.width,
            "height": form.height,
            "mode": form.mode,
            "pixelated": form.pixelated,
            "palette": list(form.palette),
            "alpha_levels": form.alpha_levels,
        }


def test_model_states_and_returns_the_channels(
    ask: Any, bundles: dict[str, Generator], name: str
) -> None:
    expected = bundles[name].generate(seeds=SEEDS)
    (output,) = ask("GET", f"/v2/models/{name}").json()["outputs"]
    assert output == {"name": "image", "datatype": "UINT8", "shape": [-1, *expected.shape[1:]]}
    seed = {"name": "seed", "shape": [3], "datatype": "UINT64", "data": SEEDS}
    response = ask("POST", f"/v2/models/{name}/infer", json={"inputs": [seed]})
    assert response.status_code == 200, response.text
    (tensor,) = response.json()["outputs"]
    assert tensor["shape"] == list(expected.shape)
    assert tensor["data"] == expected.ravel().tolist()


def test_model_without_generator_takes_premultiplied_images(data: Path, make_client: Any) -> None:
    generator = Generator.load(data / "tiny-rgba.ganport/translator.onnx", "cpu")
    registry = ModelRegistry([ServedBundle("changer", generator, Batcher(generator))])
    pixels = np.random.default_rng(0).integers(0, 256, (2, 8, 6, 4), np.uint8)
    pixels[pixels[..., 3] == 0] = 0
    planes = to_float(pixels)
    entry = {"name": "image_in", "datatype": "FP32", "shape": list(planes.shape)}
    body = json.dumps({"inputs": [entry | {"data": planes.ravel().tolist()}]})
    client = make_client(create_app(registry, Settings(max_images=16)))
    headers = {"Content-Type": "application/json"}
    response = client("POST", "/v2/models/changer/infer", content=body, headers=headers)
    registry.close(5.0)
    assert response.status_code == 200, response.text
    assert response.json()["outputs"][0]["data"] == pixels.ravel().tolist()
