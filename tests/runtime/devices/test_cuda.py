from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from ganport_runtime.devices.cpu import open_cpu
from ganport_runtime.devices.cuda import open_cuda, open_tensorrt
from ganport_runtime.devices.io_binding import PinnedMemory
from ganport_runtime.errors import BundleError, DeviceError

PROVIDERS = onnxruntime.get_available_providers()
without_cuda = pytest.mark.skipif("CUDAExecutionProvider" in PROVIDERS, reason="has CUDA")


@pytest.fixture(scope="module")
def model(data: Path) -> bytes:
    return (data / "tiny.onnx").read_bytes()


def feeds(rows: int) -> dict[str, Any]:
    random = np.random.default_rng(rows)
    return {
        "z": random.standard_normal((rows, 4)).astype(np.float32),
        "condition": random.random((rows, 5), np.float32),
    }


@without_cuda
def test_open_cuda_without_the_provider_names_device_and_package(model: bytes) -> None:
    with pytest.raises(DeviceError) as caught:
        open_cuda(model, 1, place="tiny.onnx")
    assert caught.value.place == "device 'cuda:1'"
    assert "onnxruntime without CUDA" in caught.value.found
    assert "pip install 'ganport[gpu]'" in caught.value.fix


@pytest.mark.skipif("TensorrtExecutionProvider" in PROVIDERS, reason="has TensorRT")
def test_open_tensorrt_without_the_provider_names_device_and_package(model: bytes) -> None:
    with pytest.raises(DeviceError) as caught:
        open_tensorrt(model, 0, place="tiny.onnx", precision="fp32")
    assert caught.value.place == "device 'tensorrt:0'"
    assert "onnxruntime without Tensorrt" in caught.value.found
    assert "pip install 'ganport[gpu]' tensorrt" in caught.value.fix


@pytest.mark.parametrize(
    ("opener", "options"), [(open_cuda, {}), (open_tensorrt, {"precision": "fp32"})]
)
def test_damaged_graph_is_a_bundle_error(
    model: bytes, opener: Any, options: dict[str, str]
) -> None:
    with pytest.raises(BundleError, match=r"tiny\.onnx"):
        opener(model[:100], 0, place="tiny.onnx", **options)


@pytest.mark.filterwarnings("ignore:Specified provider")
@without_cuda
def test_library_that_fails_to_load_is_named_and_not_printed(
    model: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = ["CUDAExecutionProvider", *PROVIDERS]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: listed)
    # As in onnxruntime-gpu; the CPU package returns before it looks for libraries.
    monkeypatch.setattr(onnxruntime, "cuda_version", "99.0")
    with pytest.raises(DeviceError) as caught:
        open_cuda(model, 0, place="tiny.onnx")
    assert "99" in caught.value.found
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("version", ["", "99.0"])
def test_pinned_memory_without_the_cuda_runtime_is_none(version: str) -> None:
    assert PinnedMemory.find(version, 0) is None


@pytest.mark.gpu
@pytest.mark.skipif("CUDAExecutionProvider" not in PROVIDERS, reason="no CUDA")
class TestCuda:
    def test_every_bucket_is_within_one_level_of_the_cpu(self, model: bytes) -> None:
        cuda, cpu = open_cuda(model, 0, place="", max_batch=32), open_cpu(model, place="")
        assert cuda.device == "cuda:0"
        for rows in (1, 2, 3, 16, 17, 32, 40, 5, 1):
            images = [backend.run(feeds(rows)).astype(int) for backend in (cuda, cpu)]
            assert abs(images[0] - images[1]).max() <= 1

    def test_replayed_graph_returns_the_images_of_its_capture(self, model: bytes) -> None:
        graphs = open_cuda(model, 0, place="")
        plain = open_cuda(model, 0, place="", max_graph_rows=0)
        for rows in (1, 4, 2, 4, 1, 3):
            first, *others = [graphs.run(feeds(rows)) for _ in range(3)]
            assert all(np.array_equal(first, other) for other in others)
            assert np.array_equal(first, plain.run(feeds(rows)))

    def test_threads_share_a_device(self, model: bytes) -> None:
        cuda = open_cuda(model, 0, place="", max_batch=8)
        expected = [cuda.run(feeds(1 + n % 9)) for n in range(40)]
        with ThreadPoolExecutor(4) as pool:
            images = pool.map(lambda n: cuda.run(feeds(1 + n % 9)), range(40))
            assert all(map(np.array_equal, images, expected))

    def test_device_index_out_of_range_is_a_device_error(self, model: bytes) -> None:
        with pytest.raises(DeviceError, match="device 'cuda:99'"):
            open_cuda(model, 99, place="")

    def test_pinned_memory_is_found_and_fetches(self, model: bytes) -> None:
        open_cuda(model, 0, place="")  # loads the CUDA runtime
        pinned = PinnedMemory.find(onnxruntime.cuda_version, 0)
        assert pinned
        array = np.arange(5000, dtype=np.float32)
        pinned.lock(array)
        value = onnxruntime.OrtValue.ortvalue_from_numpy(array, "cuda", 0)
        array[:] = 0
        pinned.fetch(value.data_ptr(), array[:4000])
        assert np.array_equal(array, np.where(np.arange(5000) < 4000, np.arange(5000), 0))


@pytest.mark.gpu
@pytest.mark.skipif("TensorrtExecutionProvider" not in PROVIDERS, reason="no TensorRT")
def test_tensorrt_is_within_two_levels_of_the_cpu(model: bytes) -> None:
    try:
        tensorrt = open_tensorrt(model, 0, place="", precision="fp32", max_batch=8)
    except DeviceError as error:
        pytest.skip(str(error))  # onnxruntime-gpu lists it without its libraries
    for rows in (1, 5, 8, 11):
        pair = [b.run(feeds(rows)).astype(int) for b in (tensorrt, open_cpu(model, place=""))]
        assert abs(pair[0] - pair[1]).max() <= 2
