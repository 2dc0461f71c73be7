"""The models of the Open Inference Protocol, called by Triton's client at a real port."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pytest

from ganport_runtime.images.pixels import to_float
from ganport_runtime.noise import normals
from ganport_runtime.service.registry import ModelRegistry

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # from its dependencies
    import tritonclient.http as triton
    from tritonclient.utils import InferenceServerException, np_to_triton_dtype

SEEDS = [7, 2**64 - 1, 3]


@pytest.fixture
def client(address: str) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(address) as client:
        yield client


def input_of(name: str, array: np.ndarray, binary: bool = True) -> triton.InferInput:
    tensor = triton.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    tensor.set_data_from_numpy(array, binary_data=binary)
    return tensor


def test_health_and_server_metadata(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("tiny")
    assert not client.is_model_ready("other")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]


def test_model_metadata_lists_the_tensors_of_the_graph(
    client: triton.InferenceServerClient,
) -> None:
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
def test_infer_noise_and_conditions_return_the_images_of_the_library(
    client: triton.InferenceServerClient,
    inference_registry: ModelRegistry,
    binary_in: bool,
    binary_out: bool,
) -> None:
    generator = inference_registry["tiny"].generator
    z = normals(SEEDS, (4,))
    vectors = generator.conditions.encode_many(["pink hair", "black hair", "green eyes"])
    result = client.infer(
        "tiny",
        [input_of("z", z, binary_in), input_of("condition", vectors, binary_in)],
        outputs=[triton.InferRequestedOutput("image", binary_data=binary_out)],
        request_id="a-1",
    )
    expected = generator.generate(["pink hair", "black hair", "green eyes"], seeds=SEEDS)
    assert np.array_equal(result.as_numpy("image"), expected)
    assert result.get_response()["id"] == "a-1"
    assert result.get_response()["model_version"] == "1.0.0"


@pytest.mark.parametrize("binary", [True, False])
def test_infer_seed_and_text_return_the_images_of_the_library(
    client: triton.InferenceServerClient, inference_registry: ModelRegistry, binary: bool
) -> None:
    texts = np.array(["pink hair", "dark red hair green eyes", ""], object)
    inputs = [input_of("seed", np.array(SEEDS, np.uint64), binary), input_of("text", texts, binary)]
    images = client.infer("tiny", inputs, model_version="1.0.0").as_numpy("image")
    expected = inference_registry["tiny"].generator.generate(list(texts), seeds=SEEDS)
    assert np.array_equal(images, expected)


def test_infer_condition_vector_may_blend_labels(
    client: triton.InferenceServerClient, inference_registry: ModelRegistry
) -> None:
    vectors = np.array([[0.5, 0.5, 0, 0.25, 0.75]], np.float32)
    inputs = [input_of("seed", np.array([7], np.uint64)), input_of("condition", vectors)]
    images = client.infer("tiny", inputs).as_numpy("image")
    blend = {"hair": {"pink": 0.5, "black": 0.5}, "eyes": {"blue": 0.25, "green": 0.75}}
    assert np.array_equal(images, inference_registry["tiny"].generator.generate(blend, seed=7))


def test_infer_without_condition_uses_the_defaults(
    client: triton.InferenceServerClient, inference_registry: ModelRegistry
) -> None:
    for name in ("tiny", "tiny-unconditional"):
        images = client.infer(name, [input_of("seed", np.array([7, 9], np.uint64))]).as_numpy(
            "image"
        )
        assert np.array_equal(images, inference_registry[name].generator.generate(seeds=[7, 9]))


def test_infer_translation_returns_the_images_of_the_library(
    client: triton.InferenceServerClient, inference_registry: ModelRegistry
) -> None:
    generator = inference_registry["tiny-translator"].generator
    inputs_u8 = np.arange(2 * 8 * 8 * 3, dtype=np.uint8).reshape(2, 8, 8, 3)
    images = client.infer("tiny-translator", [input_of("image_in", to_float(inputs_u8))])
    assert np.array_equal(images.as_numpy("image"), generator.translate(inputs_u8))
    vectors = -np.ones((2, generator.conditions.size), np.float32)
    inputs = [input_of("image_in", to_float(inputs_u8)), input_of("condition", vectors)]
    other = client.infer("tiny-translator", inputs).as_numpy("image")
    assert other.shape == inputs_u8.shape


def test_infer_errors_reach_the_client(client: triton.InferenceServerClient) -> None:
    with pytest.raises(InferenceServerException) as caught:
        client.infer("tiny", [input_of("z", np.zeros((1, 5), np.float32))])
    assert caught.value.status() == "422"
    assert "inputs 'z'" in caught.value.message()
    assert "[1, 5]" in caught.value.message()
    with pytest.raises(InferenceServerException, match="tiny, ") as caught:
        client.infer("tny", [input_of("z", np.zeros((1, 4), np.float32))])
    assert caught.value.status() == "404"
    with pytest.raises(InferenceServerException, match="Content-Encoding"):
        z = input_of("z", np.zeros((1, 4), np.float32))
        client.infer("tiny", [z], request_compression_algorithm="gzip")
