"""What a schema allows is what a group takes, kind by kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ganport_runtime.bundle import Bundle
from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import ConditionError
from ganport_runtime.service.openapi.groups import schema_of


@pytest.fixture(scope="module")
def every_kind(data: Path) -> Conditions:
    return Bundle.open(data / "tiny-every-kind.onnx").manifest.conditions


@pytest.mark.parametrize(
    "request_",
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
def test_a_schema_allows_what_encode_does(every_kind: Conditions, request_: Any) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    try:
        every_kind.encode(request_)
        taken = True
    except ConditionError:
        taken = False
    assert jsonschema.Draft202012Validator(schema_of(every_kind)).is_valid(request_) is taken


def test_labels_limits_and_defaults_stand_in_it(every_kind: Conditions) -> None:
    properties = schema_of(every_kind)["properties"]
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


def test_an_unconditional_bundle_takes_none() -> None:
    assert schema_of(Conditions()) == {
        "type": "object",
        "description": "It takes none.",
        "properties": {},
        "additionalProperties": False,
    }
