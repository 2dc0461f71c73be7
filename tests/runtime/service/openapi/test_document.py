"""The OpenAPI document says what the service does: every route, every answer, every limit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.routing import Route

from ganport_runtime.service.middleware import OPEN
from ganport_runtime.service.openapi import document
from ganport_runtime.service.registry import Shelf
from ganport_runtime.service.requests import GenerateBody, TranslateBody, TranslateQuery
from ganport_runtime.service.settings import Settings

SEED = {"name": "seed", "shape": [1], "datatype": "UINT64", "data": [7]}


@pytest.fixture
def told(ask: Any) -> dict[str, Any]:
    return ask("GET", "/openapi.json").json()


def operations(told: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in told["paths"].items():
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


def test_every_route_is_described_and_no_other(ask: Any, told: dict[str, Any]) -> None:
    routes = {
        (route.path, method.lower())
        for route in ask.app.routes
        if isinstance(route, Route)
        for method in route.methods - {"HEAD"}
    }
    assert routes == {(path, method) for path, method, _ in operations(told)}


def test_the_document_is_whole(told: dict[str, Any]) -> None:
    assert told["openapi"] == "3.1.0"
    used = {reference.removeprefix("#/components/schemas/") for reference in references(told)}
    assert used == set(told["components"]["schemas"])
    names = [operation["operationId"] for _, _, operation in operations(told)]
    assert len(set(names)) == len(names)
    for path, _, operation in operations(told):
        named = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path))
        assert operation["summary"] and "200" in operation["responses"]


def test_fields_and_limits_are_those_of_the_service(told: dict[str, Any]) -> None:
    schemas = told["components"]["schemas"]
    for body in (GenerateBody, TranslateBody):
        schema = schemas[body.__name__]
        assert set(schema["properties"]) == set(body.__struct_fields__)
        assert "bundle" in schema["required"]  # there are two
    count = schemas["GenerateBody"]["properties"]["count"]["anyOf"][0]
    assert count == {"type": "integer", "minimum": 1, "maximum": 16}
    query = told["paths"]["/v1/translate"]["post"]["parameters"]
    assert [field["name"] for field in query] == list(TranslateQuery.__struct_fields__)


def test_a_lone_bundle_need_not_be_named(tiny_shelf: Shelf) -> None:
    told = document(Shelf([tiny_shelf["faces"]]), Settings())
    assert told["components"]["schemas"]["GenerateBody"]["required"] == []
    assert "security" not in told


def test_keys_lock_what_is_not_open(tiny_shelf: Shelf) -> None:
    told = document(tiny_shelf, Settings(keys=("secret",)))
    assert told["security"] == [{"bearer": []}, {"key": []}]
    assert "secret" not in str(told)
    for path, _, operation in operations(told):
        is_open = path in OPEN
        assert (operation.get("security") == []) is is_open
        assert ("401" in operation["responses"]) is not is_open


def validate(told: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator({**told, **schema}).validate(value)


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
def test_answers_are_as_described(
    ask: Any, told: dict[str, Any], method: str, path: str, route: str, body: Any
) -> None:
    answer = ask(method, path, **({"json": body} if body else {}))
    described = told["paths"][route][method.lower()]["responses"][str(answer.status_code)]
    schema = described["content"]["application/json"]["schema"]
    validate(told, schema, answer.json())
    if "$ref" in schema:
        component = told["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        assert set(answer.json()) <= set(component["properties"])


@pytest.mark.parametrize("output", ["png", "webp", "raw", "npy", "sheet"])
@pytest.mark.parametrize(("count", "accept"), [(1, "*/*"), (2, "*/*"), (2, "multipart/mixed")])
def test_every_form_of_pictures_is_described(
    ask: Any, told: dict[str, Any], output: str, count: int, accept: str
) -> None:
    body = {"bundle": "faces", "output": output, "count": count}
    answer = ask("POST", "/v1/generate", json=body, headers={"accept": accept})
    described = told["paths"]["/v1/generate"]["post"]["responses"]["200"]
    assert answer.headers["content-type"].partition(";")[0] in described["content"]


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
def test_a_client_that_checks_by_the_document_agrees_with_the_service(
    ask: Any, told: dict[str, Any], body: dict[str, Any], is_valid: bool
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = told["paths"]["/v1/generate"]["post"]["requestBody"]["content"]["application/json"]
    validator = jsonschema.Draft202012Validator({**told, **schema["schema"]})
    assert validator.is_valid(body) is is_valid
    assert (ask("POST", "/v1/generate", json=body).status_code == 200) is is_valid
