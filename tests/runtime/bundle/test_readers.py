import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save

from ganport_runtime.bundle.manifest import METADATA_KEY
from ganport_runtime.bundle.readers import has_external_data, read_onnx_metadata, read_tensors
from ganport_runtime.errors import BundleError

TENSORS = {
    "a/b c": np.arange(6, dtype=np.float32).reshape(2, 3),
    "levels": np.array([[[7, 255]]], np.uint8),
    "one": np.array(2.5, np.float32),
    "none": np.zeros((0, 4), np.float32),
}


def written(header: Any, body: bytes = b"\0" * 8) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def entry(dtype: str = "F32", shape: Any = (2,), offsets: Any = (0, 8)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def test_read_tensors_returns_what_the_library_wrote() -> None:
    found = read_tensors(save(TENSORS, metadata={"format": "np"}), "here")
    assert set(found) == set(TENSORS)
    for name, value in TENSORS.items():
        assert found[name].dtype == value.dtype
        assert np.array_equal(found[name], value)
        assert found[name].flags.aligned


def test_read_tensors_accepts_unaligned_tensors() -> None:
    body = b"\x09" + struct.pack("<2f", 1.5, -2.0)
    header = {"b": entry(offsets=(1, 9)), "a": entry("U8", (1,), (0, 1))}
    found = read_tensors(written(header, body), "here")
    assert list(found) == ["a", "b"]
    assert found["b"].tolist() == [1.5, -2.0]


def test_read_tensors_of_empty_file_is_empty() -> None:
    assert read_tensors(written({}, b""), "here") == {}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "a header inside the file; found 0 bytes"),
        (b"\xff" * 8, "a header inside the file; found 8 bytes"),
        (written(b'{"a": '), "valid JSON"),
        (written(b'{"a": 1, "a": 1}'), "twice"),
        (written([]), "a header that is a JSON object; found []"),
        (written({"a": 1}), "here: a: expected a JSON object"),
        (written({"a": entry("F64", (1,))}), "one of F32, U8; found 'F64'"),
        (written({"a": entry(shape=(3,))}), "data_offsets 12 bytes apart"),
        (written({"a": entry(shape=(-2,))}), "an integer from 0"),
        (written({"a": entry(shape=(2.0,))}), "an integer from 0"),
        (written({"a": entry(shape=[1] * 9)}), "at most 8 values"),
        (written({"a": entry(shape=[2**40] * 8)}), "bytes apart"),
        (written({"a": entry(offsets=(0,))}), "data_offsets 8 bytes apart"),
        (written({"a": entry(offsets=(8, 16))}), "bytes from 0; found from 8"),
        (written({"a": entry()}, b"\0" * 9), "tensors of 9 bytes in total; found 8 bytes"),
        (written({"a": entry()}, b"\0" * 7), "tensors of 7 bytes in total"),
        (written({"a": entry(), "b": entry()}), "b: expected bytes from 8; found from 0"),
        (written({"\x1b": entry()}), "printable names"),
        (written({"a" * 301: entry()}), "printable names of at most 300 characters"),
    ],
)
def test_read_tensors_of_invalid_file_is_a_bundle_error(data: bytes, message: str) -> None:
    with pytest.raises(BundleError) as caught:
        read_tensors(data, "here")
    assert message in str(caught.value)
    assert str(caught.value).isprintable()


@given(st.integers(0, 400), st.integers(0, 255))
def test_damaged_file_is_read_or_refused(place: int, value: int) -> None:
    data = bytearray(save(TENSORS))
    data[place % len(data)] = value
    try:
        found = read_tensors(bytes(data), "here")
    except BundleError:
        return
    assert all(tensor.dtype in (np.float32, np.uint8) for tensor in found.values())


def tensor(location: str | None = None) -> onnx.TensorProto:
    made = numpy_helper.from_array(np.zeros(2, np.float32), "location")
    if location:
        made.ClearField("raw_data")
        made.external_data.add(key="location", value=location)
        made.data_location = TensorProto.EXTERNAL
    return made


