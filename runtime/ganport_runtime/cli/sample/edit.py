"""`sample-gan manipulate`: a picture with more and less of an attribute."""

from __future__ import annotations

from collections.abc import Collection
from itertools import product

import click
import numpy as np

from ganport_runtime.cli.condition_args import request_of
from ganport_runtime.cli.sample.context import Job, check_number
from ganport_runtime.cli.sample.options import drawing, pictured, settings_option
from ganport_runtime.cli.sample.spec import Reshot
from ganport_runtime.errors import RequestError
from ganport_runtime.values import closest_match, format_choices, repr_short

_MOST = 100.0  # far beyond it there is no picture left


@click.command()
@pictured(many=False)
@drawing
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
    help="Multiples of the attribute's latent direction, parted by commas.",
)
@settings_option
def manipulate(
    job: Job, attributes: tuple[str, ...], strengths: str, settings: tuple[str, ...]
) -> None:
    """A picture with more and less of an attribute.

    The picture is encoded, multiples of the attribute's latent direction are added to its noise,
    and pictures drawn of the sums. --set says what the picture itself shows.
    """
    request = request_of(job.conditions, settings)
    multiples = _multiples(strengths)
    directions = job.generator.directions
    names = [_direction(name, directions, job.name) for name in attributes]
    check_number(len(names) * len(multiples))
    z = job.encoded(request)[0]
    moved = [z + np.float32(by) * directions[name] for name, by in product(names, multiples)]
    job.save_table(
        job.generator.generate(request, z=np.stack(moved)),
        [
            Reshot(job.sources[0], request, directions={name: by})
            for name, by in product(names, multiples)
        ],
        rows=names,
        columns=[f"{by:+g}" if by else "0" for by in multiples],
        title=job.title(job.conditions.caption(request)),
        axes=("", "strength"),
    )


def _direction(asked: str, directions: Collection[str], bundle: str) -> str:
    """The name of the direction that a label, or its group and it, stand for."""
    if not directions:
        raise _bad(
            bundle,
            "a bundle with latent directions",
            "none in it",
            "Take a flow that was trained with labels.",
        )
    fits = [name for name in directions if asked in (name, name.partition("/")[2])]
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise _bad("--attribute", "one of these", format_choices(fits), f"Write {fits[0]!r}.")
    near = closest_match(asked, directions)
    fix = f"Did you mean {near!r}?"
    raise _bad("--attribute", f"one of {format_choices(directions)}", repr_short(asked), fix)


def _multiples(text: str) -> list[float]:
    try:
        numbers = [float(word) for word in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or not all(-_MOST <= number <= _MOST for number in numbers):
        expected = f"numbers from {-_MOST:g} to {_MOST:g}, parted by commas"
        raise _bad("--strengths", expected, repr_short(text), "Write --strengths -1,0,1.")
    return numbers


def _bad(place: str, expected: str, found: str, fix: str) -> RequestError:
    return RequestError(place, expected=expected, found=found, fix=fix)
