"""Where the pictures of a command go: the file, and how an animation of them runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click
from PIL import Image

from ganport_runtime.errors import RequestError
from ganport_runtime.files import check_output
from ganport_runtime.images.animation import ANIMATION_SUFFIXES, Timing, save_animation
from ganport_runtime.images.encode import IMAGE_SUFFIXES, save_image


@dataclass(frozen=True)
class Output:
    """A file to write, checked before anything is drawn for it."""

    path: Path
    animate: bool
    fps: float | None = None
    quality: int | None = None
    dither: bool = True

    def __post_init__(self) -> None:
        suffix = self.path.suffix.lower()
        if suffix == ".gif" and not self.animate:
            raise _refuse(str(self.path), "a .png or .webp", "a .gif", "Add --animate.")
        check_output(self.path, ANIMATION_SUFFIXES if self.animate else IMAGE_SUFFIXES)
        if self.fps is not None and not self.animate:
            raise _refuse("--fps", "--animate as well", "none", "Add --animate.")
        if self.quality is not None and suffix != ".webp":
            raise _refuse("--quality", "a .webp to write", f"a {suffix}", "Leave --quality out.")
        if not self.dither and suffix != ".gif":
            raise _refuse("--no-dither", "a .gif to write", f"a {suffix}", "Leave it out.")

    def save(
        self,
        pages: Sequence[Image.Image],
        metadata: Mapping[str, str],
        *,
        fps: float,
        hold: float = 0.0,
    ) -> str:
        """Write one page, or pages as the frames of an animation; what it is, in words."""
        first = pages[0]
        if not self.animate:
            save_image(first, self.path, metadata, self.quality)
            return f"{self.path}: {first.width} x {first.height}"
        timing = Timing(self.fps or fps, hold)
        size = save_animation(
            pages, self.path, timing, metadata, quality=self.quality, dither=self.dither
        )
        return f"{self.path}: {size[0]} x {size[1]}, {len(pages)} frames"


def written(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of its output file and hand it an `Output` in their place."""

    @click.option(
        "--out", "path", required=True, type=click.Path(path_type=Path), help="File to write."
    )
    @click.option("--fps", type=click.FloatRange(0.1, 50), help="Frames a second of an animation.")
    @click.option(
        "--quality",
        type=click.IntRange(1, 100),
        help="Of a lossy WebP; without it a WebP is lossless.",
    )
    @click.option("--dither/--no-dither", default=True, help="Whether a GIF mixes its 256 colours.")
    @wraps(command)
    def start(
        path: Path,
        fps: float | None,
        quality: int | None,
        dither: bool,
        animate: bool = True,
        **own: Any,
    ) -> None:
        command(Output(path, animate, fps, quality, dither), **own)

    return start


def _refuse(place: str, expected: str, found: str, fix: str) -> RequestError:
    return RequestError(place, expected=expected, found=found, fix=fix)