def model_of(graph: onnx.GraphProto, *functions: onnx.FunctionProto) -> bytes:
    data: bytes = helper.make_model(graph, functions=functions).SerializeToString()
    return data


def nested(inner: onnx.TensorProto) -> dict[str, bytes]:
    """Return a model for each message that can hold a tensor."""
    constant = helper.make_node("Constant", [], ["y"], value=inner)
    branch = helper.make_graph([constant], "branch", [], [])
    choice = helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch)
    several = helper.make_node("Any", [], ["y"])
    several.attribute.add(name="several", type=onnx.AttributeProto.TENSORS).tensors.append(inner)
    sparse = helper.make_sparse_tensor(inner, tensor(), [2])
    function = helper.make_function("d", "f", [], ["y"], [constant], [])
    empty = helper.make_graph([], "empty", [], [])
    return {
        "initializer": model_of(helper.make_graph([], "g", [], [], [inner])),
        "sparse": model_of(helper.make_graph([], "g", [], [], sparse_initializer=[sparse])),
        "constant": model_of(helper.make_graph([constant], "g", [], [])),
        "branch": model_of(helper.make_graph([choice], "g", [], [])),
        "list": model_of(helper.make_graph([several], "g", [], [])),
        "function": model_of(empty, function),
    }


PLACES = list(nested(tensor()))


@pytest.mark.parametrize("place", PLACES)
def test_has_external_data_finds_tensors_in_every_message(place: str) -> None:
    assert has_external_data(nested(tensor("weights.bin"))[place])
    assert not has_external_data(nested(tensor())[place])


def test_has_external_data_needs_only_path_or_location() -> None:
    marked, pathed = tensor(), tensor("weights.bin")
    marked.data_location = TensorProto.EXTERNAL
    pathed.ClearField("data_location")
    for one in (marked, pathed):
        assert has_external_data(nested(one)["initializer"])


def test_has_external_data_reads_overlong_lengths() -> None:
    inner = tensor("weights.bin").SerializeToString()
    assert len(inner) < 0x80
    graph = bytes([5 << 3 | 2, len(inner) | 0x80, 0x80, 0]) + inner  # initializer
    model = bytes([7 << 3 | 2, len(graph)]) + graph
    assert onnx.load_from_string(model).graph.initializer[0].external_data
    assert has_external_data(model)


def test_has_external_data_of_exported_graph_is_false(data: Path) -> None:
    assert not has_external_data((data / "tiny.onnx").read_bytes())


def test_read_onnx_metadata_returns_what_onnx_stores(data: Path) -> None:
    model = onnx.load(data / "tiny.onnx")
    model.metadata_props.add(key="note", value="größer")
    expected = {entry.key: entry.value for entry in model.metadata_props}
    assert read_onnx_metadata(model.SerializeToString()) == expected
    assert METADATA_KEY in expected


@pytest.mark.parametrize("data", [b"\x72\x02\x0a\x05", b"\x72\x04\x0a\x02\xff\xfe", b"text"])
def test_read_onnx_metadata_of_damaged_bytes_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        read_onnx_metadata(data)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (b"\x3a\x05ab", "ends outside its message"),
        (b"\x3a", "truncated"),
        (b"\xff" * 11, "more than 64 bits"),
        (b"\x0b", "wire type 3"),
        (b"\x0d\x00\x00", "wire type 5"),
    ],
)
def test_damaged_message_is_a_value_error(broken: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        has_external_data(broken)


def test_deep_nesting_is_a_value_error() -> None:
    graph = b""
    for _ in range(60):  # a graph in an attribute of a node of a graph
        for field in (6, 5, 1):
            graph = _field(field, graph)
    with pytest.raises(ValueError, match="nested deeper than 100"):
        has_external_data(_field(7, graph))


def _field(number: int, value: bytes) -> bytes:
    size = len(value)
    return bytes([number << 3 | 2, size & 0x7F | 0x80, size >> 7]) + value
