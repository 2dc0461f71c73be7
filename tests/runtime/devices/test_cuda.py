"""CUDA and TensorRT: the options of onnxruntime, CUDA graphs and errors, without a GPU."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import onnxruntime
import pytest

from ganport_runtime.devices.cpu import open_cpu
from ganport_runtime.devices.cuda import CUDA, TENSORRT, open_cuda, open_tensorrt
from ganport_runtime.devices.factory import open_backend
from ganport_runtime.devices.pinned_memory import BufferAllocator
from ganport_runtime.errors import BundleError, DeviceError, GanportWarning

PROVIDERS = onnxruntime.get_available_providers()
without_cuda = pytest.mark.skipif("CUDAExecutionProvider" in PROVIDERS, reason="has CUDA")

Feeds = Callable[[int], dict[str, Any]]


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
    assert "pip install 'ganport[gpu]' 'tensorrt==10.*'" in caught.value.fix


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


class CudaOnCpu(onnxruntime.InferenceSession):  # type: ignore[misc]
    """A real session on the CPU that reports the providers it is opened with, and records them."""

    opened: ClassVar[list["CudaOnCpu"]] = []
    failing_id: ClassVar[str | None] = None
    """The graph id at which a run fails; None = none."""

    def __init__(self, model: bytes, options: Any, *, providers: Any, **more: Any) -> None:
        del options  # they forbid the CPU
        super().__init__(model, providers=["CPUExecutionProvider"])
        self.settings = dict(p if isinstance(p, tuple) else (p, {}) for p in providers)
        self.more = more
        self.graph_ids: list[str] = []
        if CUDA in self.settings:
            self.opened.append(self)

    def get_providers(self) -> list[str]:
        return list(self.settings)

    def run_with_iobinding(self, binding: Any, options: Any = None) -> None:
        graph_id = options.get_run_config_entry("gpu_graph_id") if options else ""
        self.graph_ids.append(graph_id)
        if graph_id == self.failing_id:
            raise RuntimeError("CUDNN_STATUS_NOT_INITIALIZED while running Conv")
        super().run_with_iobinding(binding, options)


@pytest.fixture
def cuda_on_cpu(monkeypatch: pytest.MonkeyPatch) -> type[CudaOnCpu]:
    """Let the CPU stand in for a GPU of onnxruntime 1.30."""
    listed = [CUDA, TENSORRT, *PROVIDERS]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: listed)
    monkeypatch.setattr(onnxruntime, "InferenceSession", CudaOnCpu)
    monkeypatch.setattr(onnxruntime, "__version__", "1.30.0")
    cpu_memory = BufferAllocator(onnxruntime, "cpu")
    monkeypatch.setattr("ganport_runtime.devices.cuda.gpu_allocator", lambda index: cpu_memory)
    monkeypatch.setattr(CudaOnCpu, "opened", [])
    return CudaOnCpu


@pytest.mark.parametrize(("precision", "tensor_cores"), [("fp32", 0), ("fp16", 1)])
def test_cuda_takes_tensor_cores_for_half_precision_only(
    model: bytes, cuda_on_cpu: type[CudaOnCpu], precision: str, tensor_cores: int
) -> None:
    open_cuda(model, 2, place="", precision=precision)
    (session,) = cuda_on_cpu.opened
    settings = session.settings[CUDA]
    assert settings["device_id"] == 2
    assert (settings["use_tf32"], settings["fuse_conv_bias"]) == (tensor_cores, tensor_cores)
    assert session.more == {"enable_fallback": 0}


@pytest.mark.parametrize(
    ("version", "captures"),
    [("1.20.0", False), ("1.29.1", False), ("1.30.0", True), ("1.31.1+cu130", True), ("2.0", True)],
)
def test_graphs_are_captured_from_the_version_that_is_correct(
    model: bytes,
    cuda_on_cpu: type[CudaOnCpu],
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    captures: bool,
) -> None:
    monkeypatch.setattr(onnxruntime, "__version__", version)
    open_cuda(model, 0, place="")
    (session,) = cuda_on_cpu.opened
    assert ("enable_cuda_graph" in session.settings[CUDA]) is captures
    assert session.graph_ids == (["-1", "-1", "1"] if captures else [""])


def test_every_bucket_has_a_graph_of_its_own(
    model: bytes, feeds: Feeds, cuda_on_cpu: type[CudaOnCpu]
) -> None:
    cuda, cpu = open_cuda(model, 0, place="", max_batch=40), open_cpu(model, place="")
    for rows in (40, 17, 1, 33, 100):
        assert np.array_equal(cuda.run(feeds(rows)), cpu.run(feeds(rows)))
    (session,) = cuda_on_cpu.opened
    plain = ["-1", "-1"]
    first_runs = [*plain, "1", *plain, "40", *plain, "32"]
    assert session.graph_ids == [*first_runs, "1", "40", "40", "40", "32"]


def test_graphs_off_runs_plain(model: bytes, cuda_on_cpu: type[CudaOnCpu]) -> None:
    open_cuda(model, 0, place="", graphs=False)
    assert cuda_on_cpu.opened[0].graph_ids == [""]


def test_failed_capture_continues_without_graphs(
    model: bytes, feeds: Feeds, cuda_on_cpu: type[CudaOnCpu], monkeypatch: pytest.MonkeyPatch
) -> None:
    cuda = open_cuda(model, 0, place="")
    monkeypatch.setattr(cuda_on_cpu, "failing_id", "4")
    with pytest.warns(GanportWarning, match="cuda:0 runs without CUDA graphs: CUDNN_STATUS_NOT"):
        images = cuda.run(feeds(3))
    assert np.array_equal(images, open_cpu(model, place="").run(feeds(3)))
    captured, plain = cuda_on_cpu.opened
    assert captured.graph_ids[-1] == "4"
    assert "enable_cuda_graph" not in plain.settings[CUDA]
    cuda.run(feeds(1))
    assert plain.graph_ids == ["", ""]


def test_first_row_that_fails_is_a_device_error_and_auto_takes_the_cpu(
    model: bytes,
    cuda_on_cpu: type[CudaOnCpu],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(onnxruntime, "__version__", "1.29.0")
    monkeypatch.setattr(cuda_on_cpu, "failing_id", "")
    with pytest.raises(DeviceError, match="CUDNN_STATUS_NOT_INITIALIZED"):
        open_cuda(model, 0, place="")
    with pytest.warns(GanportWarning, match="running on the CPU: device 'cuda:0'"):
        backend = open_backend(
            model, "auto", place="", allow_spinning=False, precision="fp32", max_batch=None
        )
    assert backend.device == "cpu"
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_tensorrt_options_are_words(
    model: bytes, cuda_on_cpu: type[CudaOnCpu], precision: str
) -> None:
    open_tensorrt(model, 1, place="", precision=precision, max_batch=4)
    (session,) = cuda_on_cpu.opened
    assert session.settings[TENSORRT]["trt_fp16_enable"] == str(precision == "fp16")
    assert session.settings[TENSORRT]["trt_profile_max_shapes"] == "z:4x4,condition:4x5"
    assert session.settings[CUDA]["use_tf32"] == int(precision == "fp16")


def test_tensorrt_of_another_version_is_named(
    model: bytes, cuda_on_cpu: type[CudaOnCpu], monkeypatch: pytest.MonkeyPatch
) -> None:
    package = ModuleType("tensorrt")
    package.__version__ = "11.4.0"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tensorrt", package)
    with pytest.raises(DeviceError, match=r"found TensorRT 11\.4\.0.*'tensorrt==10\.\*'"):
        open_tensorrt(model, 0, place="", precision="fp32")
    assert cuda_on_cpu.opened == []


FORKED = """
import os, sys, warnings
import numpy as np, onnxruntime
from ganport_runtime.devices import cuda
from ganport_runtime.devices.io_binding import BoundBackend
from ganport_runtime.devices.pinned_memory import BufferAllocator
from ganport_runtime.errors import DeviceError

