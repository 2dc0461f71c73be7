"""CUDA and TensorRT on a GPU: their images are near those of the CPU."""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import onnxruntime
import pytest

from ganport_runtime.devices.cpu import open_cpu
from ganport_runtime.devices.cuda import GPU_THREAD, open_cuda, open_tensorrt
from ganport_runtime.devices.pinned_memory import PinnedMemory
from ganport_runtime.errors import DeviceError

PROVIDERS = onnxruntime.get_available_providers()
has_gpu = shutil.which("nvidia-smi") is not None  # onnxruntime-gpu lists CUDA without a GPU, too

Feeds = Callable[[int], dict[str, Any]]


@pytest.mark.gpu
@pytest.mark.skipif("CUDAExecutionProvider" not in PROVIDERS or not has_gpu, reason="no CUDA")
class TestCuda:
    @pytest.mark.parametrize(("precision", "limit"), [("fp32", 1), ("fp16", 2)])
    def test_convolution_is_near_the_cpu(
        self, convolutions: dict[str, bytes], feeds: Feeds, precision: str, limit: int
    ) -> None:
        cuda = open_cuda(convolutions[precision], 0, place="", precision=precision)
        cpu = open_cpu(convolutions["fp32"], place="")
        for rows in (1, 2, 16, 40, 256, 1):
            pair = [backend.run(feeds(rows)).astype(int) for backend in (cuda, cpu)]
            assert abs(pair[0] - pair[1]).max() <= limit

    def test_every_bucket_is_within_one_level_of_the_cpu(self, model: bytes, feeds: Feeds) -> None:
        cuda, cpu = open_cuda(model, 0, place="", max_batch=32), open_cpu(model, place="")
        assert cuda.device == "cuda:0"
        for rows in (1, 2, 3, 16, 17, 32, 40, 5, 1):
            images = [backend.run(feeds(rows)).astype(int) for backend in (cuda, cpu)]
            assert abs(images[0] - images[1]).max() <= 1

    def test_replayed_graph_returns_the_images_of_its_capture(
        self, model: bytes, feeds: Feeds
    ) -> None:
        graphs = open_cuda(model, 0, place="")
        plain = open_cuda(model, 0, place="", graphs=False)
        for rows in (1, 4, 2, 4, 1, 3):
            first, *others = [graphs.run(feeds(rows)) for _ in range(3)]
            assert all(np.array_equal(first, other) for other in others)
            assert np.array_equal(first, plain.run(feeds(rows)))

    def test_threads_share_a_device(self, model: bytes, feeds: Feeds) -> None:
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
        memory = GPU_THREAD.submit(pinned.allocate, 20_000).result().view(np.float32)
        numbers = np.arange(5000, dtype=np.float32)
        value = onnxruntime.OrtValue.ortvalue_from_numpy(numbers, "cuda", 0)
        GPU_THREAD.submit(pinned.fetch, value.data_ptr(), memory[:4000]).result()
        assert np.array_equal(memory, np.where(numbers < 4000, numbers, 0))


@pytest.mark.gpu
@pytest.mark.skipif("TensorrtExecutionProvider" not in PROVIDERS, reason="no TensorRT")
def test_tensorrt_is_within_two_levels_of_the_cpu(model: bytes, feeds: Feeds) -> None:
    try:
        tensorrt = open_tensorrt(model, 0, place="", precision="fp32", max_batch=8)
    except DeviceError as error:
        pytest.skip(str(error))  # onnxruntime-gpu lists it without its libraries
    for rows in (1, 5, 8, 11):
        pair = [b.run(feeds(rows)).astype(int) for b in (tensorrt, open_cpu(model, place=""))]
        assert abs(pair[0] - pair[1]).max() <= 2
