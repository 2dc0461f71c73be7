"""`sample-gan`: draw pictures from a bundle into a PNG file."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from itertools import product
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganport_runtime.commands._requests import request_of, requests_in, values_of
from ganport_runtime.errors import RequestError
from ganport_runtime.files import check_output
from ganport_runtime.generator import Generator
from ganport_runtime.noise import check_seed, consecutive
from ganport_runtime.pictures import save_png
from ganport_runtime.sheet import grid
from ganport_runtime.values import fault

Plan = list[tuple[dict[str, Any], int]]  # the request and seed of each picture of a page
_MAX_COUNT = 4096  # pictures on one sheet
_settings = click.option(
    "--set", "settings", multiple=True, metavar="GROUP=VALUE", help="Ask for a value of a group."
)


@dataclass(frozen=True)
class _Job:
    """Where from, where to and how: what every way of drawing has in common."""

    generator: Generator
    out: Path
    seeds: list[int]
    scale: int | None

    @property
    def name(self) -> str:
        return self.generator.manifest.name

    @property
    def enlargement(self) -> int:
        """The scale asked for, or the one that makes pictures about 128 pixels wide."""
        return self.scale or max(1, round(128 / self.generator.manifest.image.size[1]))

    def draw(self, plan: Plan) -> NDArray[np.uint8]:
        """The pictures of a plan, in its order."""
        if len(plan) > _MAX_COUNT:
            raise RequestError(
                "sheet",
                expected=f"at most {_MAX_COUNT} pictures on a sheet",
                found=f"{len(plan)}",
                fix="Ask for fewer, or draw from Python with Generator.generate.",
            )
        requests = [request for request, _ in plan]
        return self.generator.generate(requests, seeds=[seed for _, seed in plan])

    def save(self, page: Image.Image, plan: Plan) -> None:
        """Write the page, and in its metadata how to make each of its pictures again."""
        complete = self.generator.conditions.complete
        recipes = [
            {"seed": str(seed), "condition": complete(request)}  # JSON numbers end at 2^53
            for request, seed in plan
        ]
        texts = {
            "ganport.bundle": self.name,
            "ganport.digest": self.generator.bundle.digest,
            "ganport.pictures": json.dumps(recipes, ensure_ascii=False),
        }
        save_png(page, self.out, texts)
        pictures = "picture" if len(plan) == 1 else "pictures"
        last = f" to {self.seeds[-1]}" if len(self.seeds) > 1 else ""
        click.echo(
            f"{self.out}: {page.width} x {page.height}, {len(plan)} {pictures}, "
            f"seed {self.seeds[0]}{last}, drawn on {self.generator.device}"
        )


def _job(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the common options and hand it a `_Job` in their place."""

    @click.argument("bundle", type=click.Path(path_type=Path))
    @click.option("--out", required=True, type=click.Path(path_type=Path), help="PNG to write.")
    @click.option("--seed", type=int, help="0 to 2^64 - 1; without one the system draws it.")
    @click.option(
        "--count",
        type=click.IntRange(1, _MAX_COUNT),
        default=1,
        help="Pictures of each condition, with consecutive seeds.",
    )
    @click.option("--device", default="auto", help="auto, cpu, cuda or cuda:N.")
    @click.option("--scale", type=click.IntRange(1, 64), help="Enlarge by whole pixels.")
    @wraps(command)
    def start(
        bundle: Path,
        out: Path,
        seed: int | None,
        count: int,
        device: str,
        scale: int | None,
        **own: Any,
    ) -> None:
        check_output(out, (".png",))
        first = secrets.randbits(64) if seed is None else check_seed(seed)
        generator = Generator.load(bundle, device)
        command(_Job(generator, out, consecutive(first, count), scale), **own)

    return start


@click.group()
@click.version_option(package_name="ganport", prog_name="sample-gan")
def sample_gan() -> None:
    """Draw pictures from a bundle into a PNG that says how each was made."""


@sample_gan.command()
@_job
@click.argument("text", required=False)
@_settings
def draw(job: _Job, text: str | None, settings: tuple[str, ...]) -> None:
    """One condition: a TEXT such as "pink hair black eyes", or --set hair=pink.

    A single picture is written bare, several as a sheet with their seeds.
    """
    request = request_of(job.generator.conditions, settings, text)
    plan: Plan = [(request, seed) for seed in job.seeds]
    images = job.draw(plan)
    if len(images) == 1:
        job.save(_enlarged(images[0], job.scale or 1), plan)
        return
    caption = job.generator.conditions.caption(request)
    page = grid(
        images,
        _square(len(images)),
        captions=[f"seed {seed}" for seed in job.seeds],
        scale=job.enlargement,
        title=f"{job.name}: {caption}" if caption else job.name,
    )
    job.save(page, plan)


@sample_gan.command()
@_job
@click.option("--rows", required=True, metavar="GROUP", help="The group that rows run over.")
@click.option("--columns", required=True, metavar="GROUP", help="The group for the columns.")
@_settings
def matrix(job: _Job, rows: str, columns: str, settings: tuple[str, ...]) -> None:
    """Every value of one group by every value of another, the same seed in every cell."""
    conditions = job.generator.conditions
    others = request_of(conditions, settings)
    down, across = values_of(conditions, rows), values_of(conditions, columns)
    if rows == columns or {rows, columns} & others.keys():
        raise fault(rows, "rows, columns and --set of different groups", "one group twice")
    # With several seeds a row follows for each of them, so cells compare down and across.
    plan: Plan = [
        (others | {rows: row, columns: column}, seed)
        for row, seed, column in product(down.values(), job.seeds, across.values())
    ]
    more = [""] * (len(job.seeds) - 1)
    set_to = "".join(f", {name} {value}" for name, value in others.items())
    page = grid(
        job.draw(plan),
        len(across),
        row_labels=[label for row in down for label in (row, *more)],
        column_labels=list(across),
        scale=job.enlargement,
        title=f"{job.name}: {rows} by {columns}, seed {job.seeds[0]}{set_to}",
    )
    job.save(page, plan)


@sample_gan.command()
@_job
@click.argument("texts", nargs=-1)
@click.option(
    "--file", type=click.Path(path_type=Path), help="A text file with a request on each line."
)
def pairs(job: _Job, texts: tuple[str, ...], file: Path | None) -> None:
    """A list of TEXTS such as "pink hair black eyes", each picture under its caption."""
    conditions = job.generator.conditions
    requests = [request_of(conditions, (), text) for text in texts]
    requests += requests_in(conditions, file) if file else []
    if not requests:
        raise RequestError(
            "pairs", expected="at least one text", found="none", fix="Give texts or --file."
        )
    plan: Plan = list(product(requests, job.seeds))
    images = job.draw(plan)
    captions = [conditions.caption(request) for request in requests]
    if len(job.seeds) == 1:
        page = grid(images, _square(len(images)), captions=captions, scale=job.enlargement)
    else:
        page = grid(images, len(job.seeds), row_labels=captions, scale=job.enlargement)
    job.save(page, plan)


def _square(number: int) -> int:
    return min(12, math.ceil(math.sqrt(number)))


def _enlarged(pixels: NDArray[np.uint8], scale: int) -> Image.Image:
    picture = Image.fromarray(pixels)
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)