warnings.simplefilter("ignore")  # about the fork of a process with threads
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
backend = BoundBackend("cuda:0", session, BufferAllocator(onnxruntime, "cpu"), 4, cuda.GPU_THREAD)
feeds = {x.name: np.zeros((1, x.shape[1]), np.float32) for x in backend.inputs}
backend.run(feeds)
if os.fork() == 0:
    try:
        backend.run(feeds)
    except DeviceError as error:
        print(error.found, cuda.GPU_THREAD.submit(int).result(), flush=True)
    os._exit(0)
os.wait()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_run_in_a_forked_process_raises(data: Path) -> None:
    command = [sys.executable, "-c", FORKED, str(data / "tiny.onnx")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "a fork of that process 0\n"


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_convolution_runs_in_buckets(
    convolutions: dict[str, bytes], feeds: Feeds, cuda_on_cpu: type[CudaOnCpu], precision: str
) -> None:
    cuda = open_cuda(convolutions[precision], 0, place="", precision=precision, max_batch=8)
    cpu = open_cpu(convolutions["fp32"], place="")
    for rows in (1, 3, 8, 11):
        pair = [backend.run(feeds(rows)).astype(int) for backend in (cuda, cpu)]
        assert abs(pair[0] - pair[1]).max() <= (1 if precision == "fp32" else 2)
    assert cuda_on_cpu.opened
