"""`sample-gan atlas`: images for a game engine in one file, and an index of their places."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import click

from ganport_runtime.cli.condition_args import parse_request, read_requests
from ganport_runtime.cli.sample.context import SampleContext
from ganport_runtime.cli.sample.options import with_seeds
from ganport_runtime.cli.sample.spec import ImageSpec
from ganport_runtime.errors import RequestError
from ganport_runtime.files import atomic_write, check_output
from ganport_runtime.images.atlas import atlas_index, check_atlas, pack_atlas
from ganport_runtime.images.pixel_art import enlarge
from ganport_runtime.images.sheet import MAX_SIDE


@click.command()
@with_seeds
@click.argument("texts", nargs=-1)
@click.option(
    "--file", type=click.Path(path_type=Path), help="A text file with one request on each line."
)
@click.option(
    "--columns", type=click.IntRange(1, MAX_SIDE), help="Images per row; nearly square by default."
)
def atlas(
    context: SampleContext, texts: tuple[str, ...], file: Path | None, columns: int | None
) -> None:
    """Generate an image for each of TEXTS into an atlas without labels and gaps.

    An index next to it, with the suffix .json, has the rectangle, the seed and the condition of
    each image, in TexturePacker's JSON array form. Without TEXTS, every group has its default.
    """
    if context.output.animate:
        fix = "Leave --animate out."
        raise RequestError("--animate", "one image, which an atlas is", "an animation", fix)
    path = context.output.path
    index_path = path.with_suffix(".json")
    check_output(index_path, (".json",))
    requests = [parse_request(context.conditions, (), text) for text in texts]
    requests += read_requests(context.conditions, file) if file else []
    specs = [ImageSpec(request, seed) for request, seed in product(requests or [{}], context.seeds)]
    form, scale = context.generator.image, context.scale or 1
    check_atlas(len(specs), (form.height * scale, form.width * scale), columns)
    images = enlarge(context.generate(specs), scale)
    context.save_unlabeled(pack_atlas(images, columns), specs)
    recipes = [spec.to_metadata(context.conditions) for spec in specs]
    bundle = {"bundle": context.name, "digest": context.generator.bundle.digest}
    index = atlas_index(path.name, images.shape, recipes, bundle, columns)
    atomic_write(index_path, json.dumps(index, ensure_ascii=False, indent=1).encode())
    click.echo(f"{index_path}: index of {len(specs)} frames")
