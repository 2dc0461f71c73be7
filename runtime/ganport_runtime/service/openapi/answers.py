"""What comes back: pictures in each form, descriptions, errors."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from ganport_runtime.service.openapi.fields import reference
from ganport_runtime.service.openapi.groups import Schema

_TEXT, _WHOLE, _BOOLEAN = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
_ANY: Schema = {"type": "object"}
_BINARY: Schema = {}  # OpenAPI 3.1: bytes that are no JSON have an empty schema
_PICTURES = (
    *("image/png", "image/webp", "application/octet-stream", "application/x-npy"),
    *("application/zip", "multipart/mixed", "multipart/related"),
)
ERRORS = {
    400: "A body that is no JSON.",
    401: "No key, or one that is not known.",
    404: "No bundle of that name.",
    408: "The body did not arrive in time.",
    413: "A body that is too large.",
    415: "A body of another type.",
    422: "A field that is not allowed: which, what was expected, what came, what to do.",
    429: "More pictures wait than may.",
    500: "A fault of the service; its log has the id of the request.",
    503: "The service is about to end.",
    504: "The pictures were not there in time.",
}
_LATER = {429, 503}


def answer_schemas() -> dict[str, Schema]:
    """The components of all answers in JSON."""
    error = _object(status=_WHOLE, place=_TEXT, expected=_TEXT, found=_TEXT, fix=_TEXT)
    size = _object(w=_WHOLE, h=_WHOLE)
    picture = {"image": _TEXT, "seed": _TEXT, "condition": _ANY, "temperature": {"type": "number"}}
    tensor = _object(name=_TEXT, datatype=_TEXT, shape=_list(_WHOLE))
    return {
        "Error": _object(error=error),
        "ProtocolError": _object(error=_TEXT),
        "Bundle": _object(
            name=_TEXT,
            title=_TEXT,
            version=_TEXT,
            family=_TEXT,
            license=_TEXT,
            digest=_TEXT,
            device=_TEXT,
            abilities=_list(_TEXT),
            image=_object(width=_WHOLE, height=_WHOLE),
            conditions=_list(_ANY),
            max_images=_WHOLE,
        ),
        "Bundles": _object(bundles=_list(reference("Bundle"))),
        "Pictures": _object(
            bundle=_TEXT,
            digest=_TEXT,
            pictures=_list({"type": "object", "properties": picture, "required": ["image"]}),
        ),
        "Sheet": _object(frames=_list(reference("Frame")), meta=_meta(size)),
        "Frame": _object(
            filename=_TEXT,
            frame=_object(x=_WHOLE, y=_WHOLE, w=_WHOLE, h=_WHOLE),
            rotated=_BOOLEAN,
            trimmed=_BOOLEAN,
            spriteSourceSize=_object(x=_WHOLE, y=_WHOLE, w=_WHOLE, h=_WHOLE),
            sourceSize=size,
            condition=_ANY,
        ),
        "Alive": _object(status=_TEXT),
        "Readiness": _object(status=_TEXT, failing=_list(_TEXT)),
        "ServerMetadata": _object(name=_TEXT, version=_TEXT, extensions=_list(_TEXT)),
        "Live": _object(live=_BOOLEAN),
        "Ready": _object(ready=_BOOLEAN),
        "ModelReady": _object(name=_TEXT, ready=_BOOLEAN),
        "ModelMetadata": _object(
            name=_TEXT,
            versions=_list(_TEXT),
            platform=_TEXT,
            inputs=_list(tensor),
            outputs=_list(tensor),
        ),
        "InferenceResponse": _inference(tensor),
    }


def in_json(words: str, component: str) -> Schema:
    """An answer that is one JSON object."""
    return {"description": words, "content": {"application/json": {"schema": reference(component)}}}


def in_text(words: str) -> Schema:
    return {"description": words, "content": {"text/plain": {"schema": _TEXT}}}


def pictures() -> Schema:
    """An answer that holds pictures, in whichever form they were asked for."""
    index = {"anyOf": [reference("Sheet"), reference("Pictures")]}
    content = {kind: {"schema": _BINARY} for kind in _PICTURES}
    return {
        "description": "The pictures.",
        "headers": _made() | {"Ganport-Shape": _header("Of raw bytes: `16, 64, 64, 3`.")},
        "content": {**content, "application/json": {"schema": index}},
    }


def inferred() -> Schema:
    answer = in_json("The tensor `image`.", "InferenceResponse")
    answer["content"]["application/octet-stream"] = {"schema": _BINARY}
    words = "Bytes of the JSON before the tensor's."
    return answer | {"headers": _made() | {"Inference-Header-Content-Length": _header(words)}}


def error_responses(statuses: Sequence[int], component: str) -> dict[str, Schema]:
    """The errors of a route by their status."""
    return {str(status): _error(status, component) for status in statuses}


def _error(status: int, component: str) -> Schema:
    answer = in_json(ERRORS.get(status, HTTPStatus(status).phrase), component)
    if status in _LATER:
        answer["headers"] = {"Retry-After": _header("Seconds after which to try again.")}
    return answer


def _made() -> dict[str, Schema]:
    return {
        "Server-Timing": _header("Milliseconds in the queue, the network and the encoder."),
        "Ganport-Device": _header("What drew them."),
        "Ganport-Seeds": _header("`7`, `7..22`, or `3, 8, 21`."),
    }


def _header(words: str) -> Schema:
    return {"description": words, "schema": _TEXT}


def _inference(tensor: Schema) -> Schema:
    schema = _object(model_name=_TEXT, model_version=_TEXT, outputs=_list(tensor))
    schema["properties"]["id"] = {**_TEXT, "description": "That of the request."}
    return schema


def _meta(size: Schema) -> Schema:
    return _object(
        app=_TEXT,
        version=_TEXT,
        image={**_TEXT, "description": "A data URL, or the name of the file beside it."},
        format=_TEXT,
        size=size,
        scale=_TEXT,
        columns=_WHOLE,
        rows=_WHOLE,
        bundle=_TEXT,
        digest=_TEXT,
    )


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}
