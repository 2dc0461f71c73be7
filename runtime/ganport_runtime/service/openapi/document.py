"""The routes of a service as an OpenAPI 3.1 document."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from ganport_runtime.service.middleware import OPEN
from ganport_runtime.service.openapi.answers import (
    answer_schemas,
    error_responses,
    in_json,
    in_text,
    inferred,
    pictures,
)
from ganport_runtime.service.openapi.fields import body_schemas, query_parameters, reference
from ganport_runtime.service.openapi.groups import Schema
from ganport_runtime.service.registry import Shelf
from ganport_runtime.service.settings import Settings

_DRAWING = (400, 404, 408, 413, 415, 422, 429, 500, 503, 504)


def document(shelf: Shelf, settings: Settings) -> dict[str, Any]:
    """The document of the service that serves `shelf`: its routes, limits, bundles and labels."""
    paths = _ours(shelf, settings) | _protocol(shelf)
    if settings.keys:
        for path, operations in paths.items():
            for operation in operations.values():
                _lock(operation, path)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ganport",
            "version": version("ganport"),
            "description": f"Pictures drawn by {', '.join(shelf.names)}.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": body_schemas(shelf, settings) | answer_schemas(),
            **({"securitySchemes": _KEYS} if settings.keys else {}),
        },
        **({"security": [{name: []} for name in _KEYS]} if settings.keys else {}),
    }


_KEYS: dict[str, Schema] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def _ours(shelf: Shelf, settings: Settings) -> dict[str, Schema]:
    generate = _told("generate", "Draw pictures of seeds and conditions.", pictures(), _DRAWING)
    generate["requestBody"] = _json_body("GenerateBody")
    translate = _told("translate", "Bring pictures to other conditions.", pictures(), _DRAWING)
    translate["parameters"] = query_parameters(shelf, settings)
    translate["requestBody"] = _json_body("TranslateBody", "image/png", "image/jpeg", "image/webp")
    a_bundle = _told("bundle", "Describe a bundle.", in_json("It.", "Bundle"), (404,))
    ready = _told("readyz", "Say whether to send requests.", in_json("Yes.", "Readiness"))
    ready["responses"]["503"] = in_json("No: a bundle fails, or the end is near.", "Readiness")
    figures = in_text("The figures, as Prometheus reads them.")
    return {
        "/v1/generate": {"post": generate},
        "/v1/translate": {"post": translate},
        "/v1/bundles": {"get": _told("bundles", "List bundles.", in_json("They.", "Bundles"))},
        "/v1/bundles/{name}": {"get": a_bundle | {"parameters": [_name(shelf)]}},
        "/healthz": {"get": _told("healthz", "Say that it runs.", in_json("It does.", "Alive"))},
        "/readyz": {"get": ready},
        "/metrics": {"get": _told("metrics", "Give the figures.", figures)},
        "/openapi.json": {"get": _told("openapi", "Give this document.", _document())},
    }


def _protocol(shelf: Shelf) -> dict[str, Schema]:
    paths: dict[str, Schema] = {
        "/v2": _v2("server", in_json("What is spoken.", "ServerMetadata")),
        "/v2/health/live": _v2("live", in_json("It runs.", "Live")),
        "/v2/health/ready": _v2("ready", in_json("Send requests.", "Ready"), busy="Ready"),
    }
    model, versioned = "/v2/models/{name}", "/v2/models/{name}/versions/{version}"
    for path, word in ((model, ""), (versioned, "Version")):
        named = [_name(shelf)]
        if word:
            named.append(_path_parameter("version", {"type": "string"}))
        metadata = in_json("Its tensors.", "ModelMetadata")
        paths[path] = _v2(f"model{word}", metadata, named)
        is_ready = in_json("It can be drawn.", "ModelReady")
        paths[f"{path}/ready"] = _v2(f"modelReady{word}", is_ready, named, busy="ModelReady")
        paths[f"{path}/infer"] = {"post": _infer(f"infer{word}") | {"parameters": named}}
    return paths


def _v2(
    name: str, answer: Schema, named: list[Schema] | None = None, busy: str | None = None
) -> Schema:
    told = _told(name, _PROTOCOL, answer, (404,) if named else (), "ProtocolError")
    if busy:
        told["responses"]["503"] = in_json("Send none.", busy)
    return {"get": told | ({"parameters": named} if named else {})}


def _infer(name: str) -> Schema:
    told = _told(name, _PROTOCOL, inferred(), _DRAWING, "ProtocolError")
    return told | {"requestBody": _json_body("InferenceRequest", "application/octet-stream")}


_PROTOCOL = "As the Open Inference Protocol, version 2, has it."


def _told(
    name: str,
    words: str,
    answer: Schema,
    errors: tuple[int, ...] = (),
    error: str = "Error",
) -> Schema:
    responses = {"200": answer, **error_responses(errors, error)}
    return {"operationId": name, "summary": words, "responses": responses}


def _json_body(component: str, *others: str) -> Schema:
    content: Schema = {"application/json": {"schema": reference(component)}}
    content |= {kind: {"schema": {}} for kind in others}
    return {"required": True, "content": content}


def _document() -> Schema:
    content = {"application/json": {"schema": {"type": "object"}}}
    return {"description": "OpenAPI 3.1.", "content": content}


def _name(shelf: Shelf) -> Schema:
    return _path_parameter("name", {"type": "string", "enum": list(shelf.names)})


def _path_parameter(name: str, schema: Schema) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _lock(operation: Schema, path: str) -> None:
    if path in OPEN:
        operation["security"] = []
    else:
        form = "ProtocolError" if path.startswith("/v2") else "Error"
        operation["responses"] |= error_responses((401,), form)
