from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from ganport_runtime.devices.cpu import open_cpu
from ganport_runtime.devices.cuda import open_cuda
from ganport_runtime.devices.pinned_memory import PinnedMemory
from ganport_runtime.devices.tensorrt import open_tensorrt
from ganport_runtime.errors import BundleError, DeviceError

OFFERED = onnxruntime.get_available_providers()
without_cuda = pytest.mark.skipif("CUDAExecutionProvider" in OFFERED, reason="has CUDA")


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
def test_cuda_that_is_not_there_names_what_is_missing(model: bytes) -> None:
    with pytest.raises(DeviceError) as caught:
        open_cuda(model, 1, place="tiny.onnx")
    assert str(caught.value) == (
        "device 'cuda:1': expected a CUDA device that onnxruntime can use; found an onnxruntime "
        "without CUDA. Run: pip install 'ganport[gpu]' (without onnxruntime beside it), or ask "
        "for cpu; ganport doctor says more."
    )


@pytest.mark.skipif("TensorrtExecutionProvider" in OFFERED, reason="has TensorRT")
def test_tensorrt_that_is_not_there_names_what_is_missing(model: bytes) -> None:
    with pytest.raises(DeviceError) as caught:
        open_tensorrt(model, 0, place="tiny.onnx", precision="fp32")
    assert str(caught.value).startswith(
        "device 'tensorrt:0': expected a TensorRT device that onnxruntime can use; found an "
        "onnxruntime without Tensorrt. Run: pip install 'ganport[gpu]' tensorrt "
    )


@pytest.mark.parametrize("opener", [open_cuda, open_tensorrt])
def test_a_bad_graph_is_the_fault_of_the_bundle(model: bytes, opener: Any) -> None:
    more = {"precision": "fp32"} if opener is open_tensorrt else {}
    with pytest.raises(BundleError, match=r"tiny\.onnx: expected an ONNX graph"):
        opener(model[:100], 0, place="tiny.onnx", **more)


@pytest.mark.filterwarnings("ignore:Specified provider")
@without_cuda
def test_what_does_not_load_is_named_and_not_printed(
    model: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = ["CUDAExecutionProvider", *OFFERED]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: listed)
    # What an onnxruntime-gpu does; that of the CPU goes home before it looks for a library.
    monkeypatch.setattr(onnxruntime, "cuda_version", "99.0")
    with pytest.raises(DeviceError, match=r"found Failed to load \S+99\S*: "):
        open_cuda(model, 0, place="tiny.onnx")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("version", ["", "99.0"])
def test_pages_are_not_locked_without_the_cuda_runtime(version: str) -> None:
    assert PinnedMemory.find(version, 0) is None


@pytest.mark.gpu
@pytest.mark.skipif("CUDAExecutionProvider" not in OFFERED, reason="no CUDA")
class TestCuda:
    def test_every_bucket_draws_what_the_cpu_does(self, model: bytes) -> None:
        cuda, cpu = open_cuda(model, 0, place="", max_batch=32), open_cpu(model, place="")
        assert cuda.device == "cuda:0"
        for rows in (1, 2, 3, 16, 17, 32, 40, 5, 1):
            drawn = [backend.run(feeds(rows)).astype(int) for backend in (cuda, cpu)]
            assert abs(drawn[0] - drawn[1]).max() <= 1

    def test_a_graph_played_back_draws_what_it_drew_first(self, model: bytes) -> None:
        graphs = open_cuda(model, 0, place="")
        plain = open_cuda(model, 0, place="", graphs_up_to=0)
        for rows in (1, 4, 2, 4, 1, 3):
            first, *others = [graphs.run(feeds(rows)) for _ in range(3)]
            assert all(np.array_equal(first, other) for other in others)
            assert np.array_equal(first, plain.run(feeds(rows)))

    def test_several_threads_share_a_device(self, model: bytes) -> None:
        cuda = open_cuda(model, 0, place="", max_batch=8)
        expected = [cuda.run(feeds(1 + n % 9)) for n in range(40)]
        with ThreadPoolExecutor(4) as pool:
            drawn = pool.map(lambda n: cuda.run(feeds(1 + n % 9)), range(40))
            assert all(map(np.array_equal, drawn, expected))

    def test_a_device_beyond_the_last(self, model: bytes) -> None:
        with pytest.raises(DeviceError, match="device 'cuda:99'"):
            open_cuda(model, 99, place="")

    def test_the_cuda_runtime_is_found_and_locks_pages(self, model: bytes) -> None:
        open_cuda(model, 0, place="")  # loads it
        pages = PinnedMemory.find(onnxruntime.cuda_version, 0)
        assert pages
        array = np.arange(5000, dtype=np.float32)
        pages.lock(array)
        value = onnxruntime.OrtValue.ortvalue_from_numpy(array, "cuda", 0)
        array[:] = 0
        pages.fetch(value.data_ptr(), array[:4000])
        assert np.array_equal(array, np.where(np.arange(5000) < 4000, np.arange(5000), 0))


@pytest.mark.gpu
@pytest.mark.skipif("TensorrtExecutionProvider" not in OFFERED, reason="no TensorRT")
def test_tensorrt_draws_nearly_what_the_cpu_does(model: bytes) -> None:
    try:
        tensorrt = open_tensorrt(model, 0, place="", precision="fp32", max_batch=8)
    except DeviceError as error:
        pytest.skip(str(error))  # onnxruntime-gpu lists it without its libraries
    for rows in (1, 5, 8, 11):
        pair = [b.run(feeds(rows)).astype(int) for b in (tensorrt, open_cpu(model, place=""))]
        assert abs(pair[0] - pair[1]).max() <= 2
