"""`sample-gan sweep`: one group through all its values, the rest held."""

from __future__ import annotations

from itertools import product

import click

from ganport_runtime.cli.condition_args import held_in_words, request_of, values_along
from ganport_runtime.cli.sample.context import Job
from ganport_runtime.cli.sample.options import (
    counted,
    drawing,
    seeded,
    settings_option,
)
from ganport_runtime.cli.sample.spec import Shot
from ganport_runtime.values import condition_error


@click.command()
@seeded
@counted
@drawing
@click.option("--over", required=True, metavar="GROUP", help="The group to change.")
@click.option(
    "--steps",
    type=click.IntRange(2, 256),
    help="Values of a number (7, from min to max) or colours around the hue circle (12).",
)
@settings_option
def sweep(job: Job, over: str, steps: int | None, settings: tuple[str, ...]) -> None:
    """The same face with every value of one group, --set holding the others; a row for each seed.

    A list group shows each label alone.
    """
    others = request_of(job.conditions, settings)
    values = values_along(job.conditions, over, steps)
    if over in others:
        raise condition_error(over, "--over and --set of different groups", "one group twice")
    shots = [
        Shot(others | {over: value}, seed) for seed, value in product(job.seeds, values.values())
    ]
    held = held_in_words(job.conditions, others, {over})
    job.save_table(
        job.draw(shots),
        shots,
        rows=[f"seed {seed}" for seed in job.seeds],
        columns=list(values),
        title=job.title(f"any {over}", held),
        axes=("", over),
    )
