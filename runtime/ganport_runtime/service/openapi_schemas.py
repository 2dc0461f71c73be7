"""JSON schemas of the OpenAPI document: request fields, condition groups and responses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ganport_runtime.conditions import (
    ConditionGroup,
    Conditions,
    JointOneHot,
    MultiHot,
    Rgb,
    Scalar,
)
from ganport_runtime.generation.request import MAX_TEMPERATURE
from ganport_runtime.images.sheet import MAX_SIDE
from ganport_runtime.service.inference_messages import InferenceRequest
from ganport_runtime.service.outputs import CONTAINERS, OUTPUTS
from ganport_runtime.service.registry import ModelRegistry
from ganport_runtime.service.requests import GenerateBody, TranslateBody, TranslateQuery
from ganport_runtime.service.settings import Settings
from ganport_runtime.values import format_choices

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
_COMPONENTS = "#/components/schemas/"
_CONDITIONS_PREFIX = "Conditions-"  # the name of a bundle follows
_INTEGER, _BOOLEAN, _ANY = {"type": "integer"}, {"type": "boolean"}, {"type": "object"}


def reference(name: str) -> Schema:
    """Return a reference to a component."""
    return {"$ref": f"{_COMPONENTS}{name}"}


def request_schemas(registry: ModelRegistry, settings: Settings) -> dict[str, Schema]:
    """Return the components of all request bodies and of the conditions of each bundle."""
    bodies = (GenerateBody, TranslateBody, InferenceRequest)
    _, components = msgspec.json.schema_components(bodies, ref_template=f"{_COMPONENTS}{{name}}")
    fields = _field_schemas(registry, settings)
    for name in (GenerateBody.__name__, TranslateBody.__name__):
        component = components[name]
        component["properties"] = {key: fields[key] for key in component["properties"]}
        if len(registry) > 1:
            component["required"] = [*component["required"], "bundle"]
    conditions = {
        f"{_CONDITIONS_PREFIX}{served.name}": conditions_schema(served.generator.conditions)
        for served in registry
    }
    return components | conditions


def query_parameters(registry: ModelRegistry, settings: Settings) -> list[Schema]:
    """Return the query parameters of a translation whose body is an image."""
    fields = _field_schemas(registry, settings) | {"conditions": TEXT}
    return [
        {"name": name, "in": "query", "required": False, "schema": fields[name]}
        for name in TranslateQuery.__struct_fields__
    ]


def conditions_schema(conditions: Conditions) -> Schema:
    """Return the schema of a conditions object; absent groups take their defaults."""
    properties = {name: _group_schema(group) for name, group in conditions.fields.items()}
    for group in conditions.groups:
        if isinstance(group, JointOneHot):
            members = {member.name: _group_schema(member) for member in group.of}
            names = format_choices(list(members))
            properties[group.name] = _closed_object(members, f"Alternative to {names}.")
    text = f"Text form: {conditions.caption()!r}." if conditions.groups else "No conditions."
    return _closed_object(properties, text)


def response_schemas() -> dict[str, Schema]:
    """Return the components of all JSON responses."""
    error = _object(status=_INTEGER, place=TEXT, expected=TEXT, found=TEXT, fix=TEXT)
    size = _object(w=_INTEGER, h=_INTEGER)
    rectangle = _object(x=_INTEGER, y=_INTEGER, w=_INTEGER, h=_INTEGER)
    image = {"image": TEXT, "seed": TEXT, "condition": _ANY, "temperature": {"type": "number"}}
    tensor = _object(name=TEXT, datatype=TEXT, shape=_list(_INTEGER))
    inference = _object(model_name=TEXT, model_version=TEXT, outputs=_list(tensor))
    inference["properties"]["id"] = {**TEXT, "description": "The ID of the request."}
    bundle_texts = dict.fromkeys(
        ("name", "title", "version", "family", "license", "digest", "device"), TEXT
    )
    return {
        "Error": _object(error=error),
        "ProtocolError": _object(error=TEXT),
        "Bundle": _object(
            **bundle_texts,
            abilities=_list(TEXT),
            image=_object(width=_INTEGER, height=_INTEGER),
            conditions=_list(_ANY),
            max_images=_INTEGER,
        ),
        "Bundles": _object(bundles=_list(reference("Bundle"))),
        "Pictures": _object(
            bundle=TEXT,
            digest=TEXT,
            pictures=_list({"type": "object", "properties": image, "required": ["image"]}),
        ),
        "Sheet": _object(frames=_list(reference("Frame")), meta=_sheet_meta(size)),
        "Frame": _object(
            filename=TEXT,
            frame=rectangle,
            rotated=_BOOLEAN,
            trimmed=_BOOLEAN,
            spriteSourceSize=rectangle,
            sourceSize=size,
            condition=_ANY,
        ),
        "Alive": _object(status=TEXT),
        "Readiness": _object(status=TEXT, failing=_list(TEXT)),
        "ServerMetadata": _object(name=TEXT, version=TEXT, extensions=_list(TEXT)),
        "Live": _object(live=_BOOLEAN),
        "Ready": _object(ready=_BOOLEAN),
        "ModelReady": _object(name=TEXT, ready=_BOOLEAN),
        "ModelMetadata": _object(
            name=TEXT,
            versions=_list(TEXT),
            platform=TEXT,
            inputs=_list(tensor),
            outputs=_list(tensor),
        ),
        "InferenceResponse": inference,
    }


def _sheet_meta(size: Schema) -> Schema:
    image = {**TEXT, "description": "The atlas: a data URL or a file name."}
    texts = dict.fromkeys(("app", "version", "format", "scale", "bundle", "digest"), TEXT)
    return _object(image=image, size=size, columns=_INTEGER, rows=_INTEGER, **texts)


def _field_schemas(registry: ModelRegistry, settings: Settings) -> dict[str, Schema]:
    limit, names = settings.max_images, list(registry.names)
    seed = {"anyOf": [_integer(0, 2**64 - 1), {"type": "string", "pattern": "^[0-9]{1,20}$"}]}
    text = {"type": "string", "description": 'For example "pink hair blue eyes".'}
    condition = {"anyOf": [*(reference(f"{_CONDITIONS_PREFIX}{name}") for name in names), text]}
    image = {"type": "string", "contentEncoding": "base64"}
    return {
        "bundle": _optional({"type": "string", "enum": names}, "Required with several bundles."),
        "conditions": _optional(
            {"anyOf": [condition, _array(condition, limit)]},
            "One condition for all images, or a list with one per image.",
        ),
        "seed": _optional(seed, "Seed of the first image; the next images use the next seeds."),
        "seeds": _optional(_array(seed, limit), "Seed of each image."),
        "count": _optional(
            _integer(1, limit), "Number of images; the default is 1 or that of a list."
        ),
        "temperature": _optional(_positive(MAX_TEMPERATURE), "Below 1, images vary less."),
        "images": _optional(_array(image, limit), "PNG, JPEG or WebP files in base64."),
        "whole": {
            "type": "boolean",
            "default": False,
            "description": "Scale the whole image; the default crops its center.",
        },
        "output": {
            "enum": list(OUTPUTS),
            "default": "png",
            "description": "Image files, uint8 bytes [N, H, W, 3], a NumPy file, or an atlas.",
        },
        "container": _optional(
            {"enum": list(CONTAINERS)}, "Form of several files; json holds data URLs."
        ),
        "columns": _optional(_integer(1, MAX_SIDE), "Columns of a sheet; the default is square."),
        "quality": _optional(_integer(1, 100), "Quality of a lossy WebP, also of a sheet."),
        "timeout": _optional(_positive(settings.max_timeout), "Time limit in seconds."),
    }


def _group_schema(group: ConditionGroup) -> Schema:
    if isinstance(group, Scalar):
        schema: Schema = {"type": "number", "minimum": group.min, "maximum": group.max}
    elif isinstance(group, Rgb):
        schema = {"anyOf": _color_schemas(group)}
    elif isinstance(group, MultiHot):
        labels = {"type": "array", "items": _labels(group), "uniqueItems": True}
        fractions = _fractions(group.labels, "Fractions.")
        schema = {"anyOf": [labels | {"maxItems": group.max_active}, fractions]}
    else:
        weights = _fractions(group.labels, "Weights that sum to 1.")
        schema = {"anyOf": [_labels(group), weights]}
    default = list(group.default) if isinstance(group.default, tuple) else group.default
    return schema | {"description": f"A group of kind {group.kind}.", "default": default}


def _color_schemas(group: Rgb) -> list[Schema]:
    channel = {"type": "number", "minimum": 0, "maximum": 255}
    channels = {"type": "array", "items": channel, "minItems": 3, "maxItems": 3}
    colors: list[Schema] = [{"type": "string", "pattern": "^#[0-9A-Fa-f]{6}$"}, channels]
    return [*colors, _labels(group)] if group.labels else colors


def _labels(group: ConditionGroup) -> Schema:
    return {"type": "string", "enum": list(group.labels)}


def _fractions(labels: Sequence[str], text: str) -> Schema:
    fraction = {"type": "number", "minimum": 0, "maximum": 1}
    return _closed_object(dict.fromkeys(labels, fraction), text)


def _closed_object(properties: Schema, text: str) -> Schema:
    return {
        "type": "object",
        "description": text,
        "properties": properties,
        "additionalProperties": False,
    }


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _array(items: Schema, limit: int) -> Schema:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": limit}


def _optional(schema: Schema, text: str) -> Schema:
    return {"anyOf": [schema, {"type": "null"}], "description": text}


def _integer(low: int, high: int) -> Schema:
    return {"type": "integer", "minimum": low, "maximum": high}


def _positive(maximum: float) -> Schema:
    return {"type": "number", "exclusiveMinimum": 0, "maximum": maximum}
