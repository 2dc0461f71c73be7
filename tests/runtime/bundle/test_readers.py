import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from ganport_runtime.bundle.readers import read_tensors
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
