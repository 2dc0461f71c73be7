import sys

import onnx
import pytest

from ganport_export import DependencyError, Interface, OptionError
from ganport_export.options import ExportOptions


def test_options_by_default_request_both_formats():
    options = ExportOptions()
    assert (options.formats, options.fp16_weights) == ({"onnx", "torchscript"}, False)
    assert options.opset == 18


@pytest.mark.parametrize(
    ("choices", "kind", "names"),
    [
        ({"format": "onnx"}, "generate", ["generator.onnx"]),
        ({"format": "torchscript"}, "generate", ["generator.ts.pt"]),
        (
            {"precision": "fp16"},
            "generate",
            ["generator.onnx", "generator.fp16.onnx", "generator.ts.pt"],
        ),
        ({"precision": "fp16", "polyphase": True}, "encode", ["encoder.onnx", "encoder.ts.pt"]),
    ],
)
def test_graph_files_are_in_order_of_preference(choices, kind, names):
    interface = Interface("a", (4,), (8, 8), kind=f"gan.{kind}/1")
    assert [file.path for file in ExportOptions(**choices).graph_files(interface)] == names


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"format": "tflite"}, "format"),
        ({"image": "uint16"}, "image"),
        ({"precision": "int8"}, "precision"),
        ({"weights": "int8"}, "weights"),
        ({"opset": 17}, "opset"),
        ({"opset": onnx.defs.onnx_opset_version() + 1}, "opset"),
        ({"license": ""}, "license"),
        ({"license": "a\nb"}, "license"),
        ({"format": "torchscript", "precision": "fp16"}, "precision"),
        ({"format": "torchscript", "weights": "fp16"}, "weights"),
        ({"format": "torchscript", "polyphase": True}, "polyphase"),
    ],
)
def test_options_with_an_invalid_value_raise_with_its_name(options, place):
    with pytest.raises(OptionError) as caught:
        ExportOptions(**options)
    assert caught.value.place == place
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("format", ["torchscript", "bundle"])
def test_options_with_torchscript_on_python_3_14_raise(monkeypatch, format):
    monkeypatch.setattr(sys, "version_info", (3, 14, 0, "final", 0))
    with pytest.raises(DependencyError, match="--format onnx") as caught:
        ExportOptions(format=format)
    assert (caught.value.found, caught.value.exit_code) == ("Python 3.14", 6)


def test_options_with_onnx_on_python_3_14_are_valid(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 14, 0, "final", 0))
    assert ExportOptions(format="onnx").onnx


def test_options_without_onnxruntime_raise_with_the_pip_command(monkeypatch):
    monkeypatch.setattr("ganport_export.options.find_spec", lambda name: None)
    with pytest.raises(DependencyError) as caught:
        ExportOptions(format="onnx")
    assert caught.value.fix == "Run: pip install 'ganport[export,cpu]'"
    assert caught.value.exit_code == 6


@pytest.mark.parametrize(
    ("field", "value"), [("opset", "18"), ("opset", None), ("license", None), ("format", ["onnx"])]
)
def test_options_with_a_value_of_another_type_raise(field, value):
    with pytest.raises(OptionError, match=f"{field}: expected "):
        ExportOptions(**{field: value})
