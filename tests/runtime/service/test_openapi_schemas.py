"""The schema of conditions accepts what the condition groups accept, for each kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ganport_runtime.bundle import Bundle
from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import ConditionError
from ganport_runtime.service.openapi_schemas import conditions_schema


@pytest.fixture(scope="module")
def every_kind(data: Path) -> Conditions:
    return Bundle.open(data / "tiny-every-kind.onnx").manifest.conditions


@pytest.mark.parametrize(
    "conditions",
    [
        {},
        {"hair": "rosy"},
        {"hair": "#ff88cc"},
        {"hair": [255, 0.5, 0]},
        {"hair": "red"},
        {"hair": "#ff88"},
        {"hair": [255, 0]},
        {"hair": [256, 0, 0]},
        {"sky": "rosy"},
        {"eyes": "blue", "mood": "wild"},
        {"eyes": {"blue": 0.5, "green": 0.5}},
        {"eyes": {"blue": 2}},
        {"look": {"eyes": "green"}},
        {"look": {"nose": "long"}},
        {"objects": ["cube", "ball"]},
        {"objects": {"cube": 0.5, "cone": 0.25}},
        {"objects": ["cube", "ball", "cone"]},
        {"objects": ["cube", "cube"]},
        {"objects": "cube"},
        {"face": []},
        {"face": ["smiling", "young"]},
        {"age": 0.25},
        {"age": 2},
        {"age": True},
        {"height": 1},
    ],
    ids=str,
)
def test_conditions_schema_accepts_exactly_what_encode_accepts(
    every_kind: Conditions, conditions: Any
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    try:
        every_kind.encode(conditions)
        accepted = True
    except ConditionError:
        accepted = False
    assert (
        jsonschema.Draft202012Validator(conditions_schema(every_kind)).is_valid(conditions)
        is accepted
    )


def test_conditions_schema_contains_labels_limits_and_defaults(every_kind: Conditions) -> None:
    properties = conditions_schema(every_kind)["properties"]
    assert properties["objects"]["anyOf"][0]["items"]["enum"] == ["cube", "ball", "cone"]
    assert properties["objects"]["anyOf"][0]["maxItems"] == 2
    assert properties["age"] == {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "description": "A group of kind scalar.",
        "default": 0.5,
    }
    assert properties["face"]["default"] == []
    assert properties["look"]["properties"] == {key: properties[key] for key in ("eyes", "mood")}


def test_conditions_schema_of_an_unconditional_bundle_is_empty() -> None:
    assert conditions_schema(Conditions()) == {
        "type": "object",
        "description": "No conditions.",
        "properties": {},
        "additionalProperties": False,
    }
