"""`sample-gan draw` and `pairs`: one condition, or a list of them."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganport_runtime.cli.condition_args import request_of, requests_in
from ganport_runtime.cli.sample.context import Job, near_square
from ganport_runtime.cli.sample.options import (
    counted,
    drawing,
    seeded,
    settings_option,
)
from ganport_runtime.cli.sample.spec import Shot
from ganport_runtime.errors import RequestError
from ganport_runtime.images.sheet import make_sheet


@click.command()
@seeded
@counted
@drawing
@click.argument("text", required=False)
@settings_option
def draw(job: Job, text: str | None, settings: tuple[str, ...]) -> None:
    """One condition: a TEXT such as "pink hair black eyes", or --set hair=pink.

    A single picture is written bare, several as a sheet with their seeds.
    """
    request = request_of(job.conditions, settings, text)
    shots = [Shot(request, seed) for seed in job.seeds]
    images = job.draw(shots)
    if len(images) == 1:
        job.save([_enlarged(images[0], job.scale or 1)], shots)
        return
    captions = [f"seed {seed}" for seed in job.seeds]
    title = job.title(job.conditions.caption(request))
    if job.output.animate:
        job.save_table(images, shots, rows=[""], columns=captions, title=title)
        return
    columns = near_square(len(images))
    scale = job.enlargement(columns)
    job.save([make_sheet(images, columns, captions=captions, scale=scale, title=title)], shots)


@click.command()
@seeded
@counted
@drawing
@click.argument("texts", nargs=-1)
@click.option(
    "--file", type=click.Path(path_type=Path), help="A text file with a request on each line."
)
def pairs(job: Job, texts: tuple[str, ...], file: Path | None) -> None:
    """A list of TEXTS such as "pink hair black eyes", each picture under its caption."""
    requests = [request_of(job.conditions, (), text) for text in texts]
    requests += requests_in(job.conditions, file) if file else []
    if not requests:
        raise RequestError(
            "pairs", expected="at least one text", found="none", fix="Give texts or --file."
        )
    title = job.title()
    captions = [job.conditions.caption(request) for request in requests]
    seeds = [f"seed {seed}" for seed in job.seeds]
    if job.output.animate:
        shots = [Shot(request, seed) for seed, request in product(job.seeds, requests)]
        job.save_table(job.draw(shots), shots, rows=seeds, columns=captions, title=title)
        return
    shots = [Shot(request, seed) for request, seed in product(requests, job.seeds)]
    images = job.draw(shots)
    if len(seeds) > 1:
        job.save_table(images, shots, rows=captions, columns=seeds, title=title)
        return
    columns = near_square(len(images))
    scale = job.enlargement(columns)
    job.save([make_sheet(images, columns, captions=captions, scale=scale, title=title)], shots)


def _enlarged(pixels: NDArray[np.uint8], scale: int) -> Image.Image:
    picture = Image.fromarray(pixels)
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)
