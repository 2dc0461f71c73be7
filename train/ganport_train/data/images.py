"""Decode image files to pixels of one size, one file or a whole dataset on several threads.

Progress bars appear on stderr, here and for other long work.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Literal, NoReturn, TypeVar
from warnings import catch_warnings, simplefilter

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from ganport_runtime.devices.onnxruntime_session import available_cpu_count
from ganport_runtime.errors import RequestError
from ganport_runtime.images.decode import (
    MAX_BYTES,
    LoadedImage,
    center_crop,
    drop_alpha,
    load_image,
    resize,
    to_mode,
)
from ganport_train.data.color_modes import Pixels, convert_mode
from ganport_train.data.file_formats import readable_formats
from ganport_train.data.image_options import AUTO, ImageOptions
from ganport_train.data.issues import EntryError, attempt
from ganport_train.data.pixel_art import PROBED_IMAGES, PixelArtProbe, scale_pixels
from ganport_train.data.source import Source

Item = TypeVar("Item")


def progress_bar(title: str, total: int, unit: str) -> tqdm[NoReturn]:
    """Return a bar that the caller updates; it appears after a second, on a terminal only."""
    # tqdm takes None as "disable the bar unless stderr is a terminal".
    return tqdm(total=total, desc=title, unit=f" {unit}", disable=None, leave=False, delay=1)


def track(items: Iterable[Item], title: str, total: int, unit: str) -> Iterator[Item]:
    """Yield `items`, of which there are `total`, and show a bar on a terminal."""
    with progress_bar(title, total, unit) as bar:
        for item in items:
            yield item
            bar.update()


def track_blocks(total: int, size: int, title: str, unit: str) -> Iterator[slice[int, int, None]]:
    """Yield the slices of `size` items that cover `total` items, and show a bar.

    The last slice is shorter if `size` does not divide `total`. The bar advances by the items of a
    slice when the caller asks for the next one.
    """
    with progress_bar(title, total, unit) as bar:
        for start in range(0, total, size):
            stop = min(start + size, total)
            yield slice(start, stop)
            bar.update(stop - start)


THUMBNAIL_SIZE = 13
"""Height and width of the thumbnail that `near_duplicates` compares."""

_RGBA = 4
_CHUNK = 32  # images that a thread decodes at a time
_CHUNKS_PER_THREAD = 8  # chunks in flight, which bounds the memory
_MAX_THREADS = 16
_REPLACE = "Replace the image or remove it and its line."

Framing = Literal["center", "full"]
"""How an image gets the aspect ratio of the set: crop its center, or squeeze the full frame."""


@dataclass(frozen=True)
class DecodedImage:
    """A decoded image.

    `pixels` is uint8 (H, W, C) with straight alpha, C being 3, or 4 if the image carries
    transparency, or that of the requested mode. `thumbnail` is uint8 (13, 13, 3) of the same frame,
    over white, and does not depend on the size. `size` is the (width, height) of the file, `format`
    one of `readable_formats`, and `frames` the number of images in the file.
    """

    pixels: Pixels
    thumbnail: NDArray[np.uint8]
    size: tuple[int, int]
    format: str
    frames: int


def decode(data: bytes, options: ImageOptions, framing: Framing = "center") -> DecodedImage:
    """Decode the first frame of an image file in one of `readable_formats`.

    Applies the EXIF orientation, frames the image as `framing` says, and scales it: pixel art as
    `scale_pixels` does, other images with an antialiasing filter. In the modes "gray" and "rgb"
    transparency is composed over white. Raises `EntryError` for another format, a corrupt file, a
    file above a limit of `ganport_runtime.images.decode`, and pixel art that does not fit.
    """
    loaded = _load(data, options)
    framed = loaded.pixels
    if options.pixelated is True:
        is_centered = framing == "center"
        pixels = scale_pixels(np.asarray(framed), options.size, is_centered=is_centered)
        framed = Image.fromarray(pixels)
    else:
        framed = center_crop(framed, options.size) if framing == "center" else framed
        pixels = resize(framed, options.size)
    if pixels.shape[2] == _RGBA:
        pixels = np.where(pixels[..., 3:] > 0, pixels, np.uint8(0))
    if options.mode != AUTO:
        pixels = convert_mode(pixels, options.mode)
    small = thumbnail(to_mode(framed, "rgb"))
    return DecodedImage(pixels, small, loaded.size, loaded.format, loaded.frames)


def _load(data: bytes, options: ImageOptions) -> LoadedImage:
    """Return an RGB image, or an RGBA one that carries transparency which the mode keeps."""
    mode = "rgba" if options.mode in (AUTO, "rgba") else "rgb"
    try:
        loaded = load_image(data, formats=readable_formats(), mode=mode)
    except RequestError as error:
        raise EntryError(error.expected, error.found, _REPLACE) from error
    return replace(loaded, pixels=drop_alpha(loaded.pixels))


def probe_pixel_art(
    source: Source, names: Sequence[str], options: ImageOptions, framing: Framing
) -> PixelArtProbe:
    """Look at some of the image files, which decide whether they are pixel art."""
    probe = PixelArtProbe(options.size, is_centered=framing == "center")
    step = max(1, len(names) // PROBED_IMAGES)
    with decoding_warnings():
        for name in names[::step][:PROBED_IMAGES]:
            with suppress(EntryError):
                probe.add(_load(source.read(name, MAX_BYTES), options).pixels)
    return probe


def thumbnail(image: Image.Image) -> NDArray[np.uint8]:
    """Return an RGB image box-filtered to uint8 (13, 13, 3)."""
    size = (THUMBNAIL_SIZE, THUMBNAIL_SIZE)
    return np.asarray(image.resize(size, Image.Resampling.BOX))


def decode_all(
    source: Source, names: Sequence[str], options: ImageOptions, framing: Framing
) -> Generator[DecodedImage | EntryError]:
    """Decode the image files `names` of a source, in order.

    Yields the image, or the error that prevents it. Close the generator if you do not exhaust it:
    it holds threads and warning filters.
    """

    def decode_file(name: str) -> DecodedImage:
        return decode(source.read(name, MAX_BYTES), options, framing)

    def decode_chunk(names: Sequence[str]) -> list[DecodedImage | EntryError]:
        return [attempt(decode_file, name) for name in names]

    chunks = (names[i : i + _CHUNK] for i in range(0, len(names), _CHUNK))
    pending: deque[Future[list[DecodedImage | EntryError]]] = deque()
    threads = min(available_cpu_count(), _MAX_THREADS)
    # Pillow releases the interpreter lock while it decodes, so threads are enough.
    pool = ThreadPoolExecutor(threads)
    with decoding_warnings(), progress_bar("decoding", len(names), "images") as bar:
        try:
            for chunk in chunks:
                pending.append(pool.submit(decode_chunk, chunk))
                if len(pending) > _CHUNKS_PER_THREAD * threads:
                    yield from (done := pending.popleft().result())
                    bar.update(len(done))
            while pending:
                yield from (done := pending.popleft().result())
                bar.update(len(done))
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def decoding_warnings() -> Iterator[None]:
    """Ignore warnings about metadata and raise those about decompression bombs.

    Warning filters belong to the process, so enter this once for a whole load.
    """
    with catch_warnings():
        simplefilter("ignore", UserWarning)
        simplefilter("error", Image.DecompressionBombWarning)
        yield
