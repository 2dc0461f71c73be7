import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.errors import BundleError
from ganport_runtime.strictjson import MAX_BYTES, JsonObject, parse

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=4), inner),
)  # fmt: skip


@given(JSON)
def test_parse_returns_any_json_value(value: object) -> None:
    assert parse(json.dumps(value).encode(), "here") == value


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    try:
        parse(data, "here")
    except BundleError as error:
        assert str(error).startswith("here: expected")


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting"),
        (b"\xff", "codec"),
        (b"\xef\xbb\xbf{}", "BOM"),
        (b'{"a": 1, "b": 2, "a": 3}', "the name 'a' twice"),
        (b"[NaN]", "NaN is not a JSON number"),
        (b"[-Infinity]", "-Infinity is not a JSON number"),
        (b"[1e999]", "too large"),
        (b"[" * 100_000, "nesting deeper than 64"),
        (b'{"a":' * 100_000, "nesting deeper than 64"),
        (b"[" * 65 + b"]" * 65, "nesting deeper than 64"),
        (b"1" * 5000, "digits"),
        (b'["\\ud800"]', "surrogates"),
        (b" " * (MAX_BYTES + 1), "bytes"),
    ],
)
def test_non_strict_json_is_a_bundle_error(data: bytes, found: str) -> None:
    with pytest.raises(BundleError) as caught:
        parse(data, "here")
    assert found in str(caught.value)


def test_nesting_up_to_the_limit_is_accepted() -> None:
    assert parse(b"[" * 64 + b"]" * 64, "here")


@pytest.mark.parametrize("unit", [b"[],", b'{"a":0},', b"0,", b"[[[[]]]],"])
def test_many_values_are_refused_before_they_are_parsed(unit: bytes) -> None:
    data = b"[" + unit * ((MAX_BYTES - 3) // len(unit)) + b"0]"
    tracemalloc.start()
    with pytest.raises(BundleError, match="at most 1,048,576 JSON values"):
        parse(data, "here")
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_values_up_to_the_limit_take_little_memory() -> None:
    data = b"[" + b"{}," * (2**19 - 2) + b"0]"
    tracemalloc.start()
    assert parse(data, "here")
    assert tracemalloc.get_traced_memory()[1] < 2**28
    tracemalloc.stop()


def test_json_object_checks_each_field() -> None:
    fields = JsonObject({"a": "text", "b": 3, "c": 0.5, "d": [1], "e": {"f": 1}}, "here")
    assert fields.text("a") == "text"
    assert fields.integer("b", 0, 3) == 3
    assert fields.number("b") == 3.0
    assert fields.number("c") == 0.5
    assert fields.items("d", limit=1) == [1]
    assert fields.object("e").integer("f", 1, 1) == 1
    assert fields.mapping("e") == {"f": 1}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "found null"),
        (True, "found true or false"),
        ("", "found 0 characters"),
        ("x" * 201, "found 201 characters"),
        ("a\x00", "printable"),
        (" a", "printable"),
        (3, "found a number"),
    ],
)
def test_check_text_refuses_other_values(value: object, message: str) -> None:
    with pytest.raises(BundleError, match=f"here: name: expected .*{message}"):
        JsonObject({"name": value}, "here").text("name")


@pytest.mark.parametrize("value", [True, 1.0, "1", None, -1, 11, 10**3000, [1]])
def test_check_integer_refuses_other_values(value: object) -> None:
    with pytest.raises(BundleError, match="here: n: expected an integer from 0 to 10; found"):
        JsonObject({"n": value}, "here").integer("n", 0, 10)


@pytest.mark.parametrize("value", [True, "1", None, 10**400])
def test_check_number_refuses_other_values(value: object) -> None:
    with pytest.raises(BundleError, match="here: n: expected a number"):
        JsonObject({"n": value}, "here").number("n")


def test_missing_key_is_named() -> None:
    with pytest.raises(BundleError, match="here: expected the required key 'license'"):
        JsonObject({}, "here").text("license")
