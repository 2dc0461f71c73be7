"""Trials of devices, each in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from ctypes.util import find_library

from ganport_runtime.doctor.system_info import Driver, Trial
from ganport_runtime.values import sanitize

# TensorRT builds an engine first, which may take a minute.
_PATIENCE = 120.0
# -P: nothing is imported from the working directory.
_PROBE = (sys.executable, "-P", "-m", "ganport_runtime.doctor.probe")


def devices(packages: Mapping[str, str], driver: Driver | None) -> list[str]:
    """What is worth a trial: the CPU, each GPU, and the engines that are installed."""
    names = ["cpu"]
    names += [f"cuda:{index}" for index in range(driver.usable if driver else 0)]
    tensorrt = any(name.startswith("tensorrt") for name in packages) or find_library("nvinfer")
    if len(names) > 1 and tensorrt:
        names.append("tensorrt:0")
    return [*names, "openvino"] if "openvino" in packages else names


def attempt(device: str, command: tuple[str, ...] = _PROBE, patience: float = _PATIENCE) -> Trial:
    """Draw on `device` with `command` within `patience` seconds; a crash is an error like others.

    The last line that the command prints is the answer of `probe` as JSON.
    """
    paths = os.pathsep.join(path for path in sys.path if path)
    try:
        done = subprocess.run(
            [*command, device],
            env=os.environ | {"PYTHONPATH": paths},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=patience,
            check=False,
        )
    except subprocess.TimeoutExpired:
        found = f"no picture in {patience:g} seconds"
        return Trial(device, error=found, fix="Restart the machine, then its driver is suspect.")
    return _answer(device, done)


def _answer(device: str, done: subprocess.CompletedProcess[str]) -> Trial:
    lines = done.stdout.strip().splitlines()
    try:
        answer = json.loads(lines[-1])
        return Trial(
            device,
            milliseconds=float(answer.get("milliseconds", 0.0)),
            error=sanitize(answer.get("error", ""), 300),
            fix=sanitize(answer.get("fix", ""), 300),
            missing=tuple(answer.get("missing", ())),
        )
    except (IndexError, ValueError, AttributeError):
        return Trial(device, error=_death(done), fix="Install the engine of this device again.")


def _death(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode < 0:
        return f"a process ended by {signal.Signals(-done.returncode).name}"
    said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return sanitize(said[-1], 300)
