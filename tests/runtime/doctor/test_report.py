from dataclasses import replace
from typing import Any

import pytest

from ganport_runtime.doctor import find_problems
from ganport_runtime.doctor.probe import Driver, ProbeResult, SystemInfo
from ganport_runtime.doctor.report import (
    Finding,
    check_devices,
    check_driver,
    check_onnxruntime,
)

GPU = Driver(version="580.95.05", gpus=("NVIDIA H100",))
ON_CPU = SystemInfo(
    python="3.11.7",
    system="Linux x86_64",
    packages={"ganport": "0.1.0", "numpy": "2.4.6", "onnxruntime": "1.32.0"},
    probes=(ProbeResult("cpu", milliseconds=0.02),),
)
ON_GPU = replace(
    ON_CPU,
    packages={"ganport": "0.1.0", "onnxruntime-gpu": "1.31.1"},
    driver=GPU,
    cuda_needed=13,
    probes=(ProbeResult("cpu", 0.02), ProbeResult("cuda:0", 0.05)),
)


def only(findings: Any) -> Finding:
    (finding,) = findings
    assert isinstance(finding, Finding)
    return finding


def test_report_of_a_working_cpu_has_no_fix() -> None:
    findings = find_problems(ON_CPU)
    assert [(finding.name, finding.state) for finding in findings] == [
        ("ganport", "ok"),
        ("onnxruntime", "ok"),
        ("NVIDIA driver", "skip"),
        ("device cpu", "ok"),
    ]
    assert not any(finding.fix for finding in findings)
    assert ON_CPU.working_devices == ["cpu"]


def test_report_of_a_working_gpu_is_ok() -> None:
    assert {finding.state for finding in find_problems(ON_GPU)} == {"ok"}
    assert only(check_driver(ON_GPU)).text == "580.95.05: cuda:0 NVIDIA H100"
    assert ON_GPU.working_devices == ["cpu", "cuda:0"]


def test_finding_line_contains_state_and_fix() -> None:
    assert Finding("x", "ok", "good").line() == "ok    x: good"
    assert Finding("x", "fail", "bad", "Fix it.").line() == "fail  x: bad. Fix it."


@pytest.mark.parametrize(("driver", "extra"), [(None, "cpu"), (GPU, "gpu")])
def test_check_onnxruntime_with_two_of_them_fails(driver: Driver | None, extra: str) -> None:
    both = {"onnxruntime": "1.32.0", "onnxruntime-gpu": "1.31.1"}
    finding = only(check_onnxruntime(replace(ON_CPU, packages=both, driver=driver)))
    assert finding.state == "fail"
    assert "onnxruntime 1.32.0 and onnxruntime-gpu 1.31.1" in finding.text
    assert finding.fix == (
        f"Run: pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'ganport[{extra}]'"
    )


@pytest.mark.parametrize(("packages", "state"), [({}, "fail"), ({"openvino": "2026.4.1"}, "warn")])
def test_check_onnxruntime_without_one_names_the_extra(
    packages: dict[str, str], state: str
) -> None:
    finding = only(check_onnxruntime(replace(ON_CPU, packages=packages)))
    assert (finding.state, finding.fix) == (state, "Run: pip install 'ganport[cpu]'")


@pytest.mark.parametrize(
    ("change", "state", "text", "fix"),
    [
        ({"version": "535.183.01"}, "fail", "built for CUDA 13", "to 580.65.06"),
        (
            {"gpus": (), "version": "", "error": "Driver/library version mismatch"},
            "fail",
            "Driver/library version mismatch",
            "restart the machine",
        ),
        ({"gpus": (), "error": "No devices were found"}, "fail", "No devices", "--gpus all"),
        ({"visible": ""}, "warn", "CUDA_VISIBLE_DEVICES=''", "unset CUDA_VISIBLE_DEVICES"),
    ],
)
def test_check_driver_names_the_fix(
    change: dict[str, Any], state: str, text: str, fix: str
) -> None:
    finding = only(check_driver(replace(ON_GPU, driver=replace(GPU, **change))))
    assert finding.state == state
    assert text in finding.text
    assert fix in finding.fix
    assert bool(finding.fix) == bool(fix)


def test_check_driver_of_an_unused_gpu_warns() -> None:
    finding = only(check_driver(replace(ON_CPU, driver=GPU)))
    assert finding.state == "warn"
    assert finding.fix.endswith("pip uninstall -y onnxruntime && pip install 'ganport[gpu]'")


def test_check_driver_of_onnxruntime_gpu_without_driver_warns() -> None:
    finding = only(check_driver(replace(ON_GPU, driver=None)))
    assert finding.state == "warn"
    assert finding.fix.endswith("pip uninstall -y onnxruntime-gpu && pip install 'ganport[cpu]'")


@pytest.mark.parametrize(
    ("probe", "fix"),
    [
        (ProbeResult("cuda:0", error="no session", fix="Try.", missing="libcublasLt.so.13"), "gpu"),
        (ProbeResult("tensorrt:0", error="no session", missing="libnvinfer.so.10"), "tensorrt"),
        (ProbeResult("openvino", error="killed by SIGILL", fix="Reinstall it."), "Reinstall it."),
    ],
)
def test_check_devices_of_a_failed_probe_names_library_and_fix(
    probe: ProbeResult, fix: str
) -> None:
    finding = only(check_devices(replace(ON_GPU, probes=(probe,))))
    assert (finding.name, finding.state) == (f"device {probe.device}", "fail")
    assert probe.error in finding.text and probe.missing in finding.text
    assert fix in finding.fix
