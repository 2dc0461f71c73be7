"""`Generator.load`: which bundles, graphs and devices it accepts."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from ganport_runtime import Generator
from ganport_runtime.errors import BundleError, DeviceError, RequestError


def test_zip_may_be_deleted_after_loading(tiny: Any) -> None:
    path = tiny.zipped()
    generator = Generator.load(path)
    path.unlink()
    shutil.rmtree(tiny.path)
    assert generator.generate({"hair": "pink", "eyes": "green"}, seed=1).shape == (1, 8, 8, 3)


def test_graph_with_other_tensor_names_is_a_bundle_error(tiny: Any) -> None:
    # The same number of bytes, so the graph stays whole; its embedded interface follows.
    tiny.rewrite("generator.onnx", lambda data: data.replace(b"condition", b"conditiox"))
    with pytest.raises(BundleError) as caught:
        Generator.load(tiny.path)
    assert "generator.onnx: inputs: expected z float32 [batch, 4]; condition" in str(caught.value)
    assert "conditiox float32 [batch, 5]" in str(caught.value)


def test_graph_of_another_shape_is_a_bundle_error(tiny: Any) -> None:
    def more_noise(value: dict[str, Any]) -> None:
        value["graphs"][0]["inputs"][0]["shape"] = ["batch", 5]

    tiny.edit(more_noise)
    with pytest.raises(BundleError, match=r"expected z float32 \[batch, 5\].*found z float32"):
        Generator.load(tiny.path)


def test_float_graph_with_uint8_manifest_is_a_bundle_error(tiny: Any, data: Path) -> None:
    other = (data / "tiny-float.ganport/generator.onnx").read_bytes()
    tiny.rewrite("generator.onnx", lambda _: other)
    with pytest.raises(BundleError, match="output: expected image uint8"):
        Generator.load(tiny.path)


def test_load_truncated_graph_is_a_bundle_error(tiny: Any) -> None:
    tiny.rewrite("generator.onnx", lambda data: data[:3000])
    with pytest.raises(BundleError, match=r"generator\.onnx: expected an ONNX graph"):
        Generator.load(tiny.path)


def test_load_changed_graph_is_a_bundle_error(tiny: Any) -> None:
    data = bytearray((tiny.path / "generator.onnx").read_bytes())
    data[4000] ^= 1
    (tiny.path / "generator.onnx").write_bytes(bytes(data))
    with pytest.raises(BundleError, match=r"generator\.onnx: expected SHA-256"):
        Generator.load(tiny.path)


def test_load_on_unknown_device_is_a_device_error(data: Path) -> None:
    with pytest.raises(DeviceError, match="auto, cpu, cuda or cuda:N"):
        Generator.load(data / "tiny.ganport", device="tpu")


@pytest.mark.parametrize("path", [None, 3, b"starter"])
def test_load_of_no_path_is_a_request_error(path: Any) -> None:
    with pytest.raises(RequestError, match="bundle: expected a path"):
        Generator.load(path)


@pytest.mark.parametrize("name", ["x\0.onnx", "x\0.ganport", "x" * 5000])
def test_load_of_an_impossible_name_is_a_bundle_error(name: str) -> None:
    with pytest.raises(BundleError):
        Generator.load(name)


def test_generator_of_a_path_is_a_request_error() -> None:
    with pytest.raises(RequestError, match=r"Generator\.load"):
        Generator("starter")  # type: ignore[arg-type]


@pytest.mark.parametrize("device", [None, 3, ["cpu"]])
def test_device_of_another_type_is_a_device_error(data: Path, device: Any) -> None:
    with pytest.raises(DeviceError):
        Generator.load(data / "tiny.onnx", device)
    with pytest.raises(DeviceError):
        Generator.load(data / "tiny.onnx", precision=device)


def test_repr_shows_size_device_and_labels(data: Path) -> None:
    text = repr(Generator.load(data / "tiny.ganport", "cpu"))
    assert text == (
        "<Generator 'tiny': 8 x 8 on cpu; hair (pink, black, dark red), eyes (blue, green)>"
    )
    assert "no conditions" in repr(Generator.load(data / "tiny-unconditional.onnx", "cpu"))
    assert "age (scalar)" in repr(Generator.load(data / "tiny-every-kind.onnx", "cpu"))
