"""`sample-gan translate` and `edit`: changes of existing images."""

from __future__ import annotations

from collections.abc import Collection
from itertools import product
from typing import Any

import click
import numpy as np

from ganport_runtime.cli.condition_args import GreedyCommand, label_values, parse_request
from ganport_runtime.cli.sample.context import SampleContext, check_count
from ganport_runtime.cli.sample.options import set_option, with_bundle_options, with_image_options
from ganport_runtime.cli.sample.spec import EditSpec
from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import RequestError
from ganport_runtime.values import format_choices, repr_short, suggestion

_MAX_STRENGTH = 100.0
"""Larger multiples leave no recognizable image."""


@click.command(cls=GreedyCommand)
@with_image_options(required=True)
@with_bundle_options
@click.argument("text", required=False)
@set_option
def translate(context: SampleContext, text: str | None, settings: tuple[str, ...]) -> None:
    """Translate images to every label by itself. Each image has a row.

    With a TEXT or --set, translate them to this request only.
    """
    conditions = context.conditions
    request = parse_request(conditions, settings, text)
    requests = {} if request else _label_requests(conditions)
    requests = requests or {"translated": request}
    check_count(len(context.sources) * (1 + len(requests)))
    pixels = np.stack([source.pixels for source in context.sources])
    translated = [context.generator.translate(pixels, value) for value in requests.values()]
    columns: list[dict[str, Any] | None] = [None, *requests.values()]
    context.save_table(
        np.stack([pixels, *translated], axis=1).reshape(-1, *pixels.shape[1:]),
        [EditSpec(source, value) for source, value in product(context.sources, columns)],
        rows=[source.name for source in context.sources],
        columns=["original", *requests],
        title=context.title(conditions.caption(request) if request else ""),
    )


@click.command(cls=GreedyCommand)
@with_image_options(multiple=False)
@with_bundle_options
@click.option(
    "--attribute",
    "attributes",
    required=True,
    multiple=True,
    metavar="NAME",
    help="A label, or GROUP/LABEL; several make several rows.",
)
@click.option(
    "--strengths",
    default="-1,-0.5,0,0.5,1",
    show_default=True,
    help="Multiples of the latent direction of the attribute, separated by commas.",
)
@set_option
def edit(
    context: SampleContext, attributes: tuple[str, ...], strengths: str, settings: tuple[str, ...]
) -> None:
    """Generate an image with more or less of an attribute.

    The command encodes the image, adds multiples of the latent direction of the attribute to its
    noise, and generates images of the sums. --set describes the image itself.
    """
    request = parse_request(context.conditions, settings)
    multiples = _parse_strengths(strengths)
    directions = context.generator.directions
    names = [_find_direction(name, directions, context.name) for name in attributes]
    check_count(len(names) * len(multiples))
    noise = context.encode_sources(request)[0]
    pairs = list(product(names, multiples))
    z = np.stack([noise + np.float32(strength) * directions[name] for name, strength in pairs])
    source = context.sources[0]
    context.save_table(
        context.generator.generate(request, z=z),
        [EditSpec(source, request, directions={name: strength}) for name, strength in pairs],
        rows=names,
        columns=[f"{strength:+g}" if strength else "0" for strength in multiples],
        title=context.title(context.conditions.caption(request)),
        axes=("", "strength"),
    )


def _label_requests(conditions: Conditions) -> dict[str, dict[str, Any]]:
    """Return a request for every label by itself, by its description."""
    return {
        group.describe(value): {name: value}
        for name, group in conditions.fields.items()
        if group.labels and group.kind != "rgb"
        for value in label_values(conditions, name).values()
    }


def _find_direction(name: str, directions: Collection[str], bundle: str) -> str:
    """Return the name of the direction for a label, or for a group and label."""
    if not directions:
        fix = "Use a flow that was trained with labels."
        raise RequestError(bundle, "a bundle with latent directions", "none", fix)
    matches = [key for key in directions if name in (key, key.partition("/")[2])]
    if len(matches) == 1:
        return matches[0]
    if matches:
        found, fix = format_choices(matches), f"Write {matches[0]!r}."
        raise RequestError("--attribute", "one attribute", found, fix)
    expected = f"one of {format_choices(directions)}"
    fix = suggestion(name, directions)
    raise RequestError("--attribute", expected, repr_short(name), fix)


def _parse_strengths(text: str) -> list[float]:
    try:
        numbers = [float(word) for word in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or not all(-_MAX_STRENGTH <= number <= _MAX_STRENGTH for number in numbers):
        limits = f"{-_MAX_STRENGTH:g} to {_MAX_STRENGTH:g}"
        expected = f"numbers from {limits}, separated by commas"
        raise RequestError("--strengths", expected, repr_short(text), "Write --strengths -1,0,1.")
    return numbers
