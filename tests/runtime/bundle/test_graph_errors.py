"""Graphs with inputs, outputs or texts that the runtime cannot use."""

from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from ganport_runtime.bundle import Bundle
from ganport_runtime.bundle.manifest import METADATA_KEY
from ganport_runtime.bundle.onnx_graph import read_metadata
from ganport_runtime.bundle.protobuf import Message
from ganport_runtime.errors import BundleError
from ganport_runtime.generation.engine import GraphRunner


def changed(data: Path, change: Any) -> bytes:
    proto = onnx.load(data / "tiny.onnx")
    change(proto)
    result: bytes = proto.SerializeToString()
    return result


def test_graph_without_outputs_is_a_bundle_error(data: Path) -> None:
    bytes_ = changed(data, lambda proto: proto.graph.ClearField("output"))
    with pytest.raises(BundleError, match="no output"):
        GraphRunner(bytes_, "cpu")


@pytest.mark.parametrize("kind", [TensorProto.STRING, TensorProto.BFLOAT16, TensorProto.DOUBLE, 99])
def test_output_of_an_odd_type_is_a_bundle_error(data: Path, kind: int) -> None:
    def change(proto: onnx.ModelProto) -> None:
        proto.graph.output[0].type.tensor_type.elem_type = kind

    with pytest.raises(BundleError, match="another type than float32 and uint8"):
        GraphRunner(changed(data, change), "cpu")


def test_output_that_is_a_sequence_is_a_bundle_error(data: Path) -> None:
    def change(proto: onnx.ModelProto) -> None:
        kind = helper.make_tensor_type_proto(TensorProto.FLOAT, [1])
        proto.graph.output[0].type.CopyFrom(helper.make_sequence_type_proto(kind))

    with pytest.raises(BundleError, match="another type"):
        GraphRunner(changed(data, change), "cpu")


def test_second_dynamic_length_is_a_bundle_error(data: Path) -> None:
    def change(proto: onnx.ModelProto) -> None:
        proto.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "width"

    with pytest.raises(BundleError, match="a dynamic length besides its batch"):
        GraphRunner(changed(data, change), "cpu")


@pytest.mark.parametrize("number", [0, -1, -(2**62)])
def test_declared_length_below_1_is_a_bundle_error(data: Path, number: int) -> None:
    def change(proto: onnx.ModelProto) -> None:
        proto.graph.input[0].type.tensor_type.shape.dim[1].dim_value = number

    with pytest.raises(BundleError, match="a length below 1"):
        GraphRunner(changed(data, change), "cpu")


def test_name_of_a_length_that_is_not_utf_8_is_a_bundle_error(data: Path) -> None:
    original = (data / "tiny.onnx").read_bytes()
    broken = original.replace(b"\x12\x05batch", b"\x12\x05b\xfftch")
    assert broken != original
    with pytest.raises(BundleError, match="UTF-8"):
        GraphRunner(broken, "cpu")


def test_metadata_that_is_not_utf_8_is_a_bundle_error(data: Path, tmp_path: Path) -> None:
    original = (data / "tiny.onnx").read_bytes()
    broken = original.replace(b'"colour"', b'"col\xff\xfer"')
    assert broken != original
    with pytest.raises(BundleError, match="UTF-8"):
        GraphRunner(broken, "cpu")
    (tmp_path / "broken.onnx").write_bytes(broken)
    with pytest.raises(BundleError, match="UTF-8"):
        Bundle.open(tmp_path / "broken.onnx")


def test_read_metadata_returns_what_onnx_stores(data: Path) -> None:
    proto = onnx.load(data / "tiny.onnx")
    proto.metadata_props.add(key="note", value="größer")
    expected = {entry.key: entry.value for entry in proto.metadata_props}
    assert read_metadata(Message(memoryview(proto.SerializeToString()))) == expected
    assert METADATA_KEY in expected
