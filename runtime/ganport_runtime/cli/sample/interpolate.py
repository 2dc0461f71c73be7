"""`sample-gan interpolate`: images between seeds, or between encoded images."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import wraps
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from ganport_runtime.cli.condition_args import GreedyCommand, parse_request
from ganport_runtime.cli.sample.context import SampleContext, check_count, even_fractions
from ganport_runtime.cli.sample.options import set_option, with_bundle_options, with_image_options
from ganport_runtime.cli.sample.spec import EditSpec, ImageSpec, SourceImage
from ganport_runtime.errors import RequestError
from ganport_runtime.generation.interpolation import linear
from ganport_runtime.noise import check_seed

_STEPS, _FRAMES = 6, 16
_SEED = re.compile(r"[0-9]{1,20}")
Pairs = Sequence[tuple[Any, Any]]
"""Start and end of each interpolation: two seeds or two source images."""


def _with_seeds_or_images(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options `--seeds` and `--images`, and require exactly one of them."""

    @click.option("--seeds", "seed_list", metavar="A,B,…", help="Two or more seeds.")
    @with_image_options(required=False)
    @wraps(command)
    def run(seed_list: str | None, images: tuple[Path, ...], **others: Any) -> None:
        if (seed_list is None) == (not images):
            expected, found = "--seeds or --images", "both" if images else "neither"
            raise RequestError("interpolate", expected, found, "Write --seeds 3,8,21.")
        if len(images) == 1:
            fix = "Write --images a.png b.png."
            raise RequestError("--images", "two or more images", "one", fix)
        seeds = _parse_seeds(seed_list) if seed_list is not None else []
        command(seeds=seeds, images=images, **others)

    return run


@click.command(cls=GreedyCommand)
@_with_seeds_or_images
@with_bundle_options
@click.argument("text", required=False)
@click.option(
    "--steps", type=click.IntRange(2, 256), help="Images per pair (6; 16 for an animation)."
)
@set_option
def interpolate(
    context: SampleContext, text: str | None, steps: int | None, settings: tuple[str, ...]
) -> None:
    """Generate images between seeds, or between images, under one request: TEXT or --set.

    Each pair has a row; an animation returns to the first. Interpolation is spherical between
    seeds, and linear between the noise of encoded images.
    """
    request = parse_request(context.conditions, settings, text)
    title = context.title(context.conditions.caption(request))
    if context.output.animate:
        _save_loop(context, request, steps or _FRAMES, title)
        return
    ends: tuple[Any, ...] = context.sources or tuple(context.seeds)
    pairs, fractions = list(pairwise(ends)), even_fractions(steps or _STEPS)
    specs, images = _generate(context, request, pairs, fractions)
    kind = "image" if context.sources else "seed"
    context.save_table(
        images,
        specs,
        rows=[f"{_name_of(start)} to {_name_of(end)}" for start, end in pairs],
        columns=[f"{100 * t:.0f}%" for t in fractions],
        title=title,
        axes=(f"{kind}s", f"fraction of the second {kind}"),
    )


def _save_loop(context: SampleContext, request: dict[str, Any], steps: int, title: str) -> None:
    ends: tuple[Any, ...] = context.sources or tuple(context.seeds)
    pairs = list(pairwise((*ends, ends[0])))
    fractions = [step / steps for step in range(steps)]
    specs, images = _generate(context, request, pairs, fractions)
    prefix = "" if context.sources else "seed "
    labels = [
        f"{prefix}{_name_of(start)} to {_name_of(end)}, {100 * t:.0f}%"
        for (start, end), t in product(pairs, fractions)
    ]
    context.save_table(images, specs, rows=[""], columns=labels, title=title, fps=12)


def _generate(
    context: SampleContext, request: dict[str, Any], pairs: Pairs, fractions: list[float]
) -> tuple[Sequence[ImageSpec] | Sequence[EditSpec], NDArray[np.uint8]]:
    """Return the images of every pair at every fraction, with their specifications."""
    if not context.sources:
        specs = [ImageSpec(request, start, end, t) for (start, end), t in product(pairs, fractions)]
        return specs, context.generate(specs)
    check_count(len(pairs) * len(fractions))
    noise = dict(zip(context.sources, context.encode_sources(request), strict=True))
    z = np.concatenate([linear(noise[start], noise[end], fractions) for start, end in pairs])
    edits = [EditSpec(start, request, end, t) for (start, end), t in product(pairs, fractions)]
    return edits, context.generator.generate(request, z=z)


def _name_of(end: int | SourceImage) -> str:
    return end.name if isinstance(end, SourceImage) else str(end)


def _parse_seeds(text: str) -> list[int]:
    words = [word.strip() for word in text.split(",")]
    if len(words) < 2 or not all(_SEED.fullmatch(word) for word in words):
        expected = "two or more seeds, separated by commas"
        raise RequestError("--seeds", expected, repr(text)[:80], "Write --seeds 3,8,21.")
    return [check_seed(int(word)) for word in words]
