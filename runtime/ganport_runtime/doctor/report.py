"""The doctor's judgement: each check turns facts into findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ganport_runtime.doctor.findings import Finding
from ganport_runtime.doctor.packages import RUNTIMES, numbers
from ganport_runtime.doctor.system_info import Driver, Facts

# The oldest driver of Linux that runs programs built for a major version of CUDA.
# Source: CUDA Toolkit release notes, drivers that minor version compatibility requires.
_OLDEST_DRIVER = {11: "450.80.02", 12: "525.60.13", 13: "580.65.06"}
_DRIVER = "NVIDIA driver"


def check_versions(facts: Facts) -> Iterator[Finding]:
    """What runs here."""
    ours = facts.packages.get("ganport", "not installed by pip")
    others = [name for name in ("numpy", "torch") if name in facts.packages]
    beside = "".join(f", {name} {facts.packages[name]}" for name in others)
    yield Finding("ganport", "ok", f"{ours}, Python {facts.python}, {facts.system}{beside}")


def check_runtime(facts: Facts) -> Iterator[Finding]:
    """One onnxruntime: of two, each overwrites files of the other in the same folder."""
    found = [name for name in RUNTIMES if name in facts.packages]
    said = " and ".join(f"{name} {facts.packages[name]}" for name in found)
    extra = _extra_for(facts.driver)
    if len(found) > 1:
        fix = f"Run: pip uninstall -y {' '.join(found)} && pip install 'ganport[{extra}]'"
        yield Finding("onnxruntime", "fail", f"{said} overwrite each other's files", fix)
    elif found:
        yield Finding("onnxruntime", "ok", said)
    elif "openvino" in facts.packages:
        fix = f"Run: pip install 'ganport[{extra}]'"
        yield Finding("onnxruntime", "warn", "not installed; openvino alone can draw", fix)
    else:
        fix = f"Run: pip install 'ganport[{extra}]'"
        yield Finding("onnxruntime", "fail", "not installed", fix)


def check_processor(facts: Facts) -> Iterator[Finding]:
    """How many cores may be used, and what they can do."""
    processor = facts.processor
    quota = "" if processor.quota is None else f", quota {processor.quota:g}"
    features = ", ".join(processor.features) or "no AVX2"
    cores = f"{processor.usable} of {processor.cores} cores usable{quota}"
    text = f"{processor.name}, {cores}; {features}"
    if processor.quota is not None and processor.quota < 1:
        fix = "Give this container a whole core: with less, every picture waits for its turn."
        yield Finding("processor", "warn", text, fix)
    elif "amx_bf16" in processor.features and "openvino" not in facts.packages:
        fix = "For pictures several times as fast, in bfloat16: pip install 'ganport[openvino]'"
        yield Finding("processor", "ok", text, fix)
    else:
        yield Finding("processor", "ok", text)


def check_driver(facts: Facts) -> Iterator[Finding]:
    """A driver that works, is new enough for the onnxruntime here, and is made use of."""
    driver = facts.driver
    if driver is None:
        if "onnxruntime-gpu" in facts.packages:
            fix = "Install the driver, or run: pip uninstall -y onnxruntime-gpu && "
            text = "none, so that onnxruntime-gpu draws on the CPU"
            yield Finding(_DRIVER, "warn", text, fix + "pip install 'ganport[cpu]'")
        else:
            yield Finding(_DRIVER, "skip", "none here")
        return
    newest = f", CUDA {driver.cuda[0]}.{driver.cuda[1]}" if driver.cuda else ""
    text = f"{driver.version or 'of unknown version'}{newest}: {_gpus(driver)}"
    yield _working(driver, text) or _fitting(facts, driver, text) or _used(facts, driver, text)


def check_devices(facts: Facts) -> Iterator[Finding]:
    """Which devices drew, and why others did not."""
    for trial in facts.trials:
        name = f"device {trial.device}"
        if not trial.error:
            yield Finding(name, "ok", f"draws ({trial.milliseconds:.2f} ms for the tiny graph)")
            continue
        lacks = f"; cannot load {', '.join(trial.missing)}" if trial.missing else ""
        fix = _cuda_fix(trial.missing) or trial.fix
        yield Finding(name, "fail", f"does not draw: {trial.error}{lacks}", fix)


def check_extras(facts: Facts) -> Iterator[Finding]:
    """What each extra of ganport lacks; the engines have their own checks."""
    for extra, unmet in sorted(facts.lacking.items()):
        if extra in ("cpu", "gpu"):
            continue
        fix = f"Run: pip install 'ganport[{extra}]'"
        if not unmet:
            yield Finding(f"extra {extra}", "ok", "installed")
        elif any(" or newer" in requirement for requirement in unmet):
            yield Finding(f"extra {extra}", "warn", f"needs {', '.join(unmet)}", fix)
        else:
            yield Finding(f"extra {extra}", "skip", f"lacks {', '.join(unmet)}", fix)


CHECKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    check_versions,
    check_runtime,
    check_processor,
    check_driver,
    check_devices,
    check_extras,
)


def findings(facts: Facts) -> list[Finding]:
    """All findings, in the order in which a person should read them."""
    return [finding for check in CHECKS for finding in check(facts)]


def _working(driver: Driver, text: str) -> Finding | None:
    if "mismatch" in driver.error.lower():
        fix = "The driver was updated while it ran: restart the machine."
        return Finding(_DRIVER, "fail", driver.error, fix)
    if driver.error:
        fix = "Install the driver again, or give this container its GPU (docker run --gpus all)."
        return Finding(_DRIVER, "fail", f"nvidia-smi: {driver.error}", fix)
    if driver.gpus and not driver.usable:
        hidden = f"{text}, hidden by CUDA_VISIBLE_DEVICES={driver.visible!r}"
        return Finding(_DRIVER, "warn", hidden, "To draw on a GPU, unset CUDA_VISIBLE_DEVICES.")
    return None


def _fitting(facts: Facts, driver: Driver, text: str) -> Finding | None:
    need = facts.cuda_needed
    if need is None:
        return None
    oldest = _OLDEST_DRIVER.get(need)
    newer_cuda = driver.cuda is not None and driver.cuda[0] < need
    # Windows numbers its drivers otherwise; there the driver's own CUDA decides alone.
    below = oldest and driver.version and numbers(driver.version) < numbers(oldest)
    if newer_cuda or (below and driver.cuda is None):
        wanted = f" to {oldest} or newer" if oldest else ""
        built = f"{text}; the onnxruntime here is built for CUDA {need}"
        return Finding(_DRIVER, "fail", built, f"Update the NVIDIA driver{wanted}.")
    return None


def _used(facts: Facts, driver: Driver, text: str) -> Finding:
    if driver.gpus and "onnxruntime-gpu" not in facts.packages:
        present = [name for name in RUNTIMES if name in facts.packages]
        remove = f"pip uninstall -y {' '.join(present)} && " if present else ""
        fix = f"To draw on the GPU: {remove}pip install 'ganport[gpu]'"
        return Finding(_DRIVER, "warn", f"{text}; no onnxruntime-gpu to use it", fix)
    return Finding(_DRIVER, "ok", text)


def _gpus(driver: Driver) -> str:
    return ", ".join(f"cuda:{index} {name}" for index, name in enumerate(driver.gpus)) or "no GPU"


def _cuda_fix(missing: tuple[str, ...]) -> str:
    """Most of CUDA comes with the extra; what TensorRT lacks does not."""
    if not missing:
        return ""
    if any(name.startswith("libnvinfer") for name in missing):
        return "Run: pip install tensorrt (of the version that onnxruntime's notes name)"
    return "Run: pip install --upgrade 'ganport[gpu]', which brings the libraries of CUDA and cuDNN"


def _extra_for(driver: Driver | None) -> str:
    return "gpu" if driver and driver.gpus else "cpu"
