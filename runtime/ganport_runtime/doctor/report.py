"""The diagnosis: checks that turn facts about this machine into findings with a fix."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ganport_runtime.doctor.probe import (
    ONNXRUNTIMES,
    Driver,
    SystemInfo,
    candidate_devices,
    parse_version,
    probe_device,
    read_cuda_major,
    read_driver,
    read_packages,
)

# The oldest Linux driver for each major version of CUDA.
# Source: CUDA Toolkit release notes, drivers required for minor version compatibility.
_OLDEST_DRIVER = {11: "450.80.02", 12: "525.60.13", 13: "580.65.06"}
_DRIVER = "NVIDIA driver"


@dataclass(frozen=True)
class Finding:
    """The state of one subject, with a sentence that says how to fix it.

    ok: works. warn: works, but not as well as it could. fail: does not work. skip: not installed
    and not necessary.
    """

    name: str
    state: Literal["ok", "warn", "fail", "skip"]
    text: str
    fix: str = ""

    def line(self) -> str:
        """Return the finding as one line of text."""
        return f"{self.state:<4}  {self.name}: {self.text}{'. ' if self.fix else ''}{self.fix}"


def examine() -> SystemInfo:
    """Examine this machine and probe each device, which takes one or two seconds per device."""
    packages, driver = read_packages(), read_driver()
    return SystemInfo(
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        packages=packages,
        driver=driver,
        cuda_needed=read_cuda_major(),
        probes=tuple(probe_device(name) for name in candidate_devices(packages, driver)),
    )


def find_problems(info: SystemInfo) -> list[Finding]:
    """Return the findings of all checks, in the order in which a person should read them."""
    checks = (check_versions, check_onnxruntime, check_driver, check_devices)
    return [finding for check in checks for finding in check(info)]


def check_versions(info: SystemInfo) -> Iterator[Finding]:
    """Report the versions of ganport, Python, NumPy and torch."""
    version = info.packages.get("ganport", "not installed by pip")
    others = [
        f", {name} {info.packages[name]}" for name in ("numpy", "torch") if name in info.packages
    ]
    text = f"{version}, Python {info.python}, {info.system}{''.join(others)}"
    yield Finding("ganport", "ok", text)


def check_onnxruntime(info: SystemInfo) -> Iterator[Finding]:
    """Require exactly one onnxruntime: two overwrite each other's files."""
    installed = [name for name in ONNXRUNTIMES if name in info.packages]
    text = " and ".join(f"{name} {info.packages[name]}" for name in installed)
    install = f"pip install 'ganport[{'gpu' if info.driver and info.driver.gpus else 'cpu'}]'"
    if len(installed) > 1:
        fix = f"Run: pip uninstall -y {' '.join(installed)} && {install}"
        yield Finding("onnxruntime", "fail", f"{text} overwrite each other's files", fix)
    elif installed:
        yield Finding("onnxruntime", "ok", text)
    elif "openvino" in info.packages:
        text = "not installed; only the device openvino can work"
        yield Finding("onnxruntime", "warn", text, f"Run: {install}")
    else:
        yield Finding("onnxruntime", "fail", "not installed", f"Run: {install}")


def check_driver(info: SystemInfo) -> Iterator[Finding]:
    """Require a driver that works, is new enough for onnxruntime, and is used by it."""
    driver, has_gpu_runtime = info.driver, "onnxruntime-gpu" in info.packages
    if driver is None and has_gpu_runtime:
        text = "not installed, so onnxruntime-gpu runs on the CPU"
        fix = "Install the driver, or run: pip uninstall -y onnxruntime-gpu && "
        yield Finding(_DRIVER, "warn", text, fix + "pip install 'ganport[cpu]'")
    elif driver is None:
        yield Finding(_DRIVER, "skip", "not installed")
    elif "mismatch" in driver.error.lower():
        fix = "The driver was updated while it was loaded: restart the machine."
        yield Finding(_DRIVER, "fail", driver.error, fix)
    elif driver.error:
        fix = "Reinstall the driver, or give this container its GPU (docker run --gpus all)."
        yield Finding(_DRIVER, "fail", f"nvidia-smi: {driver.error}", fix)
    else:
        yield _check_gpus(info, driver, has_gpu_runtime)


def check_devices(info: SystemInfo) -> Iterator[Finding]:
    """Report which devices work, and why the others do not."""
    for probe in info.probes:
        name = f"device {probe.device}"
        if not probe.error:
            yield Finding(name, "ok", f"works ({probe.milliseconds:.2f} ms for the tiny graph)")
            continue
        missing = f"; cannot load {probe.missing}" if probe.missing else ""
        fix = _missing_library_fix(probe.missing) or probe.fix
        yield Finding(name, "fail", f"does not work: {probe.error}{missing}", fix)


def _check_gpus(info: SystemInfo, driver: Driver, has_gpu_runtime: bool) -> Finding:
    gpus = ", ".join(f"cuda:{index} {name}" for index, name in enumerate(driver.gpus))
    text = f"{driver.version}: {gpus}"
    if not driver.usable_gpus:
        text += f", hidden by CUDA_VISIBLE_DEVICES={driver.visible!r}"
        return Finding(_DRIVER, "warn", text, "To use a GPU, unset CUDA_VISIBLE_DEVICES.")
    oldest = _OLDEST_DRIVER.get(info.cuda_needed or 0, "")
    if parse_version(driver.version) < parse_version(oldest):
        text += f"; the installed onnxruntime is built for CUDA {info.cuda_needed}"
        fix = f"Update the NVIDIA driver to {oldest} or newer."
        return Finding(_DRIVER, "fail", text, fix)
    if not has_gpu_runtime:
        installed = [name for name in ONNXRUNTIMES if name in info.packages]
        uninstall = f"pip uninstall -y {' '.join(installed)} && " if installed else ""
        fix = f"To use the GPU, run: {uninstall}pip install 'ganport[gpu]'"
        return Finding(_DRIVER, "warn", f"{text}; onnxruntime-gpu is not installed", fix)
    return Finding(_DRIVER, "ok", text)


def _missing_library_fix(missing: str) -> str:
    if not missing:
        return ""
    if missing.startswith("libnvinfer"):
        return "Run: pip install tensorrt (the version that onnxruntime's documentation names)"
    return "Run: pip install --upgrade 'ganport[gpu]', which installs CUDA and cuDNN"
