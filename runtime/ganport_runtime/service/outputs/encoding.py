"""`encode`: pictures in, the body of an answer out."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions.encoder import ConditionInput
from ganport_runtime.generator import Generator
from ganport_runtime.service.outputs.atlas import index_of, page_of
from ganport_runtime.service.outputs.fast_png import png_bytes, webp_bytes
from ganport_runtime.service.outputs.formats import check_output
from ganport_runtime.service.outputs.generated import Drawing
from ganport_runtime.service.outputs.parts import Encoded, Part, multipart, zipped

SHAPE_HEADER = "Ganport-Shape"
_BYTES, _JSON = "application/octet-stream", "application/json"
_MEDIA_TYPES = {"png": "image/png", "webp": "image/webp"}


def encode(
    output: str,
    images: NDArray[np.uint8],
    seeds: Sequence[int],
    requests: ConditionInput,
    *,
    generator: Generator,
    container: str | None = None,
    columns: int | None = None,
    quality: int | None = None,
    temperature: float | None = None,
) -> Encoded:
    """The body that holds pictures, uint8 (N, H, W, 3), as `output`.

    `png` and `webp`: the file of one picture; of several a zip of files with an `index.json`, or
    multipart/mixed. `raw`: the bytes, row by row, shape in a header. `npy`: numpy's file.
    `sheet`: an atlas with an index in JSON, the picture inside it as a data URL; as zip or
    multipart/related both are files. `container` None takes the first of these. `quality`, 1 to
    100, makes WebP lossy, and the picture of a sheet a WebP. `seeds` and `requests` go into
    picture files and indices, so that every picture can be drawn again. Container `json` holds
    single files as data URLs too.
    Raises `RequestError` as `check_output` does. May be called from several threads.
    """
    size = (images.shape[1], images.shape[2])
    check_output(output, len(images), size, container=container, columns=columns, quality=quality)
    if output == "raw":
        return _raw(images)
    if output == "npy":
        return _npy(images)
    drawing = Drawing(images, seeds, requests, generator, temperature)
    if output == "sheet":
        return _sheet(drawing, container or "json", columns, quality)
    if len(images) == 1 and container is None:
        data = _file(output, images[0], drawing.texts(drawing.recipes), quality)
        return Encoded(data, _MEDIA_TYPES[output])
    return _files(drawing, output, container or "zip", quality)


def _raw(images: NDArray[np.uint8]) -> Encoded:
    shape = ", ".join(map(str, images.shape))
    return Encoded(images.tobytes(), _BYTES, {SHAPE_HEADER: shape})


def _npy(images: NDArray[np.uint8]) -> Encoded:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, images, version=(1, 0), allow_pickle=False)
    return Encoded(buffer.getvalue(), "application/x-npy")


def _sheet(drawing: Drawing, container: str, columns: int | None, quality: int | None) -> Encoded:
    form = "png" if quality is None else "webp"
    page = page_of(drawing.images, columns)
    data = _file(form, page, drawing.texts(drawing.recipes), quality)
    if container == "json":
        return _json(index_of(drawing, columns, _data_url(form, data)))
    index = index_of(drawing, columns, f"sheet.{form}")
    return _packed(
        [_json_part("sheet.json", index), Part(f"sheet.{form}", _MEDIA_TYPES[form], data)],
        container,
        "related",
    )


def _files(drawing: Drawing, form: str, container: str, quality: int | None) -> Encoded:
    digits = max(3, len(str(len(drawing) - 1)))
    files = [
        _file(form, image, drawing.texts([recipe]), quality)
        for image, recipe in zip(drawing.images, drawing.recipes, strict=True)
    ]
    json_form = container == "json"
    names = [
        _data_url(form, data) if json_form else f"{index:0{digits}}.{form}"
        for index, data in enumerate(files)
    ]
    index = _index(drawing, names)
    if json_form:
        return _json(index)
    parts = [Part(name, _MEDIA_TYPES[form], data) for name, data in zip(names, files, strict=True)]
    return _packed([_json_part("index.json", index), *parts], container, "mixed")


def _index(drawing: Drawing, names: Sequence[str]) -> dict[str, Any]:
    pictures = [
        {"image": name, **recipe} for name, recipe in zip(names, drawing.recipes, strict=True)
    ]
    return {"bundle": drawing.name, "digest": drawing.digest, "pictures": pictures}


def _file(
    form: str, image: NDArray[np.uint8], texts: Mapping[str, str], quality: int | None
) -> bytes:
    return png_bytes(image, texts) if form == "png" else webp_bytes(image, texts, quality)


def _packed(parts: Sequence[Part], container: str, kind: str) -> Encoded:
    return zipped(parts) if container == "zip" else multipart(parts, kind)


def _json(value: dict[str, Any]) -> Encoded:
    return Encoded(msgspec.json.encode(value), _JSON)


def _json_part(name: str, value: dict[str, Any]) -> Part:
    return Part(name, _JSON, msgspec.json.encode(value))


def _data_url(form: str, data: bytes) -> str:
    return f"data:{_MEDIA_TYPES[form]};base64,{base64.b64encode(data).decode()}"
