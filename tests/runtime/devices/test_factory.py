import sys

import pytest

from ganport_runtime.devices.factory import open_backend
from ganport_runtime.errors import DeviceError, MissingExtraError, RequestError


def opened(model: bytes, device: str, precision: str = "fp32", max_batch: int | None = None) -> str:
    backend = open_backend(
        model,
        device,
        place="tiny.onnx",
        allow_spinning=False,
        precision=precision,
        max_batch=max_batch,
    )
    return backend.device


def test_cpu_opens_fp16_graphs(model: bytes) -> None:
    assert opened(model, "cpu", "fp16", 4) == "cpu"


@pytest.mark.parametrize("device", ["tpu", "tensorrt:x", "openvino:0", "cpu:0", "cuda:1234"])
def test_unknown_device_name_is_a_device_error(model: bytes, device: str) -> None:
    names = "auto, cpu, cuda or cuda:N, tensorrt or tensorrt:N, or openvino"
    with pytest.raises(DeviceError, match=f"device: expected {names}; found '{device}'"):
        opened(model, device)


def test_unknown_precision_is_a_device_error(model: bytes) -> None:
    with pytest.raises(DeviceError, match="precision: expected fp32, fp16, bf16; found 'int8'"):
        opened(model, "cpu", "int8")


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "tensorrt:1"])
def test_bf16_without_openvino_is_a_device_error(model: bytes, device: str) -> None:
    with pytest.raises(DeviceError, match="bf16") as caught:
        opened(model, device, "bf16")
    assert device.partition(":")[0] in caught.value.expected
    assert "openvino" in caught.value.fix


@pytest.mark.parametrize("most", [0, -1, True, 1.5])
def test_invalid_max_batch_is_a_request_error(model: bytes, most: int) -> None:
    with pytest.raises(RequestError, match="max_batch"):
        opened(model, "cpu", max_batch=most)


def test_openvino_opens_by_name(model: bytes) -> None:
    pytest.importorskip("openvino")
    assert opened(model, "openvino") == "openvino"


def test_openvino_without_its_package_names_the_extra(
    model: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ganport\[openvino\]'"):
        opened(model, "openvino")
