"""The OpenAPI document matches the service: routes, responses and limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

from ganport_runtime.bundle import Bundle
from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import ConditionError
from ganport_runtime.service.openapi import build_document
from ganport_runtime.service.registry import ModelRegistry
from ganport_runtime.service.schemas import (
    GenerateBody,
    TranslateBody,
    TranslateQuery,
    conditions_schema,
)
from ganport_runtime.service.settings import Settings

SEED = {"name": "seed", "shape": [1], "datatype": "UINT64", "data": [7]}


@pytest.fixture
def document(client: Any) -> dict[str, Any]:
    return client("GET", "/openapi.json").json()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_document_describes_exactly_the_routes(client: Any, document: dict[str, Any]) -> None:
    routes = {
        (route.path, method.lower())
        for route in client.app.routes
        if isinstance(route, Route)
        for method in route.methods - {"HEAD"}
    }
    assert routes == {(path, method) for path, method, _ in operations(document)}


def test_document_references_and_parameters_are_complete(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    used = {reference.removeprefix("#/components/schemas/") for reference in references(document)}
    assert used == set(document["components"]["schemas"])
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    for path, _, operation in operations(document):
        named = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path))
        assert operation["summary"] and "200" in operation["responses"]


def test_document_fields_and_limits_are_those_of_the_service(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for body in (GenerateBody, TranslateBody):
        schema = schemas[body.__name__]
        assert set(schema["properties"]) == set(body.__struct_fields__)
        assert "bundle" in schema["required"]
    count = schemas["GenerateBody"]["properties"]["count"]["anyOf"][0]
    assert count == {"type": "integer", "minimum": 1, "maximum": 16}
    query = document["paths"]["/v1/translate"]["post"]["parameters"]
    assert [field["name"] for field in query] == list(TranslateQuery.__struct_fields__)


def test_document_of_one_bundle_requires_no_bundle_field(registry: ModelRegistry) -> None:
    document = build_document(ModelRegistry([registry["faces"]]), Settings())
    assert document["components"]["schemas"]["GenerateBody"]["required"] == []
    assert "security" not in document


def test_document_with_keys_protects_all_paths_but_health(registry: ModelRegistry) -> None:
    document = build_document(registry, Settings(keys=("secret",)))
    assert document["security"] == [{"bearer": []}, {"key": []}]
    assert "secret" not in str(document)
    for path, _, operation in operations(document):
        is_public = path in Settings().public_paths
        assert (operation.get("security") == []) is is_public
        assert ("401" in operation["responses"]) is not is_public


def validate(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator({**document, **schema}).validate(value)


@pytest.mark.parametrize(
    ("method", "path", "route", "body"),
    [
        ("GET", "/v1/bundles", "/v1/bundles", None),
        ("GET", "/v1/bundles/faces", "/v1/bundles/{name}", None),
        ("GET", "/v1/bundles/none", "/v1/bundles/{name}", None),
        ("GET", "/healthz", "/healthz", None),
        ("GET", "/readyz", "/readyz", None),
        ("GET", "/openapi.json", "/openapi.json", None),
        ("GET", "/v2", "/v2", None),
        ("GET", "/v2/health/live", "/v2/health/live", None),
        ("GET", "/v2/health/ready", "/v2/health/ready", None),
        ("GET", "/v2/models/faces", "/v2/models/{name}", None),
        ("GET", "/v2/models/none", "/v2/models/{name}", None),
        ("GET", "/v2/models/faces/ready", "/v2/models/{name}/ready", None),
        (
            "POST",
            "/v2/models/faces/infer",
            "/v2/models/{name}/infer",
            {"id": "a", "inputs": [SEED]},
        ),
        ("POST", "/v2/models/faces/infer", "/v2/models/{name}/infer", {"inputs": []}),
        ("POST", "/v1/generate", "/v1/generate", {"bundle": "faces", "output": "sheet"}),
        ("POST", "/v1/generate", "/v1/generate", {"bundle": "faces", "container": "json"}),
        ("POST", "/v1/generate", "/v1/generate", {"bundle": "faces", "count": 17}),
    ],
)
def test_json_responses_match_their_schemas(
    client: Any, document: dict[str, Any], method: str, path: str, route: str, body: Any
) -> None:
    response = client(method, path, **({"json": body} if body else {}))
    described = document["paths"][route][method.lower()]["responses"][str(response.status_code)]
    schema = described["content"]["application/json"]["schema"]
    validate(document, schema, response.json())
    if "$ref" in schema:
        component = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        assert set(response.json()) <= set(component["properties"])


@pytest.mark.parametrize("output", ["png", "webp", "raw", "npy", "sheet"])
@pytest.mark.parametrize(("count", "accept"), [(1, "*/*"), (2, "*/*"), (2, "multipart/mixed")])
def test_image_responses_have_described_media_types(
    client: Any, document: dict[str, Any], output: str, count: int, accept: str
) -> None:
    body = {"bundle": "faces", "output": output, "count": count}
    response = client("POST", "/v1/generate", json=body, headers={"accept": accept})
    described = document["paths"]["/v1/generate"]["post"]["responses"]["200"]
    assert response.headers["content-type"].partition(";")[0] in described["content"]


@pytest.mark.parametrize(
    ("body", "is_valid"),
    [
        ({"bundle": "faces"}, True),
        ({"bundle": "faces", "conditions": {"hair": "pink"}, "seed": str(2**64 - 1)}, True),
        ({"bundle": "faces", "conditions": ["pink hair", {"hair": {"pink": 1.0}}]}, True),
        ({"bundle": "faces", "conditions": {"hair": "purple"}}, False),
        ({"bundle": "faces", "conditions": {"hats": "tall"}}, False),
        ({"bundle": "faces", "temperature": 0}, False),
        ({"bundle": "faces", "timeout": 301}, False),
        ({"bundle": "faces", "output": "jpg"}, False),
        ({"bundle": "faces", "size": 64}, False),
        ({"bundle": "none"}, False),
        ({}, False),
    ],
)
def test_body_schema_accepts_exactly_what_the_service_accepts(
    client: Any, document: dict[str, Any], body: dict[str, Any], is_valid: bool
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = document["paths"]["/v1/generate"]["post"]["requestBody"]["content"]["application/json"]
    validator = jsonschema.Draft202012Validator({**document, **schema["schema"]})
    assert validator.is_valid(body) is is_valid
    assert (client("POST", "/v1/generate", json=body).status_code == 200) is is_valid


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
