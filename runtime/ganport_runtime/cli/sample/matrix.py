"""`sample-gan matrix`: one group by another."""

from __future__ import annotations

from itertools import product

import click

from ganport_runtime.cli.condition_args import held_in_words, request_of, values_of
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
@click.option("--rows", required=True, metavar="GROUP", help="The group that rows run over.")
@click.option("--columns", required=True, metavar="GROUP", help="The group for the columns.")
@settings_option
def matrix(job: Job, rows: str, columns: str, settings: tuple[str, ...]) -> None:
    """Every value of one group by every value of another, the same seed in every cell."""
    others = request_of(job.conditions, settings)
    down, across = values_of(job.conditions, rows), values_of(job.conditions, columns)
    if rows == columns or {rows, columns} & others.keys():
        raise condition_error(
            rows, "rows, columns and --set of different groups", "one group twice"
        )
    # With several seeds a row follows for each of them, so cells compare down and across.
    shots = [
        Shot(others | {rows: row, columns: column}, seed)
        for row, seed, column in product(down.values(), job.seeds, across.values())
    ]
    more = [""] * (len(job.seeds) - 1)
    held = held_in_words(job.conditions, others, {rows, columns})
    job.save_table(
        job.draw(shots),
        shots,
        rows=[label for row in down for label in (row, *more)],
        columns=list(across),
        title=job.title(f"{rows} by {columns}", held),
        axes=(rows, columns),
    )
