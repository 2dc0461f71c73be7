"""The OpenAPI 3.1 document of a service: its routes, parameters and responses."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from ganport_runtime.service.middleware import PUBLIC_PATHS
from ganport_runtime.service.openapi_schemas import (
    TEXT,
    Schema,
    query_parameters,
    reference,
    request_schemas,
    response_schemas,
)
from ganport_runtime.service.registry import ModelRegistry
from ganport_runtime.service.settings import Settings

ERRORS = {
    400: "The body is not valid JSON.",
    401: "The API key is missing or unknown.",
    404: "No bundle has this name.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The content type is not supported.",
    422: "A field is invalid.",
    429: "The queue is full.",
    500: "An internal error; the log contains the ID of the request.",
    503: "The service is shutting down.",
    504: "The images were not generated in time.",
}
_IMAGE_ERRORS = (400, 404, 408, 413, 415, 422, 429, 500, 503, 504)
_RETRYABLE = {429, 503}
_IMAGE_TYPES = (
    *("image/png", "image/webp", "application/octet-stream", "application/x-npy"),
    *("application/zip", "multipart/mixed", "multipart/related"),
)
_BINARY: Schema = {}  # OpenAPI 3.1 describes bytes with an empty schema
_KEY_SCHEMES: dict[str, Schema] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
_PROTOCOL = "Open Inference Protocol, version 2."


def build_document(registry: ModelRegistry, settings: Settings) -> dict[str, Any]:
    """Return the document of a service with its routes, limits, bundles and labels."""
    paths = _service_paths(registry, settings) | _inference_paths(registry)
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "ganport",
            "version": version("ganport"),
            "description": f"Images of the bundles {', '.join(registry.names)}.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": request_schemas(registry, settings) | response_schemas()},
    }
    if settings.keys:
        document["components"]["securitySchemes"] = _KEY_SCHEMES
        document["security"] = [{name: []} for name in _KEY_SCHEMES]
        for path, operations in paths.items():
            for operation in operations.values():
                _add_security(operation, path)
    return document


def _service_paths(registry: ModelRegistry, settings: Settings) -> dict[str, Schema]:
    images = _image_response()
    generate = _operation("generate", "Generate images.", images, _IMAGE_ERRORS)
    generate["requestBody"] = _json_body("GenerateBody")
    translate = _operation("translate", "Translate images.", images, _IMAGE_ERRORS)
    translate["parameters"] = query_parameters(registry, settings)
    translate["requestBody"] = _json_body("TranslateBody", "image/png", "image/jpeg", "image/webp")
    bundles = _json("The bundles.", "Bundles")
    bundle = _operation("bundle", "Describe a bundle.", _json("The bundle.", "Bundle"), (404,))
    alive = _json("The process responds.", "Alive")
    ready = _operation("readyz", "Report readiness.", _json("Ready.", "Readiness"))
    ready["responses"]["503"] = _json("Not ready.", "Readiness")
    metrics = {"description": "Metrics.", "content": {"text/plain": {"schema": TEXT}}}
    document = {
        "description": "The document.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
    return {
        "/v1/generate": {"post": generate},
        "/v1/translate": {"post": translate},
        "/v1/bundles": {"get": _operation("bundles", "List the bundles.", bundles)},
        "/v1/bundles/{name}": {"get": bundle | {"parameters": [_name_parameter(registry)]}},
        "/healthz": {"get": _operation("healthz", "Report health.", alive)},
        "/readyz": {"get": ready},
        "/metrics": {"get": _operation("metrics", "Return metrics for Prometheus.", metrics)},
        "/openapi.json": {"get": _operation("openapi", "Return this document.", document)},
    }


def _inference_paths(registry: ModelRegistry) -> dict[str, Schema]:
    paths: dict[str, Schema] = {
        "/v2": _inference_get("server", _json("The server.", "ServerMetadata")),
        "/v2/health/live": _inference_get("live", _json("Alive.", "Live")),
        "/v2/health/ready": _inference_get("ready", _json("Ready.", "Ready"), not_ready="Ready"),
    }
    version_parameter = {"name": "version", "in": "path", "required": True, "schema": TEXT}
    for suffix, path in (
        ("", "/v2/models/{name}"),
        ("Version", "/v2/models/{name}/versions/{version}"),
    ):
        parameters = [_name_parameter(registry)]
        if suffix:
            parameters.append(version_parameter)
        metadata, ready = _json("Tensors.", "ModelMetadata"), _json("Ready.", "ModelReady")
        paths[path] = _inference_get(f"model{suffix}", metadata, parameters)
        paths[f"{path}/ready"] = _inference_get(
            f"modelReady{suffix}", ready, parameters, not_ready="ModelReady"
        )
        infer = _operation(
            f"infer{suffix}", _PROTOCOL, _tensor_response(), _IMAGE_ERRORS, "ProtocolError"
        )
        infer["requestBody"] = _json_body("InferenceRequest", "application/octet-stream")
        paths[f"{path}/infer"] = {"post": infer | {"parameters": parameters}}
    return paths


def _inference_get(
    operation_id: str,
    response: Schema,
    parameters: Sequence[Schema] = (),
    not_ready: str | None = None,
) -> Schema:
    errors = (404,) if parameters else ()
    operation = _operation(operation_id, _PROTOCOL, response, errors, "ProtocolError")
    if not_ready:
        operation["responses"]["503"] = _json("Not ready.", not_ready)
    if parameters:
        operation["parameters"] = list(parameters)
    return {"get": operation}


def _operation(
    operation_id: str,
    summary: str,
    response: Schema,
    errors: Sequence[int] = (),
    error_component: str = "Error",
) -> Schema:
    responses = {"200": response, **_error_responses(errors, error_component)}
    return {"operationId": operation_id, "summary": summary, "responses": responses}


def _error_responses(statuses: Sequence[int], component: str) -> dict[str, Schema]:
    responses = {}
    for status in statuses:
        response = _json(ERRORS.get(status, HTTPStatus(status).phrase), component)
        if status in _RETRYABLE:
            response["headers"] = {"Retry-After": _header("Seconds before a retry.")}
        responses[str(status)] = response
    return responses


def _image_response() -> Schema:
    index = {"anyOf": [reference("Sheet"), reference("Pictures")]}
    content = {media_type: {"schema": _BINARY} for media_type in _IMAGE_TYPES}
    shape = _header("Shape of raw bytes: `16, 64, 64, 3`.")
    return {
        "description": "The images.",
        "headers": _result_headers() | {"Ganport-Shape": shape},
        "content": {**content, "application/json": {"schema": index}},
    }


def _tensor_response() -> Schema:
    response = _json("The tensor `image`.", "InferenceResponse")
    response["content"]["application/octet-stream"] = {"schema": _BINARY}
    length = _header("JSON bytes before the tensor.")
    response["headers"] = _result_headers() | {"Inference-Header-Content-Length": length}
    return response


def _result_headers() -> dict[str, Schema]:
    return {
        "Server-Timing": _header("Milliseconds in the queue, the network and the encoder."),
        "Ganport-Device": _header("The device that ran the network."),
        "Ganport-Seeds": _header("`7`, `7..22`, or `3, 8, 21`."),
    }


def _header(text: str) -> Schema:
    return {"description": text, "schema": TEXT}


def _json(text: str, component: str) -> Schema:
    content = {"application/json": {"schema": reference(component)}}
    return {"description": text, "content": content}


def _json_body(component: str, *media_types: str) -> Schema:
    content: Schema = {"application/json": {"schema": reference(component)}}
    content |= {media_type: {"schema": _BINARY} for media_type in media_types}
    return {"required": True, "content": content}


def _name_parameter(registry: ModelRegistry) -> Schema:
    schema = {"type": "string", "enum": list(registry.names)}
    return {"name": "name", "in": "path", "required": True, "schema": schema}


def _add_security(operation: Schema, path: str) -> None:
    if path in PUBLIC_PATHS:
        operation["security"] = []
    else:
        component = "ProtocolError" if path.startswith("/v2") else "Error"
        operation["responses"] |= _error_responses((401,), component)
