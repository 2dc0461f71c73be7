"""A named device is there or is refused by name."""

import pytest
import torch

from ganport_runtime.errors import DeviceError
from ganport_train.backend.device import memory_gib, pick, precision


def test_auto_takes_what_there_is() -> None:
    assert pick("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert pick("cpu").type == "cpu"


@pytest.mark.parametrize("name", ["gpu", "mps", "cuda:x", "cpu:5", ""])
def test_an_unknown_device_is_named(name: str) -> None:
    with pytest.raises(DeviceError, match="expected auto, cpu, cuda or cuda:N"):
        pick(name)


def test_a_cuda_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(DeviceError, match="expected a CUDA device that torch can use"):
        pick("cuda:99")


def test_precision_is_resolved_once() -> None:
    cpu = torch.device("cpu")
    assert precision("fp32", cpu) == "fp32"
    assert precision("bf16", cpu) == "bf16"
    assert precision("auto", cpu) in ("fp32", "bf16")


def test_memory_is_a_sensible_number() -> None:
    assert 0.01 < memory_gib(torch.device("cpu")) < 1000
