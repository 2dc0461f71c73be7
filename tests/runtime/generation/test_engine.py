import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from ganport_runtime.bundle.manifest import METADATA_KEY, Tensor
from ganport_runtime.devices.cuda import GPU_THREAD
from ganport_runtime.devices.io_binding import BoundBackend
from ganport_runtime.devices.pinned_memory import BufferAllocator
from ganport_runtime.errors import BundleError, DeviceError, GanportWarning
from ganport_runtime.generation.engine import GraphRunner


def feeds(count: int) -> dict[str, Any]:
    return {
        "z": np.zeros((count, 4), np.float32),
        "condition": np.zeros((count, 5), np.float32),
    }


def test_runner_reports_device_tensors_and_metadata(model: bytes) -> None:
    runner = GraphRunner(model, "cpu")
    assert runner.device == "cpu"
    assert runner.inputs == (
        Tensor("z", "float32", ("batch", 4)),
        Tensor("condition", "float32", ("batch", 5)),
    )
    assert runner.outputs[0] == Tensor("image", "uint8", ("batch", 8, 8, 3))
    assert "gan.generate/1" in runner.metadata[METADATA_KEY]


def test_runner_runs_any_batch_size(model: bytes) -> None:
    runner = GraphRunner(model, "cpu")
    for count in (1, 5):
        image = runner.run(feeds(count))
        assert image.shape == (count, 8, 8, 3)
        assert (image == 128).all()  # tanh(0) is the middle of the range


def test_warm_up_on_cpu_runs_one_row(model: bytes) -> None:
    runner = GraphRunner(model, "cpu")
    runner.warm_up(1 << 40)  # would not fit anywhere
    assert runner.run(feeds(2)).shape == (2, 8, 8, 3)


def test_warm_up_runs_every_bucket_of_other_devices(
    model: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []  # -1 = the runs before a capture
    plain = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    allocator = BufferAllocator(onnxruntime, "cpu")  # everything else is as on a GPU
    backend = BoundBackend("cuda:0", plain, allocator, 8, GPU_THREAD, sizes.append)
    monkeypatch.setattr("ganport_runtime.generation.engine.open_backend", lambda *_, **__: backend)
    runner = GraphRunner(model, "cuda")
    runner.warm_up(8)
    runner.run(feeds(7))
    assert sizes == [-1, 1, -1, 2, -1, 4, -1, 8]


@pytest.mark.parametrize("length", [0, 1, 40, 4000, -1])
def test_truncated_graph_is_a_bundle_error(model: bytes, length: int) -> None:
    with pytest.raises(BundleError, match=r"here\.onnx: expected an ONNX graph"):
        GraphRunner(model[:length], "cpu", place="here.onnx")


def test_wrong_feed_is_a_bundle_error_and_the_runner_survives(model: bytes) -> None:
    runner = GraphRunner(model, "cpu")
    with pytest.raises(BundleError, match=r"runs on cpu with z \(2, 4\), condition \(3, 5\)"):
        runner.run(feeds(2) | {"condition": np.zeros((3, 5), np.float32)})
    with pytest.raises(BundleError, match="a graph that runs"):
        runner.run({"z": np.zeros((1, 4))})
    assert runner.run(feeds(1)).shape == (1, 8, 8, 3)


@pytest.mark.parametrize("device", ["gpu", "", "cuda:", "cuda:x", "cuda:-1", "CPU"])
def test_unknown_device_is_a_device_error(model: bytes, device: str) -> None:
    with pytest.raises(DeviceError, match="device: expected auto, cpu, cuda or cuda:N"):
        GraphRunner(model, device)


def cuda_offered() -> bool:
    return "CUDAExecutionProvider" in onnxruntime.get_available_providers()


@pytest.mark.skipif(cuda_offered(), reason="this onnxruntime has CUDA")
@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_absent_device_is_a_device_error(model: bytes, device: str) -> None:
    with pytest.raises(DeviceError, match=r"found an onnxruntime without CUDA.*ganport\[gpu\]"):
        GraphRunner(model, device)


@pytest.mark.skipif(cuda_offered(), reason="this onnxruntime has CUDA")
def test_auto_without_cuda_is_the_cpu_without_a_warning(model: bytes) -> None:
    assert GraphRunner(model, "auto").device == "cpu"  # a warning would be an error here


@pytest.fixture
def cuda_that_does_not_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """Onnxruntime lists CUDA even where its libraries cannot be loaded; the rest is real."""
    listed = ["CUDAExecutionProvider", *onnxruntime.get_available_providers()]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: listed)


BROKEN_CUDA = [
    pytest.mark.skipif(cuda_offered(), reason="this onnxruntime has CUDA"),
    pytest.mark.filterwarnings("ignore:Specified provider"),
    pytest.mark.usefixtures("cuda_that_does_not_load"),
]


class TestBrokenCuda:
    pytestmark = BROKEN_CUDA

    def test_named_cuda_is_a_device_error(self, model: bytes) -> None:
        with pytest.raises(DeviceError, match="a CUDA device that onnxruntime can use"):
            GraphRunner(model, "cuda")

    def test_auto_warns_and_uses_the_cpu(self, model: bytes) -> None:
        with pytest.warns(GanportWarning, match="running on the CPU: device 'cuda:0'"):
            runner = GraphRunner(model, "auto")
        assert runner.device == "cpu"

    def test_damaged_graph_is_a_bundle_error(self, model: bytes) -> None:
        with pytest.raises(BundleError, match="expected an ONNX graph"):
            GraphRunner(model[:100], "cuda")


@pytest.mark.gpu
@pytest.mark.skipif(not cuda_offered() or not shutil.which("nvidia-smi"), reason="no CUDA")
def test_cuda_is_within_one_level_of_the_cpu(model: bytes) -> None:
    inputs = {"z": np.eye(4, dtype=np.float32), "condition": np.eye(4, 5, dtype=np.float32)}
    runner = GraphRunner(model, "cuda")
    assert runner.device == "cuda:0"
    one, two = (s.run(inputs).astype(int) for s in (runner, GraphRunner(model, "cpu")))
    assert abs(one - two).max() <= 1


@pytest.mark.parametrize("location", ["secret", "absolute", "../secret", "*/_ORT_MEM_ADDR_/*"])
def test_graph_with_external_weights_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    (tmp_path / "inner").mkdir()
    for folder in (tmp_path, tmp_path / "inner"):
        (folder / "secret").write_bytes(np.ones(4, np.float32).tobytes())
    monkeypatch.chdir(tmp_path / "inner")
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=1)
    path = str(tmp_path / "secret") if location == "absolute" else location
    for key, value in (("location", path), ("length", "16")):
        weight.external_data.add(key=key, value=value)
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "g", [x], [y], [weight])
    opset = helper.make_opsetid("", 18)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    with pytest.raises(BundleError):
        GraphRunner(model.SerializeToString(), "cpu")
