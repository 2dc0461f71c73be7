"""Probes: each device runs a tiny graph in a process of its own.

`python -m ganport_runtime.doctor.probe DEVICE` runs one of them. It is a separate process because
a broken driver may end or hang the process that uses it.
"""

from __future__ import annotations

import ctypes
import json
import re
import sys
import time
from base64 import b64decode
from collections.abc import Mapping
from ctypes.util import find_library
from pathlib import Path
from typing import Any

import numpy as np

from ganport_runtime.child_process import python_module, run_child
from ganport_runtime.doctor.system_info import Driver, ProbeResult, onnxruntime_folder
from ganport_runtime.errors import GanportError
from ganport_runtime.generation.engine import GraphRunner
from ganport_runtime.values import sanitize

# MatMul, Reshape, ConvTranspose: on CUDA they need cuBLAS and cuDNN, as a generator does. All
# weights are 1/4 and 1/2, so that noise of ones gives exactly 2 in any precision.
# tests/runtime/doctor/test_probe.py makes these bytes with the onnx package.
MODEL = b64decode(
    "CAg65wIKEQoBegoBYRIBYiIGTWF0TXVsChIKAWIKAWMSAWQiB1Jlc2hhcGUKLgoBZAoBZRIFaW1hZ2UiDUNvbnZUcmFu"
    "c3Bvc2UqEAoHc3RyaWRlc0ACQAKgAQcSBXByb2JlKksIBAgEEAFCAWFKQAAAgD4AAIA+AACAPgAAgD4AAIA+AACAPgAA"
    "gD4AAIA+AACAPgAAgD4AAIA+AACAPgAAgD4AAIA+AACAPgAAgD4qKQgEEAdCAWNKIP//////////BAAAAAAAAAABAAAA"
    "AAAAAAEAAAAAAAAAKk8IBAgBCAIIAhABQgFlSkAAAAA/AAAAPwAAAD8AAAA/AAAAPwAAAD8AAAA/AAAAPwAAAD8AAAA/"
    "AAAAPwAAAD8AAAA/AAAAPwAAAD8AAAA/WhgKAXoSEwoRCAESDQoHEgViYXRjaAoCCARiJAoFaW1hZ2USGwoZCAESFQoH"
    "EgViYXRjaAoCCAEKAggCCgIIAkIECgAQEg=="
)
_NOISE = np.ones((2, 4), np.float32)
_PIXEL = 2.0
_RUNS = 5
_TIMEOUT = 120.0
"""Seconds; TensorRT builds an engine first, which may take a minute."""
_COMMAND = python_module("ganport_runtime.doctor.probe")


def candidate_devices(packages: Mapping[str, str], driver: Driver | None) -> list[str]:
    """Return the devices to probe: the CPU, each GPU, and the installed engines."""
    gpus = range(driver.usable_gpus if driver else 0)
    devices = ["cpu", *(f"cuda:{index}" for index in gpus)]
    has_tensorrt = any(name.startswith("tensorrt") for name in packages) or find_library("nvinfer")
    if gpus and has_tensorrt:
        devices.append("tensorrt:0")
    return [*devices, "openvino"] if "openvino" in packages else devices


def probe_device(
    device: str, command: tuple[str, ...] = _COMMAND, timeout: float = _TIMEOUT
) -> ProbeResult:
    """Run `command` on a device, for at most `timeout` seconds; a crash is an error as well.

    The last JSON object of the command's output is the result of `run_probe`.
    """
    result = run_child([*command, device], timeout)
    if result.failure:
        fix = "Reinstall the engine of this device."
        if result.timed_out:
            fix = "Restart the machine. If it happens again, reinstall the driver of this device."
        return ProbeResult(device, error=result.failure, fix=fix)
    answer = result.answers[-1]
    return ProbeResult(
        device,
        milliseconds=float(answer.get("milliseconds", 0.0)),
        error=sanitize(answer.get("error", ""), 300),
        fix=sanitize(answer.get("fix", ""), 300),
        missing=sanitize(answer.get("missing", ""), 100),
    )


def run_probe(device: str) -> dict[str, Any]:
    """Return the milliseconds of a warm run, or the error, its fix and a missing library."""
    try:
        session = GraphRunner(MODEL, device, place="the doctor's graph")
        if not (session.run({"z": _NOISE}) == _PIXEL).all():
            fix = "Do not use this device, and report it."
            return {"error": "wrong numbers", "fix": fix}
        return {"milliseconds": 1e3 * min(_time_run(session) for _ in range(_RUNS))}
    except GanportError as error:
        missing = find_missing_library(device.partition(":")[0])
        return {"error": error.found, "fix": error.fix, "missing": missing}


def find_missing_library(provider: str) -> str:
    """Return the first library that an execution provider needs and cannot load, or ""."""
    path = (onnxruntime_folder() or Path()) / f"libonnxruntime_providers_{provider}.so"
    try:
        ctypes.CDLL(str(path))
    except OSError as error:
        match = re.match(r"(\S+): cannot open shared object file", str(error))
        return match[1] if match and match[1] != str(path) else ""
    return ""


def _time_run(session: GraphRunner) -> float:
    start = time.perf_counter()
    session.run({"z": _NOISE})
    return time.perf_counter() - start


if __name__ == "__main__":
    print(json.dumps(run_probe(sys.argv[1])))
