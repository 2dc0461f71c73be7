"""Animations: frames of one size as a GIF or WebP file that says how it was made."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.cli.launch import require
from ganport_runtime.errors import RequestError
from ganport_runtime.files import atomic_write, check_output
from ganport_runtime.images.encode import encode_webp
from ganport_runtime.images.sheet import INK, PAPER

if TYPE_CHECKING:
    from PIL import Image

ANIMATION_SUFFIXES = (".gif", ".webp")
MAX_PIXELS = 1 << 27
"""Of all frames together: they are held in memory."""
_ASKED = 12  # frames the shared palette is made from
_CELLS = 32  # steps of a channel told apart there
_CELL = 256 // _CELLS
_COLOURS = 255  # one of 256 is left for what stays as it was


@dataclass(frozen=True)
class Timing:
    """How long frames are shown: `fps` of them a second, the last one for `hold` seconds."""

    fps: float
    hold: float = 0.0

    def milliseconds(self, count: int) -> list[int]:
        """The time of each of `count` frames, in the hundredths of a second that GIF counts."""
        one = max(2, round(100 / self.fps)) * 10
        return [one] * (count - 1) + [max(one, round(100 * self.hold) * 10)]


def save_animation(
    frames: Sequence[Image.Image],
    path: Path,
    timing: Timing,
    metadata: Mapping[str, str] | None = None,
    *,
    quality: int | None = None,
    dither: bool = True,
) -> tuple[int, int]:
    """Write RGB frames as an endless GIF or WebP, whole or not at all; its (width, height).

    Smaller frames stand at the top left of the largest size, on paper. A GIF has one palette for
    all frames, made from some of them, and `dither` lets it mix colours it lacks; a WebP is
    lossless, or lossy of `quality` 1 to 100. Raises `RequestError` for another suffix and for
    more than 2^27 pixels.
    """
    require("tools", ("PIL",))
    check_output(path, ANIMATION_SUFFIXES)
    check_pixels([frame.size for frame in frames])
    pages = pad_to_largest(frames)
    times = timing.milliseconds(len(pages))
    if path.suffix.lower() == ".gif":
        atomic_write(path, _gif_bytes(pages, metadata or {}, times, dither))
    else:
        atomic_write(path, encode_webp(pages, metadata, quality, times))
    return pages[0].size


def check_pixels(sizes: Sequence[tuple[int, int]]) -> None:
    """Raise `RequestError` where frames of these sizes (width, height) would be too many."""
    width, height = largest_size(sizes)
    total = width * height * len(sizes)
    if total > MAX_PIXELS:
        raise RequestError(
            "animation",
            expected=f"frames of {MAX_PIXELS:,} pixels in all at most",
            found=f"{len(sizes)} of {width} x {height}",
            fix=f"Take one frame of {-(-total // MAX_PIXELS)}, or smaller ones.",
        )


def largest_size(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The (width, height) that every one of `sizes` fits into."""
    return max(width for width, _ in sizes), max(height for _, height in sizes)


def pad_to_largest(frames: Sequence[Image.Image]) -> list[Image.Image]:
    """The frames on paper of one size."""
    from PIL import Image

    size = largest_size([frame.size for frame in frames])
    pages = []
    for frame in frames:
        page = frame
        if frame.size != size:
            page = Image.new("RGB", size, PAPER)
            page.paste(frame, (0, 0))
        pages.append(page)
    return pages


def _gif_bytes(
    pages: Sequence[Image.Image],
    metadata: Mapping[str, str],
    milliseconds: Sequence[int],
    dither: bool,
) -> bytes:
    from PIL import Image

    palette = _shared_palette(pages)
    way = Image.Dither.FLOYDSTEINBERG if dither else Image.Dither.NONE
    first, *rest = (page.quantize(palette=palette, dither=way) for page in pages)
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
    )
    return buffer.getvalue()


def _shared_palette(pages: Sequence[Image.Image]) -> Image.Image:
    from PIL import Image

    asked = (*pages[:: -(-len(pages) // _ASKED)], pages[-1])
    colours = _colours(np.concatenate([np.asarray(page).reshape(-1, 3) for page in asked]))
    adapted = Image.fromarray(colours[:, None]).quantize(
        _COLOURS - 2, Image.Quantize.MEDIANCUT, kmeans=2
    )
    palette = Image.new("P", (1, 1))
    palette.putpalette([*PAPER, *INK, *(adapted.getpalette() or [])])
    return palette


def _colours(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The mean of the uint8 (N, 3) pixels in each cell of colours that holds any."""
    # Each cell counts once, however much of it there is: a face must not lose its blues to the
    # paper around it.
    cells = (pixels // _CELL) @ np.array([_CELLS**2, _CELLS, 1], np.int64)
    counts = np.bincount(cells, minlength=_CELLS**3)
    sums = [np.bincount(cells, channel, minlength=_CELLS**3) for channel in pixels.T]
    found = counts > 0
    means: NDArray[np.uint8] = np.rint(np.array(sums)[:, found] / counts[found]).astype(np.uint8)
    return np.ascontiguousarray(means.T)
