import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.cli.export_summary import parity_rows, provenance_rows, short

FULL = {"max": 1, "different": 6, "explained": 746, "over_one": 0, "values": 159744}
PARITY: dict[str, Any] = {
    "batches": [1, 2, 3, 7],
    "clipped": 0,
    "graphs": {
        "generator.onnx": {
            "batch": {"optimisation full": 0},
            "error": {"optimisation full": 1.1586e-06, "optimisation off": 1.2e-06},
            "levels": {"optimisation full": FULL, "optimisation off": FULL | {"different": 7}},
        },
        "half.onnx": {"levels": {"optimisation full": FULL | {"max": 2}}},
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


def test_a_row_for_each_graph_and_each_input() -> None:
    assert parity_rows(PARITY) == [
        ("reference", "torch float64, batches of 1, 2, 3, 7"),
        (
            "generator.onnx",
            "error at most 1.2e-06 (limit 1e-05); 1 level off at most, on 7 of 159,744 values",
        ),
        ("half.onnx", "2 levels off at most, on 6 of 159,744 values"),
        ("eyes", "moves pixels by up to 1.7 on a scale of [-1, 1] (0.0002 required)"),
        ("z", "moves pixels by up to 0.0001 on a scale of [-1, 1] (0.0002 required)"),
        ("clipped", "0"),
        ("torch_float32", "1.95e-06"),
    ]


def test_an_encoder_moves_noise_and_has_no_levels() -> None:
    encoder = {
        "clipped": 0,
        "sensitivity": {"moved": {"image_in": 9.4}, "overridden": ["face"], "required": 0.0003},
    }
    graph = {"error": {"optimisation off": 5.9e-06}, "levels": {}, "limit": 1.6e-05}
    rows = parity_rows(PARITY | {"encoder": encoder, "graphs": {"encoder.onnx": graph}})
    assert rows[1] == ("encoder.onnx", "error at most 5.9e-06 (limit 1.6e-05)")
    assert rows[4:7] == [
        ("encoder: image_in", "moves noise by up to 9.4 (0.0003 required)"),
        ("encoder: overridden", "face: exported on request although ignored"),
        ("clipped", "0"),
    ]
    assert rows[-2:] == [("encoder", ""), ("  clipped", "0")]


def test_rounded_weights_have_their_row() -> None:
    weights = {"stored": "float16", "rounded": 393536, "of": 397544, "error_before": 1.6e-06}
    rows = parity_rows(PARITY | {"weights": weights | FULL | {"different": 2609}})
    told = "393,536 of 397,544 rounded to float16; 1 level off at most, on 2,609 of 159,744 values"
    assert [row for row in rows if "weights" in row[0]] == [("weights", told)]
    assert not [row for row in rows if row[0].startswith(" ")]


def test_an_override_has_its_row() -> None:
    parity = copy.deepcopy(PARITY)
    parity["sensitivity"]["overridden"] = ["z", "eyes"]
    assert ("overridden", "z, eyes: exported on request although ignored") in parity_rows(parity)


def test_packages_are_one_row() -> None:
    provenance = {"step": 7, "packages": {"onnx": "1.23.2", "torch": "2.15.0"}}
    assert provenance_rows(provenance) == [
        ("step", "7"),
        ("packages", "onnx 1.23.2, torch 2.15.0"),
    ]


def test_what_has_another_form_is_shown_as_it_stands() -> None:
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
def test_a_value_cannot_command_a_terminal(value: object, text: str) -> None:
    assert short(value) == text


@given(
    JSON,
    st.sampled_from(
        ["batches", "encoder", "graphs", "limit", "reference", "sensitivity", "weights", "\x1b"]
    ),
)
def test_anything_can_stand_there(value: Any, key: str) -> None:
    for change in (value, {"generator.onnx": value}, {"generator.onnx": {"levels": value}}):
        for rows in (parity_rows(PARITY | {key: change}), provenance_rows({"packages": change})):
            assert all(text.isprintable() for row in rows for text in row)
            assert json.dumps(rows)
