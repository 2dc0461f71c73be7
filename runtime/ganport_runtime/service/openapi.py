"""The OpenAPI 3.1 document of a service: its routes, parameters and responses."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

import msgspec

from ganport_runtime.generation.request import MAX_TEMPERATURE
from ganport_runtime.images.sheet import MAX_SIDE
from ganport_runtime.service import inference_messages, schemas
from ganport_runtime.service.outputs import CONTAINERS, OUTPUTS
from ganport_runtime.service.registry import ModelRegistry
from ganport_runtime.service.schemas import Schema, choice, conditions_schema
from ganport_runtime.service.settings import Settings

ERRORS = {
    400: "The body is not valid JSON.",
    401: "The API key is missing or unknown.",
    403: "The Host is not allowed, or a foreign page sent no content type.",
    404: "No bundle has this name.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The content type is not supported.",
    422: "A field is invalid.",
    429: "The queue is full; see Retry-After.",
    500: "An internal error; the log contains the ID of the request.",
    503: "The service is shutting down; see Retry-After.",
    504: "The images were not generated in time.",
}
_IMAGE_ERRORS = (400, 403, 404, 408, 413, 415, 422, 429, 500, 503, 504)
_RETRYABLE = (429, 503)
_IMAGE_TYPES = (
    *("image/png", "image/webp", "application/octet-stream", "application/x-npy"),
    *("application/zip", "multipart/mixed", "multipart/related"),
)
_UPLOADS = ("image/png", "image/jpeg", "image/webp")
_KEY_SCHEMES: Schema = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
TEXT: Schema = {"type": "string"}
_BODIES = (schemas.GenerateBody, schemas.TranslateBody)
_COMPONENTS = (
    *(*_BODIES, schemas.Error, schemas.ProtocolError, schemas.Bundle, schemas.Bundles),
    *(schemas.Health, schemas.Readiness, schemas.Index, schemas.Sheet),
    *(inference_messages.InferenceRequest, inference_messages.InferenceResponse),
    *(inference_messages.ServerMetadata, inference_messages.ModelMetadata),
    *(inference_messages.Live, inference_messages.Ready, inference_messages.ModelReady),
)
_PAGE: Schema = {"description": "HTML.", "content": {"text/html": {"schema": {"type": "string"}}}}
_BINARY: Schema = {}  # OpenAPI 3.1 describes bytes with an empty schema
_SUMMARIES = {
    "generate": "Generate images.",
    "translate": "Translate images.",
    "bundles": "List the bundles.",
    "bundle": "Describe a bundle.",
    "healthz": "Report health.",
    "readyz": "Report readiness.",
    "metrics": "Return metrics for Prometheus.",
    "page": "Show the studio, a page that generates images.",
    "openapi": "Return this document.",
}


def build_document(registry: ModelRegistry, settings: Settings) -> Schema:
    """Return the document of a service with its routes, limits, bundles and labels."""
    fields = field_schemas(registry, settings)
    paths = _paths(registry, fields)
    if settings.page:
        paths["/"] = _get("/v1", "page", _PAGE)
    document: Schema = {
        "openapi": "3.1.0",
        "info": {
            "title": "ganport",
            "version": version("ganport"),
            "description": f"Images of the bundles {', '.join(registry.names)}.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": component_schemas(registry, fields)},
    }
    if settings.keys:
        document["components"]["securitySchemes"] = _KEY_SCHEMES
        document["security"] = [{name: []} for name in _KEY_SCHEMES]
        for path, operations in paths.items():
            for operation in operations.values():
                if path in settings.public_paths:
                    operation["security"] = []
                else:
                    operation["responses"] |= _errors(path, (401,))
    return document


def _paths(registry: ModelRegistry, fields: Schema) -> dict[str, Schema]:
    name = {"name": "name", "in": "path", "required": True, "schema": choice(registry.names)}
    metrics = {"description": "Metrics.", "content": {"text/plain": {"schema": TEXT}}}
    document = {"description": "OpenAPI 3.1.", "content": {"application/json": {"schema": {}}}}
    paths = {
        "/v1/generate": _post("/v1", "generate", _image_response(), _body("GenerateBody")),
        "/v1/translate": _post(
            "/v1", "translate", _image_response(), _body("TranslateBody", _UPLOADS), _query(fields)
        ),
        "/v1/bundles": _get("/v1", "bundles", _json("Bundles")),
        "/v1/bundles/{name}": _get("/v1", "bundle", _json("Bundle"), [name]),
        "/healthz": _get("/v1", "healthz", _json("Health")),
        "/readyz": _with_503(_get("/v1", "readyz", _json("Readiness"))),
        "/metrics": _get("/v1", "metrics", metrics),
        "/openapi.json": _get("/v1", "openapi", document),
        "/v2": _get("/v2", "server", _json("ServerMetadata")),
        "/v2/health/live": _get("/v2", "live", _json("Live")),
        "/v2/health/ready": _with_503(_get("/v2", "ready", _json("Ready"))),
    }
    model_version = {"name": "version", "in": "path", "required": True, "schema": TEXT}
    body = _body("InferenceRequest", ("application/octet-stream",))
    for path, suffix, parameters in (
        ("/v2/models/{name}", "", [name]),
        ("/v2/models/{name}/versions/{version}", "Version", [name, model_version]),
    ):
        ready = _get("/v2", f"modelReady{suffix}", _json("ModelReady"), parameters)
        paths |= {
            path: _get("/v2", f"model{suffix}", _json("ModelMetadata"), parameters),
            f"{path}/ready": _with_503(ready),
            f"{path}/infer": _post("/v2", f"infer{suffix}", _tensor_response(), body, parameters),
        }
    return paths


def _get(
    prefix: str, operation_id: str, response: Schema, parameters: Sequence[Schema] = ()
) -> Schema:
    responses = {"200": response} | _errors(prefix, (403, 404) if parameters else (403,))
    return {"get": _operation(operation_id, responses, parameters)}


def _post(
    prefix: str,
    operation_id: str,
    response: Schema,
    body: Schema,
    parameters: Sequence[Schema] = (),
) -> Schema:
    responses = {"200": response} | _errors(prefix, _IMAGE_ERRORS)
    return {"post": _operation(operation_id, responses, parameters) | {"requestBody": body}}


def _operation(operation_id: str, responses: Schema, parameters: Sequence[Schema]) -> Schema:
    summary = _SUMMARIES.get(operation_id, "Open Inference Protocol, version 2.")
    operation = {"operationId": operation_id, "summary": summary, "responses": responses}
    return operation | ({"parameters": list(parameters)} if parameters else {})


def _query(fields: Schema) -> list[Schema]:
    return [
        {"name": key, "in": "query", "schema": TEXT if key == "conditions" else fields[key]}
        for key in schemas.TranslateQuery.__struct_fields__
    ]


def _with_503(path: Schema) -> Schema:
    """Add the response of a route that reports "not ready" in the same form."""
    responses = path["get"]["responses"]
    responses["503"] = responses["200"] | {"description": "Not ready."}
    return path


def _errors(path: str, statuses: Sequence[int]) -> Schema:
    component = "ProtocolError" if path.startswith("/v2") else "Error"
    responses: Schema = {}
    for status in statuses:
        response = _json(component) | {"description": ERRORS[status]}
        if status in _RETRYABLE:
            response["headers"] = {"Retry-After": _header("Seconds before a retry.")}
        responses[f"{status}"] = response
    return responses


def _image_response() -> Schema:
    index = {"anyOf": [reference("Sheet"), reference("Index")]}
    content: Schema = {media_type: {"schema": _BINARY} for media_type in _IMAGE_TYPES}
    content["application/json"] = {"schema": index}
    shape = {"Ganport-Shape": _header("Shape of raw bytes: `16, 64, 64, 3`.")}
    return {"description": "Images.", "headers": _result_headers() | shape, "content": content}


def _tensor_response() -> Schema:
    response = _json("InferenceResponse") | {"headers": _result_headers()}
    response["headers"]["Inference-Header-Content-Length"] = _header("Bytes of the JSON.")
    response["content"]["application/octet-stream"] = {"schema": _BINARY}
    return response


def _result_headers() -> Schema:
    return {
        "Server-Timing": _header("Milliseconds in the queue, the network and the encoder."),
        "Ganport-Device": _header("The device that ran the network."),
        "Ganport-Seeds": _header("`7`, `7..22`, or `3, 8, 21`."),
    }


def _header(text: str) -> Schema:
    return {"description": text, "schema": TEXT}


def _json(component: str) -> Schema:
    content = {"application/json": {"schema": reference(component)}}
    return {"description": f"{component}.", "content": content}


def _body(component: str, media_types: Sequence[str] = ()) -> Schema:
    content: Schema = {"application/json": {"schema": reference(component)}}
    content |= {media_type: {"schema": _BINARY} for media_type in media_types}
    return {"required": True, "content": content}


def reference(component: str) -> Schema:
    """Return a reference to a component."""
    return {"$ref": f"#/components/schemas/{component}"}


def component_schemas(registry: ModelRegistry, fields: Schema) -> Schema:
    """Return all components; request fields get the limits and the labels of the service."""
    template = reference("{name}")["$ref"]
    _, components = msgspec.json.schema_components(_COMPONENTS, ref_template=template)
    for body in _BODIES:
        component = components[body.__name__]
        component["properties"] = {key: fields[key] for key in component["properties"]}
        if len(registry) > 1:
            component["required"] = [*component["required"], "bundle"]
    for served in registry:
        components[f"Conditions-{served.name}"] = conditions_schema(served.generator.conditions)
    return components


def field_schemas(registry: ModelRegistry, settings: Settings) -> Schema:
    """Return the schema of each request field, with the limits of the service."""
    limit = settings.max_images
    seed = {"anyOf": [_integer(0, 2**64 - 1), {"type": "string", "pattern": "^[0-9]{1,20}$"}]}
    condition = {"anyOf": [*(reference(f"Conditions-{name}") for name in registry.names), TEXT]}
    image = {"type": "string", "contentEncoding": "base64"}
    whole = "Scale the whole image; the default crops its center."
    output = "Image files, uint8 bytes [N, H, W, channels], a NumPy file, or an atlas."
    return {
        "bundle": _optional(choice(registry.names), "Required with several bundles."),
        "conditions": _optional(
            {"anyOf": [condition, _array(condition, limit)]},
            'One condition, such as "pink hair blue eyes", or one per image.',
        ),
        "seed": _optional(seed, "Seed of the first image; the next images use the next seeds."),
        "seeds": _optional(_array(seed, limit), "Seed of each image."),
        "count": _optional(_integer(1, limit), "Number of images; the default is that of a list."),
        "temperature": _optional(_positive(MAX_TEMPERATURE), "Below 1, images vary less."),
        "images": _optional(_array(image, limit), "PNG, JPEG or WebP files in base64."),
        "whole": {"type": "boolean", "default": False, "description": whole},
        "output": choice(OUTPUTS) | {"default": "png", "description": output},
        "container": _optional(choice(CONTAINERS), "Form of several files."),
        "columns": _optional(_integer(1, MAX_SIDE), "Columns of a sheet; the default is square."),
        "quality": _optional(_integer(1, 100), "Quality of a lossy WebP, also of a sheet."),
        "timeout": _optional(_positive(settings.max_timeout), "Time limit in seconds."),
    }


def _array(items: Schema, limit: int) -> Schema:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": limit}


def _optional(schema: Schema, text: str) -> Schema:
    return {"anyOf": [schema, {"type": "null"}], "description": text}


def _integer(low: int, high: int) -> Schema:
    return {"type": "integer", "minimum": low, "maximum": high}


def _positive(maximum: float) -> Schema:
    return {"type": "number", "exclusiveMinimum": 0, "maximum": maximum}
