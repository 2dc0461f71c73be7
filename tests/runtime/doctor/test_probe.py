import os
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ganport_runtime.doctor import probe
from ganport_runtime.doctor.probe import (
    MODEL,
    Driver,
    candidate_devices,
    find_missing_library,
    probe_device,
    run_probe,
)


def build_graph() -> onnx.ModelProto:
    """Return the graph of the probe."""
    nodes = [
        helper.make_node("MatMul", ["z", "a"], ["b"]),
        helper.make_node("Reshape", ["b", "c"], ["d"]),
        helper.make_node("ConvTranspose", ["d", "e"], ["image"], strides=[2, 2]),
    ]
    constants = {
        "a": np.full((4, 4), 0.25, np.float32),
        "c": np.array([-1, 4, 1, 1], np.int64),
        "e": np.full((4, 1, 2, 2), 0.5, np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "probe",
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 2, 2])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def command(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def test_model_is_the_graph_of_the_probe() -> None:
    model = onnx.load_from_string(MODEL)
    onnx.checker.check_model(model)
    assert model == build_graph()


def test_run_probe_on_the_cpu_returns_the_duration() -> None:
    answer = run_probe("cpu")
    assert answer.keys() == {"milliseconds"}
    assert answer["milliseconds"] > 0


def test_run_probe_on_an_unknown_device_returns_the_error() -> None:
    answer = run_probe("abacus")
    assert "abacus" in answer["error"]
    assert answer["fix"]
    assert answer["missing"] == ""


def test_find_missing_library_of_an_absent_provider_returns_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "onnxruntime_folder", lambda: tmp_path)
    assert find_missing_library("cuda") == ""
    (tmp_path / "libonnxruntime_providers_cuda.so").write_text("not a library")
    assert find_missing_library("cuda") == ""


def test_probe_device_on_the_cpu_works() -> None:
    result = probe_device("cpu")
    assert result.error == ""
    assert result.milliseconds > 0


def test_probe_device_on_an_absent_device_returns_error_and_fix() -> None:
    result = probe_device("cuda:77")
    assert result.error
    assert result.fix


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_probe_device_of_a_killed_process_names_the_signal() -> None:
    kill = command("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert "SIGSEGV" in probe_device("cuda:0", kill).error


def test_probe_device_beyond_the_timeout_returns_an_error() -> None:
    result = probe_device("cuda:0", command("import time; time.sleep(60)"), timeout=0.5)
    assert "0.5 seconds" in result.error


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("print('not json')", "exit code 0"),
        ("print('[1]')", "exit code 0"),
        ("import sys; print('last \\x1b words', file=sys.stderr); sys.exit(3)", r"last \x1b words"),
        ("import sys; sys.exit(3)", "exit code 3"),
    ],
)
def test_probe_device_with_an_invalid_answer_returns_the_exit(code: str, error: str) -> None:
    assert probe_device("cpu", command(code)).error == error


def test_probe_device_reads_the_last_line() -> None:
    code = (
        "print('output of a library')\n"
        'print(\'{"error": "none", "fix": "Buy one.", "missing": "libx.so"}\')'
    )
    result = probe_device("cuda:0", command(code))
    assert (result.error, result.fix, result.missing) == ("none", "Buy one.", "libx.so")


def test_candidate_devices_depend_on_packages_and_gpus() -> None:
    two = Driver(gpus=("A", "B"))
    tensorrt = {"tensorrt-cu13": "10.14"}
    assert candidate_devices({}, None) == ["cpu"]
    assert candidate_devices({"openvino": "2026.4"}, None) == ["cpu", "openvino"]
    assert candidate_devices(tensorrt, None) == ["cpu"]
    assert candidate_devices(tensorrt, two) == ["cpu", "cuda:0", "cuda:1", "tensorrt:0"]
