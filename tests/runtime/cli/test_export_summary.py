import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.cli.inspection import format_value, parity_rows, provenance_rows

DIFF = {"max": 1, "different": 6, "explained": 746, "over_one": 0, "values": 159744}
PARITY: dict[str, Any] = {
    "batches": [1, 2, 3, 7],
    "clipped": 0,
    "graphs": {
        "generator.onnx": {
            "batch": {"optimization full": 0},
            "error": {"optimization full": 1.1586e-06, "optimization off": 1.2e-06},
            "levels": {"optimization full": DIFF, "optimization off": DIFF | {"different": 7}},
        },
        "half.onnx": {"levels": {"optimization full": DIFF | {"max": 2}}},
    },
    "limit": 1e-05,
    "reference": "torch float64",
    "sensitivity": {"moved": {"eyes": 1.701, "z": 0.0001}, "overridden": [], "required": 0.0002},
    "torch_float32": 1.95e-06,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_parity_rows_contain_each_graph_and_each_input() -> None:
    assert parity_rows(PARITY) == [
        ("reference", "torch float64, batches of 1, 2, 3, 7"),
        (
            "generator.onnx",
            "error at most 1.2e-06 (limit 1e-05); at most 1 level off, on 7 of 159,744 values",
        ),
        ("half.onnx", "at most 2 levels off, on 6 of 159,744 values"),
        ("eyes", "changes pixels by up to 1.7 on a scale of [-1, 1] (0.0002 required)"),
        ("z", "changes pixels by up to 0.0001 on a scale of [-1, 1] (0.0002 required)"),
        ("clipped", "0"),
        ("torch_float32", "1.95e-06"),
    ]


def test_parity_rows_of_an_encoder_have_no_levels() -> None:
    encoder = {
        "clipped": 0,
        "sensitivity": {"moved": {"image_in": 9.4}, "overridden": ["face"], "required": 0.0003},
    }
    graph = {"error": {"optimization off": 5.9e-06}, "levels": {}, "limit": 1.6e-05}
    rows = parity_rows(PARITY | {"encoder": encoder, "graphs": {"encoder.onnx": graph}})
    assert rows[1] == ("encoder.onnx", "error at most 5.9e-06 (limit 1.6e-05)")
    assert rows[4:7] == [
        ("encoder: image_in", "changes noise by up to 9.4 (0.0003 required)"),
        ("encoder: overridden", "face: ignored, but exported on request"),
        ("clipped", "0"),
    ]
    assert rows[-2:] == [("encoder", ""), ("  clipped", "0")]


def test_parity_rows_of_rounded_weights_contain_the_counts() -> None:
    weights = {"stored": "float16", "rounded": 393536, "of": 397544, "error_before": 1.6e-06}
    rows = parity_rows(PARITY | {"weights": weights | DIFF | {"different": 2609}})
    text = "393,536 of 397,544 rounded to float16; at most 1 level off, on 2,609 of 159,744 values"
    assert [row for row in rows if "weights" in row[0]] == [("weights", text)]
    assert not [row for row in rows if row[0].startswith(" ")]


def test_parity_rows_contain_an_override() -> None:
    parity = copy.deepcopy(PARITY)
    parity["sensitivity"]["overridden"] = ["z", "eyes"]
    assert ("overridden", "z, eyes: ignored, but exported on request") in parity_rows(parity)


def test_provenance_rows_join_the_packages() -> None:
    provenance = {"step": 7, "packages": {"onnx": "1.23.2", "torch": "2.15.0"}}
    assert provenance_rows(provenance) == [
        ("step", "7"),
        ("packages", "onnx 1.23.2, torch 2.15.0"),
    ]


def test_rows_of_another_form_show_the_raw_values() -> None:
    parity = PARITY | {"limit": "none", "graphs": {"generator.onnx": {}}}
    rows = parity_rows(parity)
    assert ("limit", "none") in rows
    assert ("  generator.onnx", "{}") in rows
    assert ("    eyes", "1.7") in rows
    assert provenance_rows({"packages": ["onnx"]}) == [("packages", '["onnx"]')]


@pytest.mark.parametrize(
    ("value", "text"),
    [("a\nb", "a\\nb"), ("\x1b[2J", "\\x1b[2J"), (1 / 3, "0.333"), ("x" * 999, "x" * 300 + "…")],
)
def test_format_value_is_printable(value: object, text: str) -> None:
    assert format_value(value) == text


@given(
    JSON,
    st.sampled_from(
        ["batches", "encoder", "graphs", "limit", "reference", "sensitivity", "weights", "\x1b"]
    ),
)
def test_rows_of_any_json_are_printable(value: Any, key: str) -> None:
    for change in (value, {"generator.onnx": value}, {"generator.onnx": {"levels": value}}):
        for rows in (parity_rows(PARITY | {key: change}), provenance_rows({"packages": change})):
            assert all(text.isprintable() for row in rows for text in row)
            assert json.dumps(rows)
