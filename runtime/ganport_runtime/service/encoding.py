"""Encoding: images to a response body of files, arrays, or an atlas with its index."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from ganport_runtime.conditions import ConditionInput, Conditions
from ganport_runtime.images.atlas import atlas_index, pack_atlas
from ganport_runtime.images.encode import encode_webp
from ganport_runtime.service.outputs import (
    FilePart,
    OutputOptions,
    ResponseBody,
    multipart,
    png_bytes,
    zip_parts,
)
from ganport_runtime.service.schemas import (
    Index,
    IndexEntry,
    Sheet,
)

if TYPE_CHECKING:
    from ganport_runtime.generator import Generator

_BYTES, _JSON = "application/octet-stream", "application/json"
_MEDIA_TYPES = {"png": "image/png", "webp": "image/webp"}


@dataclass(frozen=True)
class GeneratedImages:
    """Images with the data to generate them again.

    `pixels` is uint8 (N, H, W, C). `seeds` has one seed per image; it is empty for translations.
    `conditions` are those of the request: one for all images or a list. `groups` and `palette` are
    those of the bundle, `bundle` has its name and its digest.
    """

    pixels: NDArray[np.uint8]
    seeds: Sequence[int]
    conditions: ConditionInput
    groups: Conditions
    bundle: dict[str, str]
    temperature: float | None = None
    palette: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        pixels: NDArray[np.uint8],
        seeds: Sequence[int],
        conditions: ConditionInput,
        generator: Generator,
        temperature: float | None = None,
    ) -> Self:
        """Return the images of a generator."""
        bundle = {"bundle": generator.manifest.name, "digest": generator.bundle.digest}
        groups, palette = generator.conditions, generator.image.palette
        return cls(pixels, seeds, conditions, groups, bundle, temperature, palette)

    @cached_property
    def recipes(self) -> list[dict[str, Any]]:
        """Return seed, complete condition and temperature of each image.

        Seeds are strings, because JSON numbers are exact to 2^53 only.
        """
        extra = {} if self.temperature is None else {"temperature": self.temperature}
        return [
            ({"seed": str(self.seeds[index])} if len(self.seeds) else {})
            | {"condition": condition}
            | extra
            for index, condition in enumerate(self._complete_conditions())
        ]

    def file_metadata(self, recipes: Sequence[dict[str, Any]]) -> dict[str, str]:
        """Return the metadata of an image file, for `images.encode.read_metadata`."""
        return {
            "ganport.bundle": self.bundle["bundle"],
            "ganport.digest": self.bundle["digest"],
            "ganport.pictures": json.dumps(recipes),
        }

    def _complete_conditions(self) -> list[dict[str, Any]]:
        complete = self.groups.complete
        if isinstance(self.conditions, list | tuple):
            return [complete(condition) for condition in self.conditions]
        condition: Any = self.conditions
        return [complete(condition)] * len(self.pixels)


def encode(images: GeneratedImages, options: OutputOptions) -> ResponseBody:
    """Return the response body with the images in the form of checked `options`.

    `png` and `webp`: the file of one image; several files and an `index.json` in a container.
    `raw`: the bytes, with their shape in a header. `npy`: a NumPy file. `sheet`: an atlas with an
    index. A container is a zip, a multipart message, or JSON with the files as data URLs; the
    default is JSON for a sheet and zip for other files. Thread-safe.
    """
    if options.output == "raw":
        shape = ", ".join(map(str, images.pixels.shape))
        return ResponseBody(images.pixels.tobytes(), _BYTES, (("Ganport-Shape", shape),))
    if options.output == "npy":
        return _encode_npy(images.pixels)
    if options.output == "sheet":
        return _encode_sheet(images, options)
    if len(images.pixels) == 1 and options.container is None:
        texts = images.file_metadata(images.recipes)
        data = _encode_file(options, images.pixels[0], texts, images.palette)
        return ResponseBody(data, _MEDIA_TYPES[options.output])
    return _encode_files(images, options)


def describe_atlas(images: GeneratedImages, columns: int | None, image: str) -> Sheet:
    """Return the index of an atlas; `image` is the file name or the data URL of the atlas."""
    shape, recipes = images.pixels.shape, images.recipes
    return msgspec.convert(atlas_index(image, shape, recipes, images.bundle, columns), Sheet)


def _encode_npy(pixels: NDArray[np.uint8]) -> ResponseBody:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, pixels, version=(1, 0), allow_pickle=False)
    return ResponseBody(buffer.getvalue(), "application/x-npy")


def _encode_sheet(images: GeneratedImages, options: OutputOptions) -> ResponseBody:
    file_type = options.file_type
    atlas = pack_atlas(images.pixels, options.columns)
    texts = images.file_metadata(images.recipes)
    data = _encode_file(options, atlas, texts, images.palette)
    if options.container in (None, "json"):
        url = _data_url(file_type, data)
        return _encode_json(describe_atlas(images, options.columns, url))
    name = f"sheet.{file_type}"
    index = _json_part("sheet.json", describe_atlas(images, options.columns, name))
    parts = [index, FilePart(name, _MEDIA_TYPES[file_type], data)]
    return zip_parts(parts) if options.container == "zip" else multipart(parts, "related")


def _encode_files(images: GeneratedImages, options: OutputOptions) -> ResponseBody:
    file_type = options.output
    files = [
        _encode_file(options, pixels, images.file_metadata([recipe]), images.palette)
        for pixels, recipe in zip(images.pixels, images.recipes, strict=True)
    ]
    if options.container == "json":
        return _encode_json(_index(images, [_data_url(file_type, data) for data in files]))
    digits = max(3, len(str(len(files) - 1)))
    names = [f"{index:0{digits}}.{file_type}" for index in range(len(files))]
    parts = [_json_part("index.json", _index(images, names))]
    parts += [
        FilePart(name, _MEDIA_TYPES[file_type], data)
        for name, data in zip(names, files, strict=True)
    ]
    return multipart(parts, "mixed") if options.container == "multipart" else zip_parts(parts)


def _index(images: GeneratedImages, names: Sequence[str]) -> Index:
    recipes = zip(names, images.recipes, strict=True)
    return Index(pictures=[IndexEntry(name, **recipe) for name, recipe in recipes], **images.bundle)


def _encode_file(
    options: OutputOptions,
    pixels: NDArray[np.uint8],
    texts: dict[str, str],
    palette: tuple[str, ...],
) -> bytes:
    if options.file_type == "png":
        return png_bytes(pixels, texts, palette)
    return encode_webp([pixels], texts, options.quality, fast=True)


def _encode_json(value: Struct) -> ResponseBody:
    return ResponseBody(msgspec.json.encode(value), _JSON)


def _json_part(name: str, value: Struct) -> FilePart:
    return FilePart(name, _JSON, msgspec.json.encode(value))


def _data_url(file_type: str, data: bytes) -> str:
    return f"data:{_MEDIA_TYPES[file_type]};base64,{base64.b64encode(data).decode()}"
