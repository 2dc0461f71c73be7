"""`sample-gan blend`: fractions between two requests."""

from __future__ import annotations

from itertools import product

import click

from ganport_runtime.cli.condition_args import request_of
from ganport_runtime.cli.sample.context import Job, steps_of
from ganport_runtime.cli.sample.options import counted, drawing, seeded
from ganport_runtime.cli.sample.spec import Shot
from ganport_runtime.errors import RequestError

_STEPS, _FRAMES = 7, 24


@click.command()
@seeded
@counted
@drawing
@click.option("--from", "first", required=True, metavar="TEXT", help="The request at the start.")
@click.option("--to", "second", required=True, metavar="TEXT", help="The request at the end.")
@click.option(
    "--steps", type=click.IntRange(2, 256), help="Pictures of the way (7; 24 of an animation)."
)
def blend(job: Job, first: str, second: str, steps: int | None) -> None:
    """From one request to another by fractions, the same face; a row for each seed.

    An animation goes there and back.
    """
    if not job.conditions.size:
        raise RequestError(
            "blend",
            expected="a generator with conditions",
            found="an unconditional one",
            fix="Run: sample-gan interpolate BUNDLE --seeds 3,8,21",
        )
    one, two = (request_of(job.conditions, (), text) for text in (first, second))
    shares = steps_of(steps or (_FRAMES if job.output.animate else _STEPS))
    if job.output.animate:
        shares += shares[-2:0:-1]
    requests = [job.conditions.blend(one, two, share) for share in shares]
    shots = [Shot(request, seed) for seed, request in product(job.seeds, requests)]
    start, end = job.conditions.caption(one), job.conditions.caption(two)
    job.save_table(
        job.draw(shots),
        shots,
        rows=[f"seed {seed}" for seed in job.seeds],
        columns=[f"{100 * share:.0f}%" for share in shares],
        title=job.title(f"{start} to {end}"),
        axes=("", f"share of {end}"),
        fps=12,
    )
