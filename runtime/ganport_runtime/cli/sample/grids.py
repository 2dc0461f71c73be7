"""`sample-gan draw`, `list`, `matrix`, `sweep`, `colormap` and `blend`: images of conditions."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from ganport_runtime.cli.condition_args import (
    GreedyCommand,
    describe_fixed,
    label_values,
    parse_request,
    read_requests,
    sweep_values,
)
from ganport_runtime.cli.sample.context import SampleContext, even_fractions
from ganport_runtime.cli.sample.options import (
    set_option,
    with_bundle_options,
    with_seed_option,
    with_seeds,
)
from ganport_runtime.cli.sample.spec import ImageSpec
from ganport_runtime.conditions import Conditions, Rgb
from ganport_runtime.conditions.colors import channels, from_hue
from ganport_runtime.errors import ConditionError, RequestError
from ganport_runtime.images.pixel_art import enlarge
from ganport_runtime.values import condition_error, format_choices

_BLEND_STEPS, _BLEND_FRAMES = 7, 24


@click.command(cls=GreedyCommand)
@with_seeds
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
        context.save_unlabeled(enlarge(images[0], context.scale or 1), specs)
        return
    captions = [f"seed {seed}" for seed in context.seeds]
    title = context.title(context.conditions.caption(request))
    if context.output.animate:
        context.save_table(images, specs, rows=[""], columns=captions, title=title)
    else:
        context.save_sheet(images, specs, captions, title)


@click.command("list")
@with_seeds
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


@click.command(cls=GreedyCommand)
@with_seeds
@click.option("--rows", metavar="GROUP", help="The group of the rows.")
@click.option("--columns", metavar="GROUP", help="The group of the columns.")
@set_option
def matrix(
    context: SampleContext, rows: str | None, columns: str | None, settings: tuple[str, ...]
) -> None:
    """Generate every value of one group by every value of another, with the same seed.

    Without --rows and --columns these are the first groups with labels that --set leaves free.
    """
    conditions = context.conditions
    fixed = parse_request(conditions, settings)
    rows, columns = _choose_groups(conditions, fixed, rows, columns)
    row_values, column_values = label_values(conditions, rows), label_values(conditions, columns)
    if rows == columns or {rows, columns} & fixed.keys():
        expected = "rows, columns and --set of different groups"
        fix = "Choose two groups, and set others."
        raise condition_error(rows, expected, "one group twice", fix)
    # Each value has a row for each seed, so that images compare down and across.
    specs = [
        ImageSpec(fixed | {rows: row, columns: column}, seed)
        for row, seed, column in product(row_values.values(), context.seeds, column_values.values())
    ]
    unlabeled = [""] * (len(context.seeds) - 1)
    context.save_table(
        context.generate(specs),
        specs,
        rows=[label for row in row_values for label in (row, *unlabeled)],
        columns=list(column_values),
        title=context.title(
            f"{rows} by {columns}", describe_fixed(conditions, fixed, {rows, columns})
        ),
        axes=(rows, columns),
    )


@click.command(cls=GreedyCommand)
@with_seeds
@click.option("--group", required=True, help="The group to change.")
@click.option(
    "--steps",
    type=click.IntRange(2, 256),
    help="Values of a number (default 7, from min to max), or colors around the hue circle (12).",
)
@set_option
def sweep(context: SampleContext, group: str, steps: int | None, settings: tuple[str, ...]) -> None:
    """Generate every value of one group; --set fixes the others. Each seed has a row.

    A multi-label group shows each label by itself.
    """
    fixed = parse_request(context.conditions, settings)
    values = sweep_values(context.conditions, group, steps)
    _check_free(group, fixed)
    specs = [
        ImageSpec(fixed | {group: value}, seed)
        for seed, value in product(context.seeds, values.values())
    ]
    description = describe_fixed(context.conditions, fixed, {group})
    context.save_table(
        context.generate(specs),
        specs,
        rows=[f"seed {seed}" for seed in context.seeds],
        columns=list(values),
        title=context.title(f"any {group}", description),
        axes=("", group),
    )


@click.command(cls=GreedyCommand)
@with_seed_option
@with_bundle_options
@click.option("--group", required=True, help="The color group.")
@click.option("--hues", type=click.IntRange(2, 360), default=24, help="Columns around the circle.")
@click.option("--lightnesses", type=click.IntRange(1, 99), default=9, help="Rows, light to dark.")
@click.option("--saturation", type=click.IntRange(0, 100), default=100, help="Percent (HSL).")
@set_option
def colormap(
    context: SampleContext,
    group: str,
    hues: int,
    lightnesses: int,
    saturation: int,
    settings: tuple[str, ...],
) -> None:
    """Generate a color group by hue and lightness (HSL), with the same seed.

    A strip below each image shows the requested color.
    """
    _check_color_group(context.conditions, group)
    fixed = parse_request(context.conditions, settings)
    _check_free(group, fixed)
    rows = [1 - (row + 1) / (lightnesses + 1) for row in range(lightnesses)]
    columns = [360 * column / hues for column in range(hues)]
    colors = [from_hue(hue, light, saturation / 100) for light, hue in product(rows, columns)]
    specs = [ImageSpec(fixed | {group: color}, context.seeds[0]) for color in colors]
    description = describe_fixed(context.conditions, fixed, {group})
    context.save_table(
        _add_color_strips(context.generate(specs), colors),
        specs,
        rows=[f"{100 * light:.3g}%" for light in rows],
        columns=[f"{hue:.3g}°" for hue in columns],
        title=context.title(group, f"saturation {saturation}%", description),
        axes=("lightness", "hue"),
        fps=6,
    )


@click.command(cls=GreedyCommand)
@with_seeds
@click.option("--from", "start", required=True, metavar="TEXT", help="The first request.")
@click.option("--to", "end", required=True, metavar="TEXT", help="The last request.")
@click.option(
    "--steps", type=click.IntRange(2, 256), help="Images per row (7; 24 for an animation)."
)
def blend(context: SampleContext, start: str, end: str, steps: int | None) -> None:
    """Generate blends of two requests with the same seed. Each seed has a row.

    An animation goes from the first request to the last and back.
    """
    conditions = context.conditions
    if not conditions.size:
        fix = "Run: sample-gan interpolate BUNDLE --seeds 3,8,21"
        raise RequestError("blend", "a generator with conditions", "an unconditional one", fix)
    first, last = (parse_request(conditions, (), text) for text in (start, end))
    default = _BLEND_FRAMES if context.output.animate else _BLEND_STEPS
    fractions = even_fractions(steps or default)
    if context.output.animate:
        fractions += fractions[-2:0:-1]
    requests = [conditions.blend(first, last, t) for t in fractions]
    specs = [ImageSpec(request, seed) for seed, request in product(context.seeds, requests)]
    last_caption = conditions.caption(last)
    context.save_table(
        context.generate(specs),
        specs,
        rows=[f"seed {seed}" for seed in context.seeds],
        columns=[f"{100 * t:.0f}%" for t in fractions],
        title=context.title(f"{conditions.caption(first)} to {last_caption}"),
        axes=("", f"fraction of {last_caption}"),
        fps=12,
    )


def _choose_groups(
    conditions: Conditions, fixed: Mapping[str, object], rows: str | None, columns: str | None
) -> tuple[str, str]:
    """Return the groups of rows and columns, the first suitable ones by default."""
    taken = {*fixed, rows, columns}
    free = [name for name, group in conditions.fields.items() if group.labels]
    free = [name for name in free if name not in taken]
    missing = (rows is None) + (columns is None)
    if len(free) < missing:
        expected = f"{missing} groups with labels that --set leaves free"
        fix = "Use sample-gan sweep for one group, or draw for none."
        raise RequestError("matrix", expected, format_choices(free) or "none", fix)
    found = iter(free)
    return rows or next(found), columns or next(found)


def _check_free(group: str, fixed: Mapping[str, object]) -> None:
    if group in fixed:
        fix = f"Leave out --set {group}=..., or change another group."
        expected = "--group and --set of different groups"
        raise condition_error(group, expected, "one group twice", fix)


def _check_color_group(conditions: Conditions, name: str) -> None:
    group = conditions[name]
    if not isinstance(group, Rgb):
        found = f"a {group.kind} group"
        fix = f"Run: sample-gan sweep BUNDLE --group {group.fields[0].name}"
        raise ConditionError(f"condition {name!r}", "a color group (rgb)", found, fix)


def _add_color_strips(images: NDArray[np.uint8], colors: list[str]) -> NDArray[np.uint8]:
    """Return the images, RGB if they are gray, with an opaque strip of their color below each."""
    if images.shape[3] == 1:
        images = images.repeat(3, axis=3)
    height = max(1, images.shape[1] // 10)
    opaque = [(*channels(color), 255)[: images.shape[3]] for color in colors]
    strips = np.array(opaque, np.uint8)[:, None, None]
    shape = (len(images), height, *images.shape[2:])
    return np.concatenate([images, np.broadcast_to(strips, shape)], axis=1)
