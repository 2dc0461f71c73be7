"""The JSON objects of requests and responses, and the JSON schema of conditions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, Struct, UnsetType, field

from ganport_runtime.conditions import (
    ConditionGroup,
    Conditions,
    JointOneHot,
    MultiHot,
    Rgb,
    Scalar,
)
from ganport_runtime.errors import RequestError
from ganport_runtime.service.outputs import OutputOptions, container_from_accept
from ganport_runtime.service.settings import Settings
from ganport_runtime.values import format_choices, repr_short

Schema = dict[str, Any]
"""A JSON schema."""
_Leaf = str | int | float | bool | None
_Value = _Leaf | list[_Leaf] | dict[str, _Leaf | dict[str, _Leaf]]
ConditionsField = dict[str, _Value] | str | list[dict[str, _Value] | str] | None
"""The types bound the depth; the groups of the bundle check the values."""
Seed = int | str
"""A string for languages without 64-bit integers, such as JavaScript."""


class BaseRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """The fields of every request for images."""

    bundle: str | None = None
    output: str = "png"
    container: str | None = None
    columns: int | None = None
    quality: int | None = None
    timeout: float | None = None

    def time_limit(self, settings: Settings) -> float:
        """Return the time limit in seconds; raises `RequestError` if it is out of range."""
        if self.timeout is None:
            return settings.timeout
        if not 0.0 < self.timeout <= settings.max_timeout:
            expected = f"a number of seconds above 0, at most {settings.max_timeout:g}"
            fix = "Choose a timeout in that range."
            raise RequestError("timeout", expected, f"{self.timeout:g}", fix)
        return self.timeout

    def output_options(self, accept: bytes) -> OutputOptions:
        """Return the output options; an `Accept` header selects a container if no field does."""
        container = self.container
        if container is None and accept:
            container = container_from_accept(accept.decode("latin-1"), self.output)
        return OutputOptions(self.output, container, self.columns, self.quality)


class GenerateBody(BaseRequest, kw_only=True):
    """The body of `POST /v1/generate`."""

    conditions: ConditionsField = None
    seed: Seed | None = None
    seeds: list[Seed] | None = None
    count: int | None = None
    temperature: float | None = None

    def check_count(self, limit: int) -> None:
        """Raise `RequestError` if the request is for more than `limit` images."""
        check_count("count", self.count, limit)
        check_count("seeds", None if self.seeds is None else len(self.seeds), limit)
        if isinstance(self.conditions, list):
            check_count("conditions", len(self.conditions), limit)


class TranslateQuery(BaseRequest, kw_only=True):
    """The query of `POST /v1/translate` if the body is one image."""

    conditions: str | None = None
    whole: bool = False


class TranslateBody(BaseRequest, kw_only=True):
    """The JSON body of `POST /v1/translate`; `images` are image files in base64."""

    images: list[bytes]
    conditions: ConditionsField = None
    whole: bool = False


def check_count(place: str, number: int | None, limit: int) -> None:
    """Raise `RequestError` if `number` images exceed the limit of one request."""
    if number is not None and number > limit:
        fix = "Split the images over several requests."
        raise RequestError(place, f"at most {limit} images", repr_short(number), fix)


class ErrorDetails(Struct):
    """The place of an error, the expected and the found value, and the next step."""

    status: int
    place: str
    expected: str
    found: str
    fix: str


class Error(Struct):
    """An error of the routes under /v1."""

    error: ErrorDetails


class ProtocolError(Struct):
    """An error of the Open Inference Protocol."""

    error: str


class ImageDescription(Struct):
    """The size of images in pixels and their format, as the manifest states it."""

    width: int
    height: int
    mode: str
    pixelated: bool
    palette: tuple[str, ...]
    alpha_levels: int


class NoiseDescription(Struct):
    """The shape of the noise of one image, and its default scale."""

    shape: tuple[int, ...]
    temperature: float


class Bundle(Struct):
    """The description of a served bundle."""

    name: str
    title: str
    version: str
    family: str
    license: str
    digest: str
    device: str
    abilities: tuple[str, ...]
    image: ImageDescription
    noise: NoiseDescription | None
    conditions: list[dict[str, Any]]
    max_images: int


class Bundles(Struct):
    """The descriptions of all served bundles."""

    bundles: list[Bundle]


class Health(Struct):
    """The health of the process."""

    status: str = "alive"


class Readiness(Struct):
    """The readiness of the service: `ready`, `failing` or `closing`; the failing bundles."""

    status: str
    failing: list[str]


class Size(Struct):
    """A width and a height in pixels."""

    w: int
    h: int


class Rectangle(Struct):
    """A rectangle in pixels from the top left corner."""

    x: int
    y: int
    w: int
    h: int


class IndexEntry(Struct):
    """A file of a response and the recipe of its image."""

    image: str
    condition: dict[str, Any]
    seed: str | UnsetType = UNSET
    temperature: float | UnsetType = UNSET


class Index(Struct):
    """The index of several files."""

    bundle: str
    digest: str
    pictures: list[IndexEntry]


class Frame(Struct):
    """The rectangle of an image in a sheet, in TexturePacker's form, and its recipe."""

    filename: str
    frame: Rectangle
    sprite_source_size: Rectangle = field(name="spriteSourceSize")
    source_size: Size = field(name="sourceSize")
    condition: dict[str, Any]
    seed: str | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    rotated: bool = False
    trimmed: bool = False


class SheetMeta(Struct):
    """The atlas of a sheet: `image` is a data URL or a file name."""

    image: str
    size: Size
    columns: int
    rows: int
    bundle: str
    digest: str
    format: str
    app: str = "ganport"
    version: str = "1"
    scale: str = "1"


class Sheet(Struct):
    """The index of a sheet."""

    frames: list[Frame]
    meta: SheetMeta


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


def choice(values: Sequence[str]) -> Schema:
    """Return the schema of one of several strings."""
    return {"type": "string", "enum": list(values)}


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


def _closed_object(properties: Schema, text: str) -> Schema:
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | {"description": text}
