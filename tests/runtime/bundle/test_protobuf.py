"""Messages that parsers read in different ways, and messages that are none."""

from typing import Any

import onnx
import pytest
from onnx import helper

from ganport_runtime.bundle.protobuf import MAX_FIELDS, Message


def message(*parts: bytes) -> Message:
    return Message(memoryview(b"".join(parts)))


def field(number: int, value: bytes) -> bytes:
    assert len(value) < 2**14
    return bytes([number << 3 | 2, len(value) & 0x7F | 0x80, len(value) >> 7]) + value


def test_values_of_every_type_are_read() -> None:
    attribute = helper.make_attribute("axis", -3)
    numbers = helper.make_attribute("pads", [1, -2, 2**40])
    scales = helper.make_attribute("scales", [1.5, -2.0])
    one, many, floats = (message(a.SerializeToString()) for a in (attribute, numbers, scales))
    assert (one.text(1), one.integer(3)) == ("axis", -3)
    assert many.integers(8) == [1, -2, 2**40]
    assert floats.floats(7) == [1.5, -2.0]
    assert one.integer(8, 5) == 5 and one.texts(2) == [] and 3 in one and 4 not in one


def test_packed_and_single_numbers_are_both_read() -> None:
    assert message(b"\x40\x07", field(8, b"\x08\x09")).integers(8) == [7, 8, 9]


def test_single_message_in_two_parts_is_merged_as_onnx_merges_it() -> None:
    """A reader that takes the last part alone would miss the first."""
    graph = helper.make_graph([helper.make_node("Loop", ["a"], ["b"])], "g", [], [])
    other = helper.make_graph([helper.make_node("Relu", ["a"], ["b"])], "g", [], [])
    data = field(7, graph.SerializeToString()) + field(7, other.SerializeToString())
    merged = onnx.ModelProto.FromString(data)
    found = [part.text(4) for part in message(data).message(7).messages(1)]
    assert found == [part.op_type for part in merged.graph.node] == ["Loop", "Relu"]


@pytest.mark.parametrize(
    "trick", [b"\x25Relu", b"\x21Relu\0\0\0\0", b"\x20\x01"], ids=["fixed32", "fixed64", "varint"]
)
def test_text_field_of_another_type_is_refused(trick: bytes) -> None:
    """Protobuf ignores such a field; a reader that takes it would read another operator."""
    node = helper.make_node("Loop", ["a"], ["b"]).SerializeToString() + trick
    assert onnx.NodeProto.FromString(node).op_type == "Loop"
    with pytest.raises(ValueError, match="field 4"):
        message(node).text(4)


def test_number_field_of_another_type_is_refused() -> None:
    attribute = helper.make_attribute("training_mode", 1).SerializeToString() + field(3, b"\0")
    assert onnx.AttributeProto.FromString(attribute).i == 1
    with pytest.raises(ValueError, match="field 3"):
        message(attribute).integer(3)


INTEGERS: dict[str, tuple[Any, int]] = {  # the numbers of the fields, from onnx.proto
    "dims": (onnx.TensorProto, 1),
    "int32_data": (onnx.TensorProto, 5),
    "int64_data": (onnx.TensorProto, 7),
    "ints": (onnx.AttributeProto, 8),
}
FLOATS: dict[str, tuple[Any, int]] = {
    "float_data": (onnx.TensorProto, 4),
    "floats": (onnx.AttributeProto, 7),
}


@pytest.mark.parametrize(("wire_type", "size"), [(1, 8), (5, 4)], ids=["fixed64", "fixed32"])
@pytest.mark.parametrize("name", INTEGERS)
def test_repeated_integers_of_another_type_are_refused(
    name: str, wire_type: int, size: int
) -> None:
    """Protobuf ignores these bytes; a reader that takes them as varints would add eight zeros."""
    kind, number = INTEGERS[name]
    data = kind(**{name: [7, 2**20]}).SerializeToString() + bytes([number << 3 | wire_type])
    data += bytes(size)
    assert list(getattr(kind.FromString(data), name)) == [7, 2**20]
    with pytest.raises(ValueError, match=f"field {number}"):
        message(data).integers(number)


@pytest.mark.parametrize(("wire_type", "size"), [(1, 8), (0, 1)], ids=["fixed64", "varint"])
@pytest.mark.parametrize("name", FLOATS)
def test_repeated_floats_of_another_type_are_refused(name: str, wire_type: int, size: int) -> None:
    kind, number = FLOATS[name]
    data = kind(**{name: [0.5]}).SerializeToString() + bytes([number << 3 | wire_type])
    data += bytes(size)
    assert list(getattr(kind.FromString(data), name)) == [0.5]
    with pytest.raises(ValueError, match=f"field {number}"):
        message(data).floats(number)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (b"\x3a\x05ab", "ends outside its message"),
        (b"\x3a", "truncated"),
        (b"\xff" * 11, "more than 64 bits"),
        (b"\xba\x80\x80\x80\x10\x00", "more than 32 bits"),
        (b"\xba\x80\x80\x80\x80\x00\x00", "more than 32 bits"),
        (b"\x0b", "wire type 3"),
        (b"\x0d\x00\x00", "wire type 5"),
    ],
)
def test_damaged_message_is_a_value_error(broken: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        message(broken)


def test_fields_of_inner_messages_count_as_well() -> None:
    outer = message(*[field(1, b"\x10\x01" * 5000)] * (MAX_FIELDS // 5000 + 1))
    with pytest.raises(ValueError, match="fields"):
        outer.messages(1)


def test_text_that_is_not_utf_8_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="UTF-8"):
        message(field(1, b"\xff\xfe")).text(1)


def test_overlong_length_is_read() -> None:
    assert message(b"\x0a\x82\x80\x00ab").text(1) == "ab"
