from dataclasses import replace
from typing import Any

import pytest

from ganport_runtime.doctor import checks
from ganport_runtime.doctor.findings import Finding
from ganport_runtime.doctor.system_info import (
    Driver,
    Facts,
    Processor,
    Trial,
)

PROCESSOR = Processor("AMD EPYC", cores=8, usable=4, features=("avx2", "avx512f"))
GPU = Driver(version="580.95.05", cuda=(13, 0), gpus=("NVIDIA H100",))
HERE = Facts(
    python="3.11.7",
    system="Linux x86_64",
    processor=PROCESSOR,
    packages={"ganport": "0.1.0", "numpy": "2.4.6", "onnxruntime": "1.32.0"},
    lacking={"cpu": (), "tools": (), "openvino": ("openvino",)},
    trials=(Trial("cpu", milliseconds=0.02),),
)
ON_GPU = replace(
    HERE,
    packages={"ganport": "0.1.0", "onnxruntime-gpu": "1.31.1"},
    driver=GPU,
    cuda_needed=13,
    trials=(Trial("cpu", 0.02), Trial("cuda:0", 0.05)),
)


def only(found: Any) -> Finding:
    (finding,) = found
    assert isinstance(finding, Finding)
    return finding


def test_a_machine_in_good_health() -> None:
    assert [finding.line() for finding in checks.findings(HERE)] == [
        "ok    ganport: 0.1.0, Python 3.11.7, Linux x86_64, numpy 2.4.6",
        "ok    onnxruntime: onnxruntime 1.32.0",
        "ok    processor: AMD EPYC, 4 of 8 cores usable; avx2, avx512f",
        "skip  NVIDIA driver: none here",
        "ok    device cpu: draws (0.02 ms for the tiny graph)",
        "skip  extra openvino: lacks openvino. Run: pip install 'ganport[openvino]'",
        "ok    extra tools: installed",
    ]


def test_a_gpu_in_good_health() -> None:
    assert {finding.state for finding in checks.findings(ON_GPU)} == {"ok", "skip"}
    assert only(checks.check_driver(ON_GPU)).text == "580.95.05, CUDA 13.0: cuda:0 NVIDIA H100"


@pytest.mark.parametrize(("driver", "extra"), [(None, "cpu"), (GPU, "gpu")])
def test_two_onnxruntimes_overwrite_each_other(driver: Driver | None, extra: str) -> None:
    both = {"onnxruntime": "1.32.0", "onnxruntime-gpu": "1.31.1"}
    finding = only(checks.check_runtime(replace(HERE, packages=both, driver=driver)))
    assert finding.state == "fail"
    assert (
        finding.text == "onnxruntime 1.32.0 and onnxruntime-gpu 1.31.1 overwrite each other's files"
    )
    assert finding.fix == (
        f"Run: pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'ganport[{extra}]'"
    )


def test_no_engine_at_all() -> None:
    finding = only(checks.check_runtime(replace(HERE, packages={})))
    assert finding.line() == "fail  onnxruntime: not installed. Run: pip install 'ganport[cpu]'"
    alone = replace(HERE, packages={"openvino": "2026.4.1"})
    assert only(checks.check_runtime(alone)).state == "warn"


def test_a_quota_below_one_core() -> None:
    finding = only(checks.check_processor(replace(HERE, processor=replace(PROCESSOR, quota=0.5))))
    assert finding.state == "warn"
    assert "quota 0.5" in finding.text
    assert finding.fix.startswith("Give this container a whole core")


def test_matrix_units_that_nothing_uses() -> None:
    able = replace(HERE, processor=replace(PROCESSOR, features=("amx_bf16",)))
    assert only(checks.check_processor(able)).fix.endswith("pip install 'ganport[openvino]'")
    used = replace(able, packages={"openvino": "2026.4.1"})
    assert not only(checks.check_processor(used)).fix


