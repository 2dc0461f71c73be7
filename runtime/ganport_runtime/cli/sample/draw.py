"""`sample-gan draw` and `list`: images of one request, or of a list of requests."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import click
from PIL import Image

from ganport_runtime.cli.condition_args import parse_request, read_requests
from ganport_runtime.cli.sample.context import SampleContext
from ganport_runtime.cli.sample.options import (
    count_option,
    set_option,
    with_bundle_options,
    with_seed_option,
)
from ganport_runtime.cli.sample.spec import ImageSpec
from ganport_runtime.errors import RequestError


@click.command()
@with_seed_option
@count_option
@with_bundle_options
@click.argument("text", required=False)
@set_option
def draw(context: SampleContext, text: str | None, settings: tuple[str, ...]) -> None:
    """Generate images of one request: a TEXT such as "pink hair black eyes", or --set hair=pink.

    One image is written without labels, several as a sheet with their seeds.
    """
    request = parse_request(context.conditions, settings, text)
    specs = [ImageSpec(request, seed) for seed in context.seeds]
    images = context.generate(specs)
    if len(images) == 1:
        image, scale = Image.fromarray(images[0]), context.scale or 1
        size = (image.width * scale, image.height * scale)
        context.save([image.resize(size, Image.Resampling.NEAREST)], specs)
        return
    captions = [f"seed {seed}" for seed in context.seeds]
    title = context.title(context.conditions.caption(request))
    if context.output.animate:
        context.save_table(images, specs, rows=[""], columns=captions, title=title)
    else:
        context.save_sheet(images, specs, captions, title)


@click.command("list")
@with_seed_option
@count_option
@with_bundle_options
@click.argument("texts", nargs=-1)
@click.option(
    "--file", type=click.Path(path_type=Path), help="A text file with one request on each line."
)
def list_images(context: SampleContext, texts: tuple[str, ...], file: Path | None) -> None:
    """Generate an image for each of TEXTS such as "pink hair black eyes", with a caption."""
    conditions = context.conditions
    requests = [parse_request(conditions, (), text) for text in texts]
    requests += read_requests(conditions, file) if file else []
    if not requests:
        raise RequestError("list", "at least one text", "none", "Give texts, or --file.")
    title = context.title()
    captions = [conditions.caption(request) for request in requests]
    seeds = [f"seed {seed}" for seed in context.seeds]
    if context.output.animate:
        specs = [ImageSpec(request, seed) for seed, request in product(context.seeds, requests)]
        images = context.generate(specs)
        context.save_table(images, specs, rows=seeds, columns=captions, title=title)
        return
    specs = [ImageSpec(request, seed) for request, seed in product(requests, context.seeds)]
    images = context.generate(specs)
    if len(seeds) > 1:
        context.save_table(images, specs, rows=captions, columns=seeds, title=title)
    else:
        context.save_sheet(images, specs, captions, title)
