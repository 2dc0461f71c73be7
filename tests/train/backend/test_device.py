"""Selection of device and precision."""

import pytest
import torch

from ganport_runtime.errors import DeviceError
from ganport_train.backend.device import (
    enable_determinism,
    peak_memory_gib,
    resolve_device,
    resolve_precision,
)

CPU = torch.device("cpu")


def test_resolve_device_auto_prefers_cuda() -> None:
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert resolve_device("cpu").type == "cpu"


@pytest.mark.parametrize("name", ["gpu", "mps", "cuda:x", "cpu:5", ""])
def test_resolve_device_unknown_name_raises(name: str) -> None:
    with pytest.raises(DeviceError) as caught:
        resolve_device(name)
    assert caught.value.found == name


def test_resolve_device_missing_gpu_raises() -> None:
    with pytest.raises(DeviceError) as caught:
        resolve_device("cuda:99")
    assert caught.value.place == "--device cuda:99"


def test_resolve_precision_keeps_a_named_one() -> None:
    assert resolve_precision("fp32", CPU) == "fp32"
    assert resolve_precision("bf16", CPU) == "bf16"
    assert resolve_precision("auto", CPU) in ("fp32", "bf16")


def test_peak_memory_gib_of_the_cpu_is_plausible() -> None:
    assert 0.01 < peak_memory_gib(CPU) < 1000


def test_enable_determinism_forbids_tf32_and_the_search_for_algorithms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flags = {"deterministic": True, "benchmark": False, "allow_tf32": False}
    for name, value in flags.items():
        monkeypatch.setattr(torch.backends.cudnn, name, not value)
    enable_determinism()
    assert {name: getattr(torch.backends.cudnn, name) for name in flags} == flags
    assert not torch.backends.cuda.matmul.allow_tf32
