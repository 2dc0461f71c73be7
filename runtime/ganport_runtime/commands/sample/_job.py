"""What every way of drawing has in common: a generator, seeds, a file, a table of pictures."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganport_runtime.animation import check_pixels
from ganport_runtime.commands.sample._output import Output, written
from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import RequestError
from ganport_runtime.generator import Generator
from ganport_runtime.interpolation import spherical
from ganport_runtime.noise import check_seed, consecutive
from ganport_runtime.sheet import grid

MAX_COUNT = 4096  # pictures on one sheet
_SIDES = {1: 256, 12: 128}  # about how wide pictures become, by how many stand in a row
_LEAST_SIDE = 64


@dataclass(frozen=True)
class Shot:
    """One picture of a page: its request and seed, or `share` of the way `towards` another."""

    request: dict[str, Any]
    seed: int
    towards: int | None = None
    share: float = 0.0

    def recipe(self, conditions: Conditions) -> dict[str, Any]:
        """How to make it again; seeds as text, since JSON numbers are safe to 2^53 only."""
        condition = conditions.complete(self.request)
        if self.towards is None:
            return {"seed": str(self.seed), "condition": condition}
        seeds = [str(self.seed), str(self.towards)]
        return {"seeds": seeds, "share": self.share, "condition": condition}


@dataclass(frozen=True)
class Job:
    """Where from, where to and how."""

    generator: Generator
    output: Output
    seeds: list[int]
    scale: int | None

    @property
    def name(self) -> str:
        return self.generator.manifest.name

    @property
    def conditions(self) -> Conditions:
        return self.generator.conditions

    @property
    def seeds_in_words(self) -> str:
        """`seed 5`, `seeds 5 to 8` or `seeds 3, 8, 21`."""
        first, count = self.seeds[0], len(self.seeds)
        if count == 1:
            return f"seed {first}"
        if count > 2 and self.seeds == consecutive(first, count):
            return f"seeds {first} to {self.seeds[-1]}"
        return f"seeds {', '.join(map(str, self.seeds))}"

    def title(self, *parts: str) -> str:
        """The bundle, the parts that say something, and the seeds."""
        return f"{self.name}: {', '.join(part for part in (*parts, self.seeds_in_words) if part)}"

    def enlargement(self, columns: int) -> int:
        """The scale asked for, or one by how many pictures stand in a row."""
        side = next((side for most, side in _SIDES.items() if columns <= most), _LEAST_SIDE)
        return self.scale or max(1, round(side / self.generator.manifest.image.size[1]))

    def draw(self, shots: Sequence[Shot]) -> NDArray[np.uint8]:
        """The pictures of a page, in its order."""
        if len(shots) > MAX_COUNT:
            raise RequestError(
                "sheet",
                expected=f"at most {MAX_COUNT} pictures on a sheet",
                found=f"{len(shots)}",
                fix="Ask for fewer, or draw from Python with Generator.generate.",
            )
        requests = [shot.request for shot in shots]
        if all(shot.towards is None for shot in shots):
            return self.generator.generate(requests, seeds=[shot.seed for shot in shots])
        return self.generator.generate(requests, z=np.stack([self._noise(s) for s in shots]))

    def save_table(
        self,
        images: NDArray[np.uint8],
        shots: Sequence[Shot],
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
        page = grid(
            images,
            len(columns),
            row_labels=rows,
            column_labels=columns,
            scale=self.enlargement(len(columns)),
            title=title,
            axes=axes,
        )
        self.save([page], shots)

    def save(self, pages: Sequence[Image.Image], shots: Sequence[Shot], fps: float = 1.5) -> None:
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
            f"{wrote}, {len(shots)} {pictures}, {self.seeds_in_words}, "
            f"drawn on {self.generator.device}"
        )

    def _save_frames(
        self,
        images: NDArray[np.uint8],
        shots: Sequence[Shot],
        rows: Sequence[str],
        labels: Sequence[str],
        title: str,
        fps: float,
    ) -> None:
        # What changes stands below the pictures, so that they keep their place.
        across = len(rows) if len(rows) < 5 else near_square(len(rows))

        def frame(index: int) -> Image.Image:
            return grid(
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


def near_square(number: int) -> int:
    """Columns for that many pictures on a page without rows of its own."""
    return min(12, math.ceil(math.sqrt(number)))


def steps_of(count: int) -> list[float]:
    """Shares of a way from 0 to 1 in `count` even steps."""
    return [index / (count - 1) for index in range(count)]


def drawing(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of bundle and output and hand it a `Job` in their place.

    It is to be called with `seeds`, which `seeded` sees to.
    """

    @click.argument("bundle", type=click.Path(path_type=Path))
    @written
    @click.option("--animate", is_flag=True, help="Write the columns as frames: a GIF or WebP.")
    @click.option("--device", default="auto", help="auto, cpu, cuda or cuda:N.")
    @click.option("--scale", type=click.IntRange(1, 64), help="Enlarge by whole pixels.")
    @wraps(command)
    def start(
        output: Output,
        bundle: Path,
        device: str,
        scale: int | None,
        seeds: list[int],
        **own: Any,
    ) -> None:
        command(Job(Generator.load(bundle, device), output, seeds, scale), **own)

    return start


def seeded(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--seed`, and hand it as many consecutive seeds as `counted` says."""

    @click.option("--seed", type=int, help="0 to 2^64 - 1; without one the system draws it.")
    @wraps(command)
    def start(seed: int | None, count: int = 1, **own: Any) -> None:
        # Half as many digits as a seed may have: it is to be read off a sheet.
        first = secrets.randbits(32) if seed is None else check_seed(seed)
        command(seeds=consecutive(first, count), **own)

    return start


counted = click.option(
    "--count",
    type=click.IntRange(1, MAX_COUNT),
    default=1,
    help="Pictures of each condition, with consecutive seeds.",
)
settings_option = click.option(
    "--set", "settings", multiple=True, metavar="GROUP=VALUE", help="Ask for a value of a group."
)
