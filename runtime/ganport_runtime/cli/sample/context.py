"""What every way of drawing has in common: a generator, seeds or pictures, a file, a table."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganport_runtime.cli.sample.output import Output
from ganport_runtime.cli.sample.spec import Made, Shot, Source
from ganport_runtime.conditions import ConditionRequest, Conditions
from ganport_runtime.errors import RequestError
from ganport_runtime.generation.interpolation import spherical
from ganport_runtime.generator import Generator
from ganport_runtime.images.animation import check_pixels
from ganport_runtime.images.sheet import make_sheet
from ganport_runtime.noise import seed_range

MAX_COUNT = 4096  # pictures on one sheet
_SIDES = {1: 256, 12: 128}  # about how wide pictures become, by how many stand in a row
_LEAST_SIDE = 64


@dataclass(frozen=True)
class Job:
    """Where from, where to and how."""

    generator: Generator
    output: Output
    seeds: list[int]
    scale: int | None
    sources: tuple[Source, ...] = ()

    @property
    def name(self) -> str:
        return self.generator.manifest.name

    @property
    def conditions(self) -> Conditions:
        return self.generator.conditions

    @property
    def origin(self) -> str:
        """What the pictures come from: `from a.png`, `seed 5`, `seeds 5 to 8`, `seeds 3, 8, 21`."""
        if self.sources:
            names = ", ".join(source.name for source in self.sources[:3])
            more = len(self.sources) - 3
            return f"from {names} and {more} more" if more > 0 else f"from {names}"
        first, count = self.seeds[0], len(self.seeds)
        if count == 1:
            return f"seed {first}"
        if count > 2 and self.seeds == seed_range(first, count):
            return f"seeds {first} to {self.seeds[-1]}"
        return f"seeds {', '.join(map(str, self.seeds))}"

    def title(self, *parts: str) -> str:
        """The bundle, the parts that say something, and what the pictures come from."""
        return f"{self.name}: {', '.join(part for part in (*parts, self.origin) if part)}"

    def enlargement(self, columns: int) -> int:
        """The scale asked for, or one by how many pictures stand in a row."""
        side = next((side for most, side in _SIDES.items() if columns <= most), _LEAST_SIDE)
        return self.scale or max(1, round(side / self.generator.manifest.image.size[1]))

    def draw(self, shots: Sequence[Shot]) -> NDArray[np.uint8]:
        """The pictures of a page, in its order."""
        check_number(len(shots))
        requests = [shot.request for shot in shots]
        if all(shot.towards is None for shot in shots):
            return self.generator.generate(requests, seeds=[shot.seed for shot in shots])
        return self.generator.generate(requests, z=np.stack([self._noise(s) for s in shots]))

    def encoded(self, request: ConditionRequest) -> NDArray[np.float32]:
        """The noise of each source under one request."""
        pixels = np.stack([source.pixels for source in self.sources])
        return self.generator.encode(pixels, request)

    def save_table(
        self,
        images: NDArray[np.uint8],
        shots: Sequence[Made],
        *,
        rows: Sequence[str],
        columns: Sequence[str],
        title: str,
        axes: tuple[str, str] | None = None,
        fps: float = 1.5,
    ) -> None:
        """Write a sheet of rows by columns, or its columns as frames, one after another."""
        if self.output.animate:
            labels = [f"{axes[1]}: {label}" for label in columns] if axes else columns
            self._save_frames(images, shots, rows, labels, title, fps)
            return
        page = make_sheet(
            images,
            len(columns),
            row_labels=rows,
            column_labels=columns,
            scale=self.enlargement(len(columns)),
            title=title,
            axes=axes,
        )
        self.save([page], shots)

    def save(self, pages: Sequence[Image.Image], shots: Sequence[Made], fps: float = 1.5) -> None:
        """Write pages, and in the file's metadata how to make each of their pictures again."""
        recipes = [shot.recipe(self.conditions) for shot in shots]
        texts = {
            "ganport.bundle": self.name,
            "ganport.digest": self.generator.bundle.digest,
            "ganport.pictures": json.dumps(recipes, ensure_ascii=False),
        }
        wrote = self.output.save(pages, texts, fps=fps)
        pictures = "picture" if len(shots) == 1 else "pictures"
        click.echo(
            f"{wrote}, {len(shots)} {pictures}, {self.origin}, drawn on {self.generator.device}"
        )

    def _save_frames(
        self,
        images: NDArray[np.uint8],
        shots: Sequence[Made],
        rows: Sequence[str],
        labels: Sequence[str],
        title: str,
        fps: float,
    ) -> None:
        # What changes stands below the pictures, so that they keep their place.
        across = len(rows) if len(rows) < 5 else near_square(len(rows))

        def frame(index: int) -> Image.Image:
            return make_sheet(
                images[index :: len(labels)],
                across,
                captions=rows if len(rows) > 1 else None,
                scale=self.enlargement(across),
                title=title,
                footer=labels[index],
            )

        first = frame(0)
        check_pixels([first.size] * len(labels))  # before there are too many to hold
        frames = [first, *map(frame, range(1, len(labels)))]
        by_frame = [shot for index in range(len(labels)) for shot in shots[index :: len(labels)]]
        self.save(frames, by_frame, fps)

    def _noise(self, shot: Shot) -> NDArray[np.float32]:
        towards = shot.seed if shot.towards is None else shot.towards
        first, second = self.generator.noise([shot.seed, towards])
        between: NDArray[np.float32] = spherical(first, second, [shot.share])[0]
        return between


def check_number(pictures: int) -> None:
    """Refuse more pictures than a sheet may hold."""
    if pictures > MAX_COUNT:
        raise RequestError(
            "sheet",
            expected=f"at most {MAX_COUNT} pictures on a sheet",
            found=f"{pictures}",
            fix="Ask for fewer, or draw from Python with Generator.generate.",
        )


def near_square(number: int) -> int:
    """Columns for that many pictures on a page without rows of its own."""
    return min(12, math.ceil(math.sqrt(number)))


def steps_of(count: int) -> list[float]:
    """Shares of a way from 0 to 1 in `count` even steps."""
    return [index / (count - 1) for index in range(count)]
