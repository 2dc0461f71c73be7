"""Translators and flows; `build_image_fixtures.py` wrote their bundles."""

import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganport_runtime import BundleError, ConditionError, Generator, RequestError
from ganport_runtime.noise import normals

IMAGES = np.random.default_rng(0).integers(100, 156, (5, 8, 8, 3), np.uint8)


@pytest.fixture(scope="module")
def translator(data: Path) -> Generator:
    return Generator.load(data / "tiny-translator.ganport")


@pytest.fixture(scope="module")
def flow(data: Path) -> Generator:
    return Generator.load(data / "tiny-flow.ganport")


def test_capabilities_follow_the_graphs(translator: Generator, flow: Generator, data: Path) -> None:
    assert translator.capabilities == ("translate",)
    assert flow.capabilities == ("generate", "encode")
    assert Generator.load(data / "tiny.onnx").capabilities == ("generate",)
    assert (translator.z_shape, flow.z_shape) == ((), (3, 8, 8))


def test_translate_returns_translated_images(translator: Generator) -> None:
    smiling = translator.translate(IMAGES, "smiling")
    assert smiling.shape == IMAGES.shape
    assert smiling.dtype == np.uint8
    # The tiny translator adds a pattern, the same to each image; +1 and -1 cancel.
    sad = translator.translate(IMAGES, {"face": ["young", "glasses"]})
    moved = smiling.astype(int) + sad - 2 * IMAGES.astype(int)
    assert abs(moved).max() <= 1
    assert not np.array_equal(smiling, IMAGES)


def test_translate_accepts_one_request_per_image(translator: Generator) -> None:
    requests = ["smiling", "young", {}, "no face", "smiling glasses"]
    together = translator.translate(IMAGES, requests, batch_size=2)
    for image, request, found in zip(IMAGES, requests, together, strict=True):
        assert np.array_equal(translator.translate(image[None], request)[0], found)


def test_generate_inverts_encode(flow: Generator) -> None:
    for request in (None, "smiling", "no face"):
        noise = flow.encode(IMAGES, request, batch_size=3)
        assert noise.shape == (5, 3, 8, 8)
        assert noise.dtype == np.float32
        assert np.array_equal(flow.generate(request, z=noise), IMAGES)


def test_encode_depends_on_the_condition(flow: Generator) -> None:
    noise = flow.encode(IMAGES, ["smiling"] * 5)
    assert not np.array_equal(flow.generate("glasses", z=noise), IMAGES)


def test_direction_moves_an_image_to_its_label(flow: Generator) -> None:
    # Made so: two patterns are what lies between a label off and on.
    noise = flow.encode(IMAGES, "no face")
    moved = flow.generate("no face", z=noise + flow.directions["face/smiling"])
    expected = flow.generate("smiling", z=noise)
    assert abs(moved.astype(int) - expected).max() <= 1


def test_noise_uses_the_bundle_temperature(flow: Generator) -> None:
    plain = normals([3], (3, 8, 8))
    assert np.array_equal(flow.noise([3]), plain * np.float32(0.5))
    assert np.array_equal(flow.noise([3], temperature=1), plain)
    warm = flow.generate(seed=3, temperature=1)
    assert np.array_equal(warm, flow.generate(z=plain))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (IMAGES[0], "uint8 (N, 8, 8, 3); found uint8 (8, 8, 3)"),
        (IMAGES.astype(np.float32), "found float32 (5, 8, 8, 3)"),
        (IMAGES[:, :7], "found uint8 (5, 7, 8, 3)"),
        (IMAGES[..., :1], "found uint8 (5, 8, 8, 1)"),
        (list(IMAGES), "images: expected an array uint8 (N, 8, 8, 3)"),
        (None, "found None"),
        (IMAGES[:0], "count: expected an integer from 1"),
    ],
)
def test_wrong_images_are_a_request_error(
    translator: Generator, flow: Generator, images: Any, message: str
) -> None:
    for call in (translator.translate, flow.encode):
        with pytest.raises(RequestError) as caught:
            call(images)
        assert message in str(caught.value)


def test_wrong_conditions_and_batch_size_are_refused(
    translator: Generator, flow: Generator
) -> None:
    for call in (translator.translate, flow.encode):
        with pytest.raises(RequestError, match="conditions: expected a list of 5"):
            call(IMAGES, ["smiling"] * 4)
        with pytest.raises(ConditionError, match="Did you mean 'smiling'"):
            call(IMAGES, {"face": ["smilling"]})
        with pytest.raises(RequestError, match="batch_size: expected"):
            call(IMAGES, batch_size=65)


def test_unsupported_method_is_a_request_error(
    translator: Generator, flow: Generator, data: Path
) -> None:
    with pytest.raises(RequestError, match="can generate; found one that can translate") as caught:
        translator.generate(seed=1)
    assert caught.value.place.endswith("tiny-translator.ganport")
    with pytest.raises(RequestError, match="can generate; found one that can translate"):
        translator.noise([1])
    with pytest.raises(RequestError, match="can encode; found one that can translate"):
        translator.encode(IMAGES)
    with pytest.raises(RequestError, match="can translate; found one that can generate and encode"):
        flow.translate(IMAGES)
    with pytest.raises(RequestError, match="can encode; found one that can generate"):
        Generator.load(data / "tiny.ganport").encode(IMAGES)


def test_single_encoder_file_encodes(data: Path, flow: Generator) -> None:
    encoder = Generator.load(data / "tiny-flow.ganport/encoder.onnx")
    assert encoder.capabilities == ("encode",)
    assert np.array_equal(encoder.encode(IMAGES), flow.encode(IMAGES))
    assert encoder.noise([1]).shape == (1, 3, 8, 8)


def test_second_graph_opens_on_first_use(tiny_flow: Any) -> None:
    (tiny_flow.path / "encoder.onnx").unlink()
    generator = Generator.load(tiny_flow.path)
    assert generator.generate(seed=1).shape == (1, 8, 8, 3)
    with pytest.raises(BundleError, match=r"encoder\.onnx: expected a file"):
        generator.encode(IMAGES)
    shutil.rmtree(tiny_flow.path)
    assert generator.generate(seed=1).shape == (1, 8, 8, 3)


def test_wrong_encoder_graph_is_a_bundle_error(tiny_flow: Any) -> None:
    other = (tiny_flow.path / "generator.onnx").read_bytes()
    tiny_flow.rewrite("encoder.onnx", lambda _: other)
    generator = Generator.load(tiny_flow.path)
    with pytest.raises(BundleError, match=r"encoder\.onnx: inputs: expected image_in"):
        generator.encode(IMAGES)


def test_unknown_interface_names_the_upgrade(tiny_translator: Any) -> None:
    tiny_translator.edit(lambda value: value["graphs"][0].update(interface="gan.film/1"))
    with pytest.raises(BundleError, match=r"found gan\.film/1.*pip install --upgrade"):
        Generator.load(tiny_translator.path)


def test_threads_open_a_graph_once(data: Path) -> None:
    flow = Generator.load(data / "tiny-flow.ganport")
    expected = flow.generate(z=np.zeros((1, 3, 8, 8), np.float32))
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append(flow.encode(expected))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(np.array_equal(noise, found[0]) for noise in found)
