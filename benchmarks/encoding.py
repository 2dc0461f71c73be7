"""Compare the image files of `serve-gan` with those of Pillow: time and size.

`python benchmarks/encoding.py` prints Markdown for 64 faces of the starter bundle: one file per
face with the metadata of the service, and one atlas. One core, interleaved, medians.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import cycle, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from system_info import describe_system
from timing import compare_interleaved

from ganport_runtime import Generator
from ganport_runtime.images.atlas import pack_atlas
from ganport_runtime.images.encode import encode_webp
from ganport_runtime.service.encoding import GeneratedImages
from ganport_runtime.service.outputs import png_bytes

Encode = Callable[[NDArray[np.uint8]], bytes]

_COUNT = 64
_ROUNDS = 9


def rows() -> Iterator[str]:
    """Yield the lines of the table."""
    faces, texts = _generate_faces()
    yield "\n| file | encoder | time per image | bytes | ratio (quartiles) |"
    yield "|---|---|---|---|---|"
    for title, ours, others in (
        ("PNG", partial(png_bytes, texts=texts), _pngs(texts)),
        ("WebP, lossless", partial(_webp, texts=texts), _webps(texts, lossless=True)),
        ("WebP, 80", partial(_webp, texts=texts, quality=80), _webps(texts, quality=80)),
    ):
        yield from _table(f"face, {title}", faces, ours, others)
    atlas = pack_atlas(faces, None)[None]
    yield from _table("64 faces, PNG", atlas, partial(png_bytes, texts=texts), _pngs(texts))


def _generate_faces() -> tuple[NDArray[np.uint8], dict[str, str]]:
    """Return faces of all hair colors, uint8 (64, 64, 64, 3), and the metadata of the first."""
    starter = Generator.load("starter", "cpu")
    colors = [{"hair": label} for label in starter.conditions.fields["hair"].labels]
    conditions = list(islice(cycle(colors), _COUNT))
    seeds = range(_COUNT)
    images = GeneratedImages.of(
        starter.generate(conditions, seeds=seeds), seeds, conditions, starter
    )
    return images.pixels, images.file_metadata(images.recipes[:1])


def _pngs(texts: Mapping[str, str]) -> dict[str, Encode]:
    info = PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    return {
        "Pillow": partial(_save, format="PNG", pnginfo=info),
        "Pillow, compress_level=1": partial(_save, format="PNG", pnginfo=info, compress_level=1),
    }


def _webp(image: NDArray[np.uint8], texts: dict[str, str], quality: int | None = None) -> bytes:
    return encode_webp([image], texts, quality, fast=True)


def _webps(texts: Mapping[str, str], **options: Any) -> dict[str, Encode]:
    exif = Image.Exif()
    exif[0x010E] = json.dumps(dict(texts))  # ImageDescription
    options |= {"exif": exif.tobytes()}
    return {
        "Pillow": partial(_save, format="WEBP", **options),
        "Pillow, method=0": partial(_save, format="WEBP", method=0, **options),
    }


def _save(image: NDArray[np.uint8], **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, **options)
    return buffer.getvalue()


def _table(
    title: str, images: NDArray[np.uint8], ours: Encode, others: Mapping[str, Encode]
) -> Iterator[str]:
    encoders = {"ours": ours, **others}
    runs = {name: partial(_encode_all, encode, images) for name, encode in encoders.items()}
    comparisons = compare_interleaved(title, runs.pop("ours"), runs, _ROUNDS)
    first = next(iter(comparisons.values()))
    yield _row(title, "ours", first.ours, images, ours, "")
    for (name, comparison), other in zip(comparisons.items(), others.values(), strict=True):
        low, high = comparison.spread
        ratio = f"{comparison.ratio:.2f} ({low:.2f} to {high:.2f})"
        yield _row(title, name, comparison.other, images, other, ratio)


def _row(
    title: str, name: str, seconds: float, images: NDArray[np.uint8], encode: Encode, ratio: str
) -> str:
    size = sum(map(len, _encode_all(encode, images))) // len(images)
    return f"| {title} | {name} | {1e3 * seconds / len(images):.3f} ms | {size:,} | {ratio} |"


def _encode_all(encode: Encode, images: NDArray[np.uint8]) -> list[bytes]:
    return [encode(image) for image in images]


if __name__ == "__main__":
    print(describe_system())
    for row in rows():
        print(row, flush=True)
