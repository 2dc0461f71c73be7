"""`sample-gan colormap`: hue by lightness of a colour group."""

from __future__ import annotations

from itertools import product

import click
import numpy as np
from numpy.typing import NDArray

from ganport_runtime.cli.condition_args import held_in_words, request_of
from ganport_runtime.cli.sample.context import Job
from ganport_runtime.cli.sample.options import drawing, seeded, settings_option
from ganport_runtime.cli.sample.spec import Shot
from ganport_runtime.conditions import Conditions, Rgb
from ganport_runtime.conditions.colors import channels, from_hue
from ganport_runtime.errors import ConditionError
from ganport_runtime.values import condition_error


@click.command()
@seeded
@drawing
@click.option("--group", required=True, help="The colour group to map.")
@click.option("--hues", type=click.IntRange(2, 360), default=24, help="Columns, around the circle.")
@click.option("--lightnesses", type=click.IntRange(1, 99), default=9, help="Rows, light to dark.")
@click.option("--saturation", type=click.IntRange(0, 100), default=100, help="In percent (HSL).")
@settings_option
def colormap(
    job: Job, group: str, hues: int, lightnesses: int, saturation: int, settings: tuple[str, ...]
) -> None:
    """The map of a colour group, hue by lightness (HSL), the same seed in every cell.

    Below each picture stands the colour it was asked for.
    """
    _check_colour(job.conditions, group)
    others = request_of(job.conditions, settings)
    if group in others:
        raise condition_error(group, "--group and --set of different groups", "one group twice")
    down = [1 - (row + 1) / (lightnesses + 1) for row in range(lightnesses)]
    across = [360 * column / hues for column in range(hues)]
    colours = [from_hue(hue, light, saturation / 100) for light, hue in product(down, across)]
    shots = [Shot(others | {group: colour}, job.seeds[0]) for colour in colours]
    held = held_in_words(job.conditions, others, {group})
    job.save_table(
        _over_colours(job.draw(shots), colours),
        shots,
        rows=[f"{100 * light:.3g}%" for light in down],
        columns=[f"{hue:.3g}°" for hue in across],
        title=job.title(group, f"saturation {saturation}%", held),
        axes=("lightness", "hue"),
        fps=6,
    )


def _check_colour(conditions: Conditions, name: str) -> None:
    group = conditions[name]
    if not isinstance(group, Rgb):
        raise ConditionError(
            f"condition {name!r}",
            expected="a group of colours (rgb)",
            found=f"a {group.kind} group",
            fix=f"Run: sample-gan sweep BUNDLE --over {group.fields[0].name}",
        )


def _over_colours(images: NDArray[np.uint8], colours: list[str]) -> NDArray[np.uint8]:
    """The pictures with a strip of their colour below each."""
    height = max(1, images.shape[1] // 10)
    strips = np.array([channels(colour) for colour in colours], np.uint8)[:, None, None]
    shape = (len(images), height, *images.shape[2:])
    return np.concatenate([images, np.broadcast_to(strips, shape)], axis=1)
