"""Animations: frames of one size as a GIF or WebP file with metadata."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions.colors import channels
from ganport_runtime.errors import RequestError, require_packages
from ganport_runtime.files import atomic_write, check_output
from ganport_runtime.images.encode import encode_webp
from ganport_runtime.images.pixels import ALPHA_THRESHOLD, index_colors
from ganport_runtime.images.sheet import INK, PAPER

if TYPE_CHECKING:
    from PIL import Image

ANIMATION_SUFFIXES = (".gif", ".webp")
MAX_PIXELS = 1 << 27
"""The limit for all frames together, which are held in memory."""
_PALETTE_FRAMES = 12  # frames that the shared palette is made from
_LEVELS = 32  # levels per channel of the color histogram
_LEVEL_SIZE = 256 // _LEVELS
_PALETTE_SIZE = 255  # of 256; one entry marks unchanged or transparent pixels
_TRANSPARENT = 255


@dataclass(frozen=True)
class Timing:
    """Frame times: `fps` frames a second, the last frame for `hold` seconds."""

    fps: float
    hold: float = 0.0

    def milliseconds(self, count: int) -> list[int]:
        """Return the time of each of `count` frames, in multiples of GIF's 10 ms."""
        frame = max(2, round(100 / self.fps)) * 10
        return [frame] * (count - 1) + [max(frame, round(100 * self.hold) * 10)]


def save_animation(
    frames: Sequence[Image.Image],
    path: Path,
    timing: Timing,
    metadata: Mapping[str, str] | None = None,
    *,
    quality: int | None = None,
    dither: bool = True,
) -> tuple[int, int]:
    """Write RGB or RGBA frames atomically as a looping GIF or WebP; return its (width, height).

    Smaller frames are placed at the top left of the largest size. A GIF has one palette for all
    frames: their own colors if it holds all of them, else approximations, which `dither` mixes. Its
    pixels are opaque or transparent. A WebP is lossless, or lossy with `quality` 1 to 100. Raises
    `RequestError` for another suffix and for more than 2^27 pixels.
    """
    require_packages("tools", ("PIL",))
    check_output(path, ANIMATION_SUFFIXES)
    check_pixels([frame.size for frame in frames])
    pages = _pad(frames)
    times = timing.milliseconds(len(pages))
    if path.suffix.lower() == ".gif":
        atomic_write(path, _encode_gif(pages, metadata or {}, times, dither))
    else:
        atomic_write(path, encode_webp(pages, metadata, quality, times))
    return pages[0].size


def check_pixels(sizes: Sequence[tuple[int, int]]) -> None:
    """Raise `RequestError` if frames of these sizes (width, height) exceed the pixel limit."""
    width, height = _largest_size(sizes)
    total = width * height * len(sizes)
    if total > MAX_PIXELS:
        raise RequestError(
            "animation",
            f"frames of at most {MAX_PIXELS:,} pixels in total",
            f"{len(sizes)} of {width} x {height}",
            f"Use one frame of {-(-total // MAX_PIXELS)}, or smaller ones.",
        )


