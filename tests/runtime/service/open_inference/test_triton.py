"""Triton's own client, as it is on PyPI, against a real server."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pytest

from ganport_runtime.images.encode import to_float
from ganport_runtime.noise import normals
from ganport_runtime.service.registry import Shelf

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its own dependencies
    import tritonclient.http as triton
    from tritonclient.utils import InferenceServerException, np_to_triton_dtype

SEEDS = [7, 2**64 - 1, 3]


@pytest.fixture
def client(address: str) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(address) as client:
        yield client


def sent(name: str, array: np.ndarray, binary: bool = True) -> triton.InferInput:
    tensor = triton.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    tensor.set_data_from_numpy(array, binary_data=binary)
    return tensor


def test_health(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("tiny")
    assert not client.is_model_ready("other")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]


def test_metadata_is_that_of_the_graph(client: triton.InferenceServerClient) -> None:
    assert client.get_model_metadata("tiny") == {
        "name": "tiny",
        "versions": ["1.0.0"],
        "platform": "onnxruntime_onnx",
        "inputs": [
            {"name": "z", "datatype": "FP32", "shape": [-1, 4]},
            {"name": "condition", "datatype": "FP32", "shape": [-1, 5]},
        ],
        "outputs": [{"name": "image", "datatype": "UINT8", "shape": [-1, 8, 8, 3]}],
    }
    inputs = client.get_model_metadata("tiny-translator", "1.0.0")["inputs"]
    assert inputs[0] == {"name": "image_in", "datatype": "FP32", "shape": [-1, 3, 8, 8]}


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
def test_the_tensors_of_the_graph(
    client: triton.InferenceServerClient, shelf: Shelf, binary_in: bool, binary_out: bool
) -> None:
    generator = shelf["tiny"].generator
    z = normals(SEEDS, (4,))
    vectors = generator.conditions.encode_many(["pink hair", "black hair", "green eyes"])
    result = client.infer(
        "tiny",
        [sent("z", z, binary_in), sent("condition", vectors, binary_in)],
        outputs=[triton.InferRequestedOutput("image", binary_data=binary_out)],
        request_id="a-1",
    )
    expected = generator.generate(["pink hair", "black hair", "green eyes"], seeds=SEEDS)
    assert np.array_equal(result.as_numpy("image"), expected)
    assert result.get_response()["id"] == "a-1"
    assert result.get_response()["model_version"] == "1.0.0"


@pytest.mark.parametrize("binary", [True, False])
def test_a_seed_and_a_text_in_place_of_them(
    client: triton.InferenceServerClient, shelf: Shelf, binary: bool
) -> None:
    texts = np.array(["pink hair", "dark red hair green eyes", ""], object)
    inputs = [sent("seed", np.array(SEEDS, np.uint64), binary), sent("text", texts, binary)]
    drawn = client.infer("tiny", inputs, model_version="1.0.0").as_numpy("image")
    expected = shelf["tiny"].generator.generate(list(texts), seeds=SEEDS)
    assert np.array_equal(drawn, expected)


def test_a_condition_that_blends_is_taken_as_it_is(
    client: triton.InferenceServerClient, shelf: Shelf
) -> None:
    vectors = np.array([[0.5, 0.5, 0, 0.25, 0.75]], np.float32)
    inputs = [sent("seed", np.array([7], np.uint64)), sent("condition", vectors)]
    drawn = client.infer("tiny", inputs).as_numpy("image")
    blend = {"hair": {"pink": 0.5, "black": 0.5}, "eyes": {"blue": 0.25, "green": 0.75}}
    assert np.array_equal(drawn, shelf["tiny"].generator.generate(blend, seed=7))


def test_what_is_left_out_takes_its_default(
    client: triton.InferenceServerClient, shelf: Shelf
) -> None:
    for name in ("tiny", "tiny-unconditional"):
        drawn = client.infer(name, [sent("seed", np.array([7, 9], np.uint64))]).as_numpy("image")
        assert np.array_equal(drawn, shelf[name].generator.generate(seeds=[7, 9]))


def test_translation(client: triton.InferenceServerClient, shelf: Shelf) -> None:
    generator = shelf["tiny-translator"].generator
    pictures = np.arange(2 * 8 * 8 * 3, dtype=np.uint8).reshape(2, 8, 8, 3)
    drawn = client.infer("tiny-translator", [sent("image_in", to_float(pictures))])
    assert np.array_equal(drawn.as_numpy("image"), generator.translate(pictures))
    vectors = -np.ones((2, generator.conditions.size), np.float32)
    inputs = [sent("image_in", to_float(pictures)), sent("condition", vectors)]
    other = client.infer("tiny-translator", inputs).as_numpy("image")
    assert other.shape == pictures.shape


def test_errors_reach_the_client(client: triton.InferenceServerClient) -> None:
    with pytest.raises(InferenceServerException) as caught:
        client.infer("tiny", [sent("z", np.zeros((1, 5), np.float32))])
    assert caught.value.status() == "422"
    assert caught.value.message() == (
        "inputs 'z': expected shape [N, 4], N from 1 to 16; found [1, 5]. "
        "Send one row for each picture."
    )
    with pytest.raises(InferenceServerException, match="expected one of tiny, ") as caught:
        client.infer("tny", [sent("z", np.zeros((1, 4), np.float32))])
    assert caught.value.status() == "404"
    with pytest.raises(InferenceServerException, match="Content-Encoding: expected identity"):
        z = sent("z", np.zeros((1, 4), np.float32))
        client.infer("tiny", [z], request_compression_algorithm="gzip")
