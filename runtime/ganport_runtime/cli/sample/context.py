"""The context of a `sample-gan` command: generator, seeds or source images, output file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganport_runtime.cli.sample.spec import ImageSpec, Reproducible, SourceImage
from ganport_runtime.conditions import ConditionRequest, Conditions
from ganport_runtime.errors import RequestError
from ganport_runtime.files import check_output
from ganport_runtime.generation.interpolation import spherical
from ganport_runtime.generator import Generator
from ganport_runtime.images.animation import (
    ANIMATION_SUFFIXES,
    Timing,
    check_pixels,
    save_animation,
)
from ganport_runtime.images.background import CHECKER, NONE, check_background, compose
from ganport_runtime.images.encode import IMAGE_SUFFIXES, save_image, to_image
from ganport_runtime.images.sheet import make_sheet
from ganport_runtime.noise import seed_range

MAX_COUNT = 4096
"""Largest number of images on one sheet."""
_WIDTHS = {1: 256, 12: 128}
"""Approximate width of an image, by the largest number of columns."""
_MIN_WIDTH = 64
_MAX_COLUMNS = 12


@dataclass(frozen=True)
class Output:
    """An output file; raises `RequestError` for options that do not fit its format."""

    path: Path
    animate: bool
    fps: float | None = None
    quality: int | None = None
    dither: bool = True

    def __post_init__(self) -> None:
        suffix = self.path.suffix.lower()
        if suffix == ".gif" and not self.animate:
            raise RequestError(str(self.path), "a .png or .webp", "a .gif", "Add --animate.")
        check_output(self.path, ANIMATION_SUFFIXES if self.animate else IMAGE_SUFFIXES)
        if self.fps is not None and not self.animate:
            raise RequestError("--fps", "the option --animate", "no --animate", "Add --animate.")
        if self.quality is not None and suffix != ".webp":
            raise RequestError("--quality", "a .webp", f"a {suffix}", "Leave --quality out.")
        if not self.dither and suffix != ".gif":
            raise RequestError("--no-dither", "a .gif", f"a {suffix}", "Leave --no-dither out.")

    def save(
        self,
        pages: Sequence[Image.Image],
        metadata: Mapping[str, str],
        *,
        fps: float,
        hold: float = 0.0,
        palette: Sequence[str] = (),
    ) -> str:
        """Write one page, or pages as the frames of an animation; return a description.

        `palette` is that of `encode_png`, for one page.
        """
        first = pages[0]
        if not self.animate:
            save_image(first, self.path, metadata, self.quality, palette)
            return f"{self.path}: {first.width} x {first.height}"
        timing = Timing(self.fps or fps, hold)
        size = save_animation(
            pages, self.path, timing, metadata, quality=self.quality, dither=self.dither
        )
        return f"{self.path}: {size[0]} x {size[1]}, {len(pages)} frames"


@dataclass(frozen=True)
class SampleContext:
    """Everything that the commands share."""

    generator: Generator
    output: Output
    seeds: list[int]
    scale: int | None
    sources: tuple[SourceImage, ...] = ()
    background: str | None = None
    """What transparent images lie over; None for the default."""

    def __post_init__(self) -> None:
        if self.background is not None:
            check_background(self.background)
            if (mode := self.generator.image.mode) != "rgba":
                found, fix = f"{mode} images", "Leave --background out."
                raise RequestError("--background", "a bundle of rgba images", found, fix)

    @property
    def name(self) -> str:
        """Name of the bundle."""
        return self.generator.manifest.name

    @property
    def conditions(self) -> Conditions:
        """Condition groups of the bundle."""
        return self.generator.conditions

    @property
    def origin(self) -> str:
        """Sources of the images: `from a.png`, `seed 5`, `seeds 5 to 8` or `seeds 3, 8, 21`."""
        if self.sources:
            names = ", ".join(source.name for source in self.sources[:3])
            rest = len(self.sources) - 3
            return f"from {names} and {rest} more" if rest > 0 else f"from {names}"
        first, count = self.seeds[0], len(self.seeds)
        if count == 1:
            return f"seed {first}"
        if count > 2 and self.seeds == seed_range(first, count):
            return f"seeds {first} to {self.seeds[-1]}"
        return f"seeds {', '.join(map(str, self.seeds))}"

    def title(self, *parts: str) -> str:
        """Return the title of a page: the bundle, the non-empty parts, and the origin."""
        return f"{self.name}: {', '.join(part for part in (*parts, self.origin) if part)}"

    def resolve_scale(self, columns: int) -> int:
        """Return the requested scale, or a scale that suits the number of columns."""
        width = next((width for limit, width in _WIDTHS.items() if columns <= limit), _MIN_WIDTH)
        return self.scale or max(1, round(width / self.generator.manifest.image.size[1]))

    def generate(self, specs: Sequence[ImageSpec]) -> NDArray[np.uint8]:
        """Return the images (N, H, W, C) of the specifications."""
        check_count(len(specs))
        requests = [spec.request for spec in specs]
        if all(spec.to_seed is None for spec in specs):
            return self.generator.generate(requests, seeds=[spec.seed for spec in specs])
        return self.generator.generate(requests, z=np.stack([self._noise(s) for s in specs]))

    def encode_sources(self, request: ConditionRequest) -> NDArray[np.float32]:
        """Return the noise of each source image under one request."""
        pixels = np.stack([source.pixels for source in self.sources])
        return self.generator.encode(pixels, request)

    def save_table(
        self,
        images: NDArray[np.uint8],
        specs: Sequence[Reproducible],
        *,
        rows: Sequence[str],
        columns: Sequence[str],
        title: str,
        axes: tuple[str, str] | None = None,
        fps: float = 1.5,
    ) -> None:
        """Write a sheet of rows by columns, or an animation with one frame per column."""
        if self.output.animate:
            footers = [f"{axes[1]}: {label}" for label in columns] if axes else columns
            self._save_frames(images, specs, rows, footers, title, fps)
            return
        labels: dict[str, Any] = {"row_labels": rows, "column_labels": columns, "axes": axes}
        self.save([self._page(images, len(columns), title, **labels)], specs)

    def save_unlabeled(self, pixels: NDArray[np.uint8], specs: Sequence[Reproducible]) -> None:
        """Write a page (H, W, C) as it is: with its transparency unless there is a background."""
        if self.background not in (None, NONE):
            pixels = compose(pixels, self.background)
        self.save([to_image(pixels)], specs, palette=self.generator.image.palette)

    def save_sheet(
        self,
        images: NDArray[np.uint8],
        specs: Sequence[Reproducible],
        captions: Sequence[str],
        title: str,
    ) -> None:
        """Write a nearly square sheet with a caption below each image."""
        page = self._page(images, square_columns(len(images)), title, captions=captions)
        self.save([page], specs)

    def save(
        self,
        pages: Sequence[Image.Image],
        specs: Sequence[Reproducible],
        fps: float = 1.5,
        palette: Sequence[str] = (),
    ) -> None:
        """Write pages, with metadata that says how to generate each of their images again."""
        entries = [spec.to_metadata(self.conditions) for spec in specs]
        metadata = {
            "ganport.bundle": self.name,
            "ganport.digest": self.generator.bundle.digest,
            "ganport.pictures": json.dumps(entries, ensure_ascii=False),
        }
        description = self.output.save(pages, metadata, fps=fps, palette=palette)
        count = "1 image" if len(specs) == 1 else f"{len(specs)} images"
        click.echo(f"{description}, {count}, {self.origin}, generated on {self.generator.device}")

    def _page(
        self, images: NDArray[np.uint8], columns: int, title: str, **labels: Any
    ) -> Image.Image:
        scale, background = self.resolve_scale(columns), self.background or CHECKER
        return make_sheet(
            images, columns, scale=scale, title=title, background=background, **labels
        )

    def _save_frames(
        self,
        images: NDArray[np.uint8],
        specs: Sequence[Reproducible],
        rows: Sequence[str],
        labels: Sequence[str],
        title: str,
        fps: float,
    ) -> None:
        columns = len(rows) if len(rows) < 5 else square_columns(len(rows))

        captions = rows if len(rows) > 1 else None

        def render_frame(index: int) -> Image.Image:
            frame, footer = images[index :: len(labels)], labels[index]
            # A footer is below the images, so that their position is constant.
            return self._page(frame, columns, title, captions=captions, footer=footer)

        first = render_frame(0)
        check_pixels([first.size] * len(labels))  # before all frames are in memory
        frames = [first, *map(render_frame, range(1, len(labels)))]
        by_frame = [spec for index in range(len(labels)) for spec in specs[index :: len(labels)]]
        self.save(frames, by_frame, fps)

    def _noise(self, spec: ImageSpec) -> NDArray[np.float32]:
        to_seed = spec.seed if spec.to_seed is None else spec.to_seed
        start, end = self.generator.noise([spec.seed, to_seed])
        noise: NDArray[np.float32] = spherical(start, end, [spec.t])[0]
        return noise


def check_count(images: int) -> None:
    """Raise `RequestError` for more images than a sheet may contain."""
    if images > MAX_COUNT:
        fix = "Request fewer, or generate them in Python with Generator.generate."
        raise RequestError("sheet", f"at most {MAX_COUNT} images on a sheet", f"{images}", fix)


def square_columns(count: int) -> int:
    """Return the number of columns of a nearly square page, at most 12."""
    return min(_MAX_COLUMNS, math.ceil(math.sqrt(count)))


def even_fractions(count: int) -> list[float]:
    """Return `count` evenly spaced fractions from 0 to 1."""
    return [index / (count - 1) for index in range(count)]
