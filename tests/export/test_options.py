import sys

import onnx
import pytest

from ganport_export import DependencyError, OptionError
from ganport_export.options import Options


def test_defaults_write_both_formats_in_float32():
    options = Options()
    assert (options.onnx, options.torchscript, options.half) == (True, True, False)
    assert options.opset == 18


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"format": "tflite"}, "format: expected one of onnx, torchscript, bundle; found 'tflite'"),
        ({"image": "uint16"}, "image: expected one of uint8, float"),
        ({"precision": "int8"}, "precision: expected one of fp32, fp16"),
        ({"weights": "int8"}, "weights: expected one of fp32, fp16"),
        ({"opset": 17}, "opset: expected 18 to "),
        ({"opset": onnx.defs.onnx_opset_version() + 1}, "opset: expected 18 to "),
        ({"license": ""}, "license: expected one line"),
        ({"license": "a\nb"}, "license: expected one line"),
        ({"format": "torchscript", "precision": "fp16"}, "precision fp16: expected a format with"),
        ({"format": "torchscript", "weights": "fp16"}, "weights fp16: expected a format with ONNX"),
    ],
)
def test_a_choice_that_does_not_exist_is_refused(wrong, message):
    with pytest.raises(OptionError) as refused:
        Options(**wrong)
    assert str(refused.value).startswith(message)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize("format", ["torchscript", "bundle"])
def test_torchscript_is_refused_where_torch_jit_is_gone(monkeypatch, format):
    monkeypatch.setattr(sys, "version_info", (3, 14, 0, "final", 0))
    with pytest.raises(DependencyError, match=r"Python 3\.13 or older.*--format onnx") as refused:
        Options(format=format)
    assert refused.value.exit_code == 6


def test_onnx_alone_is_written_on_any_python(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 14, 0, "final", 0))
    assert Options(format="onnx").onnx


def test_a_missing_onnxruntime_is_named_with_its_pip_line(monkeypatch):
    monkeypatch.setattr("ganport_export.options.find_spec", lambda name: None)
    with pytest.raises(DependencyError) as refused:
        Options(format="onnx")
    assert str(refused.value).endswith("Run: pip install 'ganport[export,cpu]'")
    assert refused.value.exit_code == 6
