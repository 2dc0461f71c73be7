"""The fields of requests: what msgspec knows of them, with limits and words."""

from __future__ import annotations

from typing import Any

import msgspec

from ganport_runtime.generation.validation import MAX_TEMPERATURE
from ganport_runtime.images.sheet import MAX_SIDE
from ganport_runtime.service.open_inference.messages import InferenceRequest
from ganport_runtime.service.openapi.groups import Schema, schema_of
from ganport_runtime.service.outputs import CONTAINERS, OUTPUTS
from ganport_runtime.service.registry import Shelf
from ganport_runtime.service.requests import GenerateBody, TranslateBody, TranslateQuery
from ganport_runtime.service.settings import Settings

_COMPONENTS = "#/components/schemas/"
_CONDITIONS = "Conditions-"  # and the name of a bundle


def body_schemas(shelf: Shelf, settings: Settings) -> dict[str, Schema]:
    """The components of all bodies, and of the conditions of each bundle."""
    kinds = (GenerateBody, TranslateBody, InferenceRequest)
    _, components = msgspec.json.schema_components(kinds, ref_template=f"{_COMPONENTS}{{name}}")
    fields = _fields(shelf, settings)
    for name in (GenerateBody.__name__, TranslateBody.__name__):
        properties = components[name]["properties"]
        components[name]["properties"] = {key: fields[key] for key in properties}
        if len(shelf) > 1:
            components[name]["required"] = [*components[name]["required"], "bundle"]
    conditions = {f"{_CONDITIONS}{one.name}": schema_of(one.generator.conditions) for one in shelf}
    return components | conditions


def query_parameters(shelf: Shelf, settings: Settings) -> list[Schema]:
    """The fields of a query, for a picture that is a body of its own."""
    fields = _fields(shelf, settings) | {"conditions": {"type": "string"}}
    return [
        {"name": name, "in": "query", "required": False, "schema": fields[name]}
        for name in TranslateQuery.__struct_fields__
    ]


def reference(name: str) -> Schema:
    return {"$ref": f"{_COMPONENTS}{name}"}


def _fields(shelf: Shelf, settings: Settings) -> dict[str, Schema]:
    most = settings.max_images
    seed = {"anyOf": [_integer(0, 2**64 - 1), {"type": "string", "pattern": "^[0-9]{1,20}$"}]}
    request = {"anyOf": [*(reference(f"{_CONDITIONS}{name}") for name in shelf.names), _TEXT]}
    picture = {"type": "string", "contentEncoding": "base64"}
    return {
        "bundle": _said({"type": "string", "enum": list(shelf.names)}, _BUNDLE),
        "conditions": _said(_one_or_many(request, most), _ASKED),
        "seed": _said(seed, _SEED),
        "seeds": _said(_many(seed, most), "The seed of each picture."),
        "count": _said(_integer(1, most), "How many pictures; else one, or as many as a list has."),
        "temperature": _said(_temperature(), "Below 1 pictures become more usual."),
        "images": _said(_many(picture, most), "PNG, JPEG or WebP files in base64."),
        "whole": {"type": "boolean", "default": False, "description": _WHOLE},
        "output": {"enum": list(OUTPUTS), "default": "png", "description": _OUTPUT},
        "container": _said({"enum": list(CONTAINERS)}, _CONTAINER),
        "columns": _said(_integer(1, MAX_SIDE), "Pictures in a row of a sheet; else a square."),
        "quality": _said(_integer(1, 100), "Makes a WebP lossy, and the picture of a sheet one."),
        "timeout": _said(_seconds(settings), "Seconds until 504; a request gives up its place."),
    }


_TEXT = {"type": "string", "description": 'As in "pink hair blue eyes".'}
_BUNDLE = "Which bundle; may be left out where there is only one."
_ASKED = "What pictures show: one request for all of them, or a list with one for each."
_SEED = "Of the first picture, the next ones follow; text where integers end at 2^53."
_WHOLE = "Squeeze the whole frame instead of cutting out its centre."
_OUTPUT = "Picture files, bytes of uint8 [N, H, W, 3], a numpy file, or an atlas with its index."
_CONTAINER = "How several files come: in a zip, as multipart, or as data URLs in JSON."


def _said(schema: Schema, words: str) -> Schema:
    """A field that may be left out, or null."""
    return {"anyOf": [schema, {"type": "null"}], "description": words}


def _one_or_many(schema: Schema, most: int) -> Schema:
    return {"anyOf": [schema, _many(schema, most)]}


def _many(schema: Schema, most: int) -> Schema:
    return {"type": "array", "items": schema, "minItems": 1, "maxItems": most}


def _integer(low: int, high: int) -> Schema:
    return {"type": "integer", "minimum": low, "maximum": high}


def _temperature() -> Schema:
    return {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_TEMPERATURE}


def _seconds(settings: Settings) -> dict[str, Any]:
    return {"type": "number", "exclusiveMinimum": 0, "maximum": settings.max_timeout}
