"""Pictures in: translators and flows, whose tiny bundles `make_tiny_pictures.py` wrote."""

import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganport_runtime import BundleError, ConditionError, Generator, RequestError
from ganport_runtime.noise import normals

PICTURES = np.random.default_rng(0).integers(100, 156, (5, 8, 8, 3), np.uint8)


@pytest.fixture(scope="module")
def translator(data: Path) -> Generator:
    return Generator.load(data / "tiny-translator.ganport")


@pytest.fixture(scope="module")
def flow(data: Path) -> Generator:
    return Generator.load(data / "tiny-flow.ganport")


def test_abilities(translator: Generator, flow: Generator, data: Path) -> None:
    assert translator.capabilities == ("translate",)
    assert flow.capabilities == ("generate", "encode")
    assert Generator.load(data / "tiny.onnx").capabilities == ("generate",)
    assert (translator.z_shape, flow.z_shape) == ((), (3, 8, 8))


def test_pictures_are_translated(translator: Generator) -> None:
    smiling = translator.translate(PICTURES, "smiling")
    assert smiling.shape == PICTURES.shape
    assert smiling.dtype == np.uint8
    # The tiny translator adds a pattern, the same to each picture; +1 and -1 cancel.
    sad = translator.translate(PICTURES, {"face": ["young", "glasses"]})
    moved = smiling.astype(int) + sad - 2 * PICTURES.astype(int)
    assert abs(moved).max() <= 1
    assert not np.array_equal(smiling, PICTURES)


def test_each_picture_has_its_own_request(translator: Generator) -> None:
    requests = ["smiling", "young", {}, "no face", "smiling glasses"]
    together = translator.translate(PICTURES, requests, batch_size=2)
    for picture, request, found in zip(PICTURES, requests, together, strict=True):
        assert np.array_equal(translator.translate(picture[None], request)[0], found)


def test_a_flow_gives_encoded_pictures_back(flow: Generator) -> None:
    for request in (None, "smiling", "no face"):
        noise = flow.encode(PICTURES, request, batch_size=3)
        assert noise.shape == (5, 3, 8, 8)
        assert noise.dtype == np.float32
        assert np.array_equal(flow.generate(request, z=noise), PICTURES)


def test_noise_is_that_of_the_condition(flow: Generator) -> None:
    noise = flow.encode(PICTURES, ["smiling"] * 5)
    assert not np.array_equal(flow.generate("glasses", z=noise), PICTURES)


def test_a_direction_moves_a_picture_to_its_label(flow: Generator) -> None:
    # Made so: two patterns are what lies between a label off and on.
    noise = flow.encode(PICTURES, "no face")
    moved = flow.generate("no face", z=noise + flow.directions["face/smiling"])
    expected = flow.generate("smiling", z=noise)
    assert abs(moved.astype(int) - expected).max() <= 1


def test_the_bundle_s_temperature(flow: Generator) -> None:
    plain = normals([3], (3, 8, 8))
    assert np.array_equal(flow.noise([3]), plain * np.float32(0.5))
    assert np.array_equal(flow.noise([3], temperature=1), plain)
    warm = flow.generate(seed=3, temperature=1)
    assert np.array_equal(warm, flow.generate(z=plain))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (PICTURES[0], "uint8 (N, 8, 8, 3); found uint8 (8, 8, 3)"),
        (PICTURES.astype(np.float32), "found float32 (5, 8, 8, 3)"),
        (PICTURES[:, :7], "found uint8 (5, 7, 8, 3)"),
        (PICTURES[..., :1], "found uint8 (5, 8, 8, 1)"),
        (list(PICTURES), "images: expected an array uint8 (N, 8, 8, 3)"),
        (None, "found None"),
        (PICTURES[:0], "count: expected an integer from 1"),
    ],
)
def test_pictures_that_do_not_fit(
    translator: Generator, flow: Generator, images: Any, message: str
) -> None:
    for call in (translator.translate, flow.encode):
        with pytest.raises(RequestError) as caught:
            call(images)
        assert message in str(caught.value)


def test_requests_that_do_not_fit(translator: Generator, flow: Generator) -> None:
    for call in (translator.translate, flow.encode):
        with pytest.raises(RequestError, match="conditions: expected a list of 5"):
            call(PICTURES, ["smiling"] * 4)
        with pytest.raises(ConditionError, match="Did you mean 'smiling'"):
            call(PICTURES, {"face": ["smilling"]})
        with pytest.raises(RequestError, match="batch_size: expected"):
            call(PICTURES, batch_size=65)


def test_what_a_bundle_cannot_do_is_one_plain_error(
    translator: Generator, flow: Generator, data: Path
) -> None:
    with pytest.raises(RequestError, match="can generate; found one that can translate") as caught:
        translator.generate(seed=1)
    assert caught.value.place.endswith("tiny-translator.ganport")
    with pytest.raises(RequestError, match="can generate; found one that can translate"):
        translator.noise([1])
    with pytest.raises(RequestError, match="can encode; found one that can translate"):
        translator.encode(PICTURES)
    with pytest.raises(RequestError, match="can translate; found one that can generate and encode"):
        flow.translate(PICTURES)
    with pytest.raises(RequestError, match="can encode; found one that can generate"):
        Generator.load(data / "tiny.ganport").encode(PICTURES)


def test_an_encoder_alone(data: Path, flow: Generator) -> None:
    encoder = Generator.load(data / "tiny-flow.ganport/encoder.onnx")
    assert encoder.capabilities == ("encode",)
    assert np.array_equal(encoder.encode(PICTURES), flow.encode(PICTURES))
    assert encoder.noise([1]).shape == (1, 3, 8, 8)


def test_a_graph_is_opened_when_it_is_asked_for(tiny_flow: Any) -> None:
    (tiny_flow.path / "encoder.onnx").unlink()
    generator = Generator.load(tiny_flow.path)
    assert generator.generate(seed=1).shape == (1, 8, 8, 3)
    with pytest.raises(BundleError, match=r"encoder\.onnx: expected a file"):
        generator.encode(PICTURES)
    shutil.rmtree(tiny_flow.path)
    assert generator.generate(seed=1).shape == (1, 8, 8, 3)


def test_an_encoder_that_is_no_encoder(tiny_flow: Any) -> None:
    other = (tiny_flow.path / "generator.onnx").read_bytes()
    tiny_flow.rewrite("encoder.onnx", lambda _: other)
    generator = Generator.load(tiny_flow.path)
    with pytest.raises(BundleError, match=r"encoder\.onnx: inputs: expected image_in"):
        generator.encode(PICTURES)


def test_a_bundle_of_a_later_version(tiny_translator: Any) -> None:
    tiny_translator.edit(lambda value: value["graphs"][0].update(interface="gan.film/1"))
    with pytest.raises(BundleError, match=r"found gan\.film/1.*pip install --upgrade"):
        Generator.load(tiny_translator.path)


def test_threads_may_open_a_graph_together(data: Path) -> None:
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