def _largest_size(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the (width, height) that all `sizes` fit into."""
    return max(width for width, _ in sizes), max(height for _, height in sizes)


def _pad(frames: Sequence[Image.Image]) -> list[Image.Image]:
    """Return the frames padded to one size, with paper or transparency."""
    from PIL import Image

    size = _largest_size([frame.size for frame in frames])
    is_transparent = any(frame.mode == "RGBA" for frame in frames)
    mode, paper = ("RGBA", (0, 0, 0, 0)) if is_transparent else ("RGB", PAPER)
    pages = []
    for frame in frames:
        page = Image.new(mode, size, paper)
        page.paste(frame, (0, 0))
        pages.append(page)
    return pages


def _encode_gif(
    pages: Sequence[Image.Image],
    metadata: Mapping[str, str],
    milliseconds: Sequence[int],
    dither: bool,
) -> bytes:

    first, *rest = _index_frames(pages, dither)
    # A frame of an animation with transparency replaces the one before it.
    clear = {"transparency": _TRANSPARENT, "disposal": 2} if pages[0].mode == "RGBA" else {}
    buffer = io.BytesIO()
    first.save(
        buffer,
        "GIF",
        save_all=True,
        append_images=rest,
        duration=list(milliseconds),
        loop=0,
        optimize=False,
        comment=json.dumps(dict(metadata)).encode(),
        **clear,
    )
    return buffer.getvalue()


def _index_frames(pages: Sequence[Image.Image], dither: bool) -> list[Image.Image]:
    """Return the frames in the colors of one palette, with their transparent pixels marked."""
    from PIL import Image

    colors = _exact_colors(pages)
    if colors is not None:
        return [_index_exactly(page, colors) for page in pages]
    palette = _adaptive_palette(pages)
    dithering = Image.Dither.FLOYDSTEINBERG if dither else Image.Dither.NONE
    frames = [page.convert("RGB").quantize(palette=palette, dither=dithering) for page in pages]
    for page, frame in zip(pages, frames, strict=True):
        if page.mode == "RGBA":
            hidden = np.asarray(page)[..., 3] < ALPHA_THRESHOLD
            frame.paste(_TRANSPARENT, mask=Image.fromarray(hidden))
    return frames


def _exact_colors(pages: Sequence[Image.Image]) -> list[str] | None:
    """Return all colors "#rrggbb" of the frames, or None if there are too many."""
    found = np.empty(0, np.int64)
    for page in pages:
        numbers = _visible_colors(page) @ np.array([1 << 16, 1 << 8, 1])
        found = np.union1d(found, numbers)
        if len(found) > _PALETTE_SIZE:
            return None
    return [f"#{number:06x}" for number in found.tolist()] or ["#000000"]


def _index_exactly(page: Image.Image, colors: Sequence[str]) -> Image.Image:
    # Pillow's quantize confuses colors that differ by less than four levels.
    from PIL import Image

    pixels = np.array(page)
    if pixels.shape[2] == 4:
        pixels[..., 3] = np.where(pixels[..., 3] < ALPHA_THRESHOLD, 0, 255)
    indices = index_colors(pixels, colors)
    assert indices is not None
    indices[indices == len(colors)] = _TRANSPARENT
    frame = Image.fromarray(indices)
    frame.putpalette(b"".join(bytes(channels(color)) for color in colors))
    return frame


def _adaptive_palette(pages: Sequence[Image.Image]) -> Image.Image:
    from PIL import Image

    chosen = (*pages[:: -(-len(pages) // _PALETTE_FRAMES)], pages[-1])
    colors = _distinct_colors(np.concatenate([_visible_colors(page) for page in chosen]))
    adaptive = Image.fromarray(colors[:, None]).quantize(
        _PALETTE_SIZE - 2, Image.Quantize.MEDIANCUT, kmeans=2
    )
    palette = Image.new("P", (1, 1))
    palette.putpalette([*PAPER, *INK, *(adaptive.getpalette() or [])])
    return palette


def _visible_colors(page: Image.Image) -> NDArray[np.uint8]:
    """Return the uint8 (N, 3) colors of the pixels that a GIF shows."""
    pixels = np.asarray(page)
    flat = pixels.reshape(-1, pixels.shape[2])
    return flat[:, :3] if flat.shape[1] == 3 else flat[flat[:, 3] >= ALPHA_THRESHOLD, :3]


def _distinct_colors(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the mean of the uint8 (N, 3) pixels in each occupied cell of the color histogram.

    Each cell counts once, whatever its area: the paper must not displace the colors of a face.
    """
    cells = (pixels // _LEVEL_SIZE) @ np.array([_LEVELS**2, _LEVELS, 1], np.int64)
    counts = np.bincount(cells, minlength=_LEVELS**3)
    sums = [np.bincount(cells, channel, minlength=_LEVELS**3) for channel in pixels.T]
    used = counts > 0
    means: NDArray[np.uint8] = np.rint(np.array(sums)[:, used] / counts[used]).astype(np.uint8)
    return np.ascontiguousarray(means.T)
