"""JSON schemas of the OpenAPI document: components, request fields and conditions."""

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
from ganport_runtime.service import inference_messages, schemas
from ganport_runtime.service.outputs import CONTAINERS, OUTPUTS
from ganport_runtime.service.registry import ModelRegistry
from ganport_runtime.service.settings import Settings
from ganport_runtime.values import format_choices

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
_BODIES = (schemas.GenerateBody, schemas.TranslateBody)
_COMPONENTS = (
    *(*_BODIES, schemas.Error, schemas.ProtocolError, schemas.Bundle, schemas.Bundles),
    *(schemas.Health, schemas.Readiness, schemas.Index, schemas.Sheet),
    *(inference_messages.InferenceRequest, inference_messages.InferenceResponse),
    *(inference_messages.ServerMetadata, inference_messages.ModelMetadata),
    *(inference_messages.Live, inference_messages.Ready, inference_messages.ModelReady),
)


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
    output = "Image files, uint8 bytes [N, H, W, 3], a NumPy file, or an atlas."
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


def conditions_schema(conditions: Conditions) -> Schema:
    """Return the schema of a conditions object; absent groups take their defaults."""
    properties = {name: _group(group) for name, group in conditions.fields.items()}
    for group in conditions.groups:
        if isinstance(group, JointOneHot):
            members = {member.name: _group(member) for member in group.of}
            names = format_choices(list(members))
            properties[group.name] = _closed_object(members, f"Alternative to {names}.")
    text = f"Text form: {conditions.caption()!r}." if conditions.groups else "No conditions."
    return _closed_object(properties, text)


def _group(group: ConditionGroup) -> Schema:
    labels = choice(group.labels)
    fraction = {"type": "number", "minimum": 0, "maximum": 1}
    fractions = _closed_object(dict.fromkeys(group.labels, fraction), "Weights of the labels.")
    if isinstance(group, Scalar):
        schema: Schema = {"type": "number", "minimum": group.min, "maximum": group.max}
    elif isinstance(group, Rgb):
        channel = {"type": "number", "minimum": 0, "maximum": 255}
        channels = {"type": "array", "items": channel, "minItems": 3, "maxItems": 3}
        text = {"type": "string", "pattern": "^#[0-9A-Fa-f]{6}$"}
        schema = {"anyOf": [text, channels, *([labels] if group.labels else [])]}
    elif isinstance(group, MultiHot):
        several = {"type": "array", "items": labels, "uniqueItems": True}
        schema = {"anyOf": [several | {"maxItems": group.max_active}, fractions]}
    else:
        schema = {"anyOf": [labels, fractions]}
    default = list(group.default) if isinstance(group.default, tuple) else group.default
    return schema | {"description": f"A group of kind {group.kind}.", "default": default}


def choice(values: Sequence[str]) -> Schema:
    """Return the schema of one of several strings."""
    return {"type": "string", "enum": list(values)}


def _closed_object(properties: Schema, text: str) -> Schema:
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | {"description": text}


def _array(items: Schema, limit: int) -> Schema:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": limit}


def _optional(schema: Schema, text: str) -> Schema:
    return {"anyOf": [schema, {"type": "null"}], "description": text}


def _integer(low: int, high: int) -> Schema:
    return {"type": "integer", "minimum": low, "maximum": high}


def _positive(maximum: float) -> Schema:
    return {"type": "number", "exclusiveMinimum": 0, "maximum": maximum}
