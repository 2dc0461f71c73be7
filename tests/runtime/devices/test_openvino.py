import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from ganport_runtime import Generator
from ganport_runtime.bundle.manifest import METADATA_KEY
from ganport_runtime.devices.openvino import OpenvinoBackend, load_openvino, open_openvino
from ganport_runtime.errors import BundleError, DeviceError, MissingExtraError
from ganport_runtime.generation.engine import GraphRunner

pytestmark = pytest.mark.skipif(not find_spec("openvino"), reason="openvino is not installed")


@pytest.fixture(scope="module")
def backend(model: bytes) -> OpenvinoBackend:
    return opened(model)


def opened(model: bytes, precision: str = "fp32") -> OpenvinoBackend:
    return open_openvino(model, place="tiny.onnx", precision=precision, threads=1)


def feeds(count: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "z": rng.standard_normal((count, 4), np.float32),
        "condition": rng.random((count, 5), np.float32),
    }


def rows(fed: dict[str, Any], part: slice) -> dict[str, Any]:
    return {name: array[part] for name, array in fed.items()}


def test_openvino_reports_the_tensors_of_the_cpu(model: bytes) -> None:
    here, there = GraphRunner(model, "openvino"), GraphRunner(model, "cpu")
    assert here.device == "openvino"
    assert (here.inputs, here.outputs) == (there.inputs, there.outputs)
    assert here.metadata[METADATA_KEY] == there.metadata[METADATA_KEY]


def test_openvino_graph_without_metadata_has_none(model: bytes) -> None:
    bare = onnx.load_from_string(model)
    del bare.metadata_props[:]
    assert opened(bare.SerializeToString()).metadata == {}


def test_openvino_is_within_one_level_of_the_cpu(backend: OpenvinoBackend, model: bytes) -> None:
    for count in (1, 7):
        here, there = backend.run(feeds(count)), GraphRunner(model, "cpu").run(feeds(count))
        assert here.dtype == np.uint8
        assert np.abs(here.astype(int) - there).max() <= 1


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_openvino_row_does_not_depend_on_the_batch(model: bytes, precision: str) -> None:
    backend = opened_or_skipped(model, precision)
    fed = feeds(33)
    whole = backend.run(fed)
    for size in (1, 2, 3, 8, 32):
        assert np.array_equal(backend.run(rows(fed, slice(size))), whole[:size])


def test_openvino_result_is_a_copy(backend: OpenvinoBackend) -> None:
    first = backend.run(feeds(3))
    kept = first.copy()
    backend.run(rows(feeds(6), slice(3, 6)))
    assert np.array_equal(first, kept)


def test_openvino_runs_in_several_threads(backend: OpenvinoBackend) -> None:
    fed = feeds(64)
    whole = backend.run(fed)
    parts = [slice(start, start + 4) for start in range(0, 64, 4)]
    with ThreadPoolExecutor(4) as pool:
        images = list(pool.map(lambda part: backend.run(rows(fed, part)), parts * 4))
    assert np.array_equal(np.concatenate(images), np.concatenate([whole] * 4))


def test_bf16_is_close_to_fp32(model: bytes, backend: OpenvinoBackend) -> None:
    near = opened_or_skipped(model, "bf16").run(feeds(16))
    assert 0 < np.abs(near.astype(int) - backend.run(feeds(16))).max() <= 8


def opened_or_skipped(model: bytes, precision: str) -> OpenvinoBackend:
    try:
        return opened(model, precision)
    except DeviceError as error:
        pytest.skip(str(error))


def test_bf16_on_a_processor_without_it_is_a_device_error(
    model: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Plain(load_openvino().Core):  # type: ignore[misc]
        def get_property(self, *names: str) -> object:
            return (
                ["FP32"]
                if names[-1] == "OPTIMIZATION_CAPABILITIES"
                else super().get_property(*names)
            )

    monkeypatch.setattr("ganport_runtime.devices.openvino.get_core", lambda _: Plain())
    message = r"precision: expected a processor with bfloat16 .*; found one without"
    with pytest.raises(DeviceError, match=message):
        opened(model, "bf16")
    assert opened(model).device == "openvino"


def test_openvino_without_the_cpu_plugin_is_a_device_error(
    model: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Elsewhere(load_openvino().Core):  # type: ignore[misc]
        available_devices = ("NPU",)

    monkeypatch.setattr("ganport_runtime.devices.openvino.get_core", lambda _: Elsewhere())
    with pytest.raises(DeviceError, match="plugin for the CPU; found plugins for NPU"):
        opened(model)


@pytest.mark.parametrize("broken", [b"", b"nothing of the kind", b"\x08\x08"])
def test_openvino_with_a_damaged_graph_is_a_bundle_error(broken: bytes) -> None:
    with pytest.raises(BundleError) as caught:
        opened(broken)
    message = str(caught.value)
    assert message.startswith("tiny.onnx: expected an ONNX graph that OpenVINO can load; found ")
    assert "Exception from" not in message and "\n" not in message


def test_openvino_with_external_data_is_a_bundle_error(
    model: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outside = onnx.load_from_string(model)
    for weight in outside.graph.initializer:
        Path("secret").write_bytes(weight.raw_data)
        weight.ClearField("raw_data")
        weight.external_data.add(key="location", value="secret")
        weight.data_location = onnx.TensorProto.EXTERNAL
    with pytest.raises(BundleError, match="found weights in another file"):
        GraphRunner(outside.SerializeToString(), "openvino")


def test_openvino_with_wrong_inputs_is_a_bundle_error(model: bytes) -> None:
    runner = GraphRunner(model, "openvino", place="tiny.onnx")
    with pytest.raises(BundleError) as caught:
        runner.run({**feeds(2), "z": np.zeros((2, 3), np.float32)})
    message = str(caught.value)
    assert "runs on openvino with z (2, 3), condition (2, 5); found " in message
    assert "Exception from" not in message


def test_generator_on_openvino_equals_the_cpu(data: Path) -> None:
    here, there = (Generator.load(data / "tiny.ganport", device=d) for d in ("openvino", "cpu"))
    assert here.device == "openvino"
    images = [g.generate({"hair": "pink"}, seed=3, count=5).astype(int) for g in (here, there)]
    assert np.abs(images[0] - images[1]).max() <= 1


def test_missing_openvino_names_the_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ganport\[openvino\]'"):
        load_openvino()


SIGNALLED = """
import os, signal, sys
from pathlib import Path
from ganport_runtime.devices.openvino import open_openvino
model = Path(sys.argv[1]).read_bytes()
first, second = (
    open_openvino(model, place="tiny.onnx", precision="fp32", threads=1) for _ in range(2)
)
del first
del second
signal.signal(signal.SIGTERM, lambda *_: print("caught"))
os.kill(os.getpid(), signal.SIGTERM)
print("alive")
"""


def test_signal_after_backends_are_freed_does_not_crash(data: Path) -> None:
    command = [sys.executable, "-c", SIGNALLED, str(data / "tiny.onnx")]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "caught\nalive\n"), ended.stderr


PROGRAM = """
import sys
from ganport_runtime.devices.openvino import load_openvino
load_openvino().Core()
assert not [name for name in sys.modules if name.startswith("openvino_telemetry")]
"""


def test_openvino_import_sends_no_telemetry(tmp_path: Path) -> None:
    paths = os.pathsep.join(path for path in sys.path if path)
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "PYTHONPATH": paths}
    subprocess.run([sys.executable, "-c", PROGRAM], env=os.environ | home, check=True)
    assert not list(tmp_path.iterdir())