@pytest.mark.parametrize(
    ("change", "state", "text", "fix"),
    [
        (
            {"cuda": (12, 2), "version": "535.183.01"},
            "fail",
            "535.183.01, CUDA 12.2: cuda:0 NVIDIA H100; the onnxruntime here is built for CUDA 13",
            "Update the NVIDIA driver to 580.65.06 or newer.",
        ),
        (
            {"cuda": None, "version": "535.183.01"},
            "fail",
            "535.183.01: cuda:0 NVIDIA H100; the onnxruntime here is built for CUDA 13",
            "Update the NVIDIA driver to 580.65.06 or newer.",
        ),
        (
            {
                "gpus": (),
                "version": "",
                "error": "Failed to initialize NVML: Driver/library version mismatch",
            },
            "fail",
            "Failed to initialize NVML: Driver/library version mismatch",
            "The driver was updated while it ran: restart the machine.",
        ),
        (
            {"gpus": (), "error": "No devices were found"},
            "fail",
            "nvidia-smi: No devices were found",
            "Install the driver again, or give this container its GPU (docker run --gpus all).",
        ),
        (
            {"visible": ""},
            "warn",
            "580.95.05, CUDA 13.0: cuda:0 NVIDIA H100, hidden by CUDA_VISIBLE_DEVICES=''",
            "To draw on a GPU, unset CUDA_VISIBLE_DEVICES.",
        ),
        # Windows numbers its drivers otherwise: what the driver says of CUDA decides.
        ({"version": "32.0.15"}, "ok", "32.0.15, CUDA 13.0: cuda:0 NVIDIA H100", ""),
    ],
)
def test_drivers(change: dict[str, Any], state: str, text: str, fix: str) -> None:
    finding = only(checks.check_driver(replace(ON_GPU, driver=replace(GPU, **change))))
    assert (finding.state, finding.text, finding.fix) == (state, text, fix)


def test_a_gpu_that_nothing_uses() -> None:
    finding = only(checks.check_driver(replace(HERE, driver=GPU)))
    assert finding.state == "warn"
    assert finding.fix == (
        "To draw on the GPU: pip uninstall -y onnxruntime && pip install 'ganport[gpu]'"
    )


def test_an_onnxruntime_for_a_gpu_that_is_not_there() -> None:
    finding = only(checks.check_driver(replace(ON_GPU, driver=None)))
    assert finding.state == "warn"
    assert finding.fix.endswith("pip uninstall -y onnxruntime-gpu && pip install 'ganport[cpu]'")


def test_a_device_that_lacks_libraries() -> None:
    trial = Trial("cuda:0", error="no session", fix="Try.", missing=("libcublasLt.so.13",))
    finding = only(checks.check_devices(replace(ON_GPU, trials=(trial,))))
    assert finding.line() == (
        "fail  device cuda:0: does not draw: no session; cannot load libcublasLt.so.13. Run: pip "
        "install --upgrade 'ganport[gpu]', which brings the libraries of CUDA and cuDNN"
    )
    trial = Trial("tensorrt:0", error="no session", missing=("libnvinfer.so.10",))
    assert "pip install tensorrt" in only(checks.check_devices(replace(HERE, trials=(trial,)))).fix


def test_a_device_that_fails_otherwise_keeps_its_own_fix() -> None:
    trial = Trial("openvino", error="a process ended by SIGILL", fix="Install it again.")
    finding = only(checks.check_devices(replace(HERE, trials=(trial,))))
    assert (finding.state, finding.fix) == ("fail", "Install it again.")


def test_an_extra_whose_package_is_too_old() -> None:
    lacking = {"train": ("torch 2.11 or newer (here 2.1.0)", "tqdm")}
    finding = only(checks.check_extras(replace(HERE, lacking=lacking)))
    assert finding.state == "warn"
    assert finding.text == "needs torch 2.11 or newer (here 2.1.0), tqdm"


@pytest.mark.parametrize(
    ("visible", "usable"), [(None, 2), ("0", 1), ("0,1", 2), ("1,0,5", 2), ("", 0), ("0,-1,1", 1)]
)
def test_how_many_gpus_a_process_sees(visible: str | None, usable: int) -> None:
    assert Driver(gpus=("A", "B"), visible=visible).usable == usable
