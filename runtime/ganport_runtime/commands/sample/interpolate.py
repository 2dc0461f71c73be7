"""`sample-gan interpolate`: the spherical way between seeds."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from itertools import pairwise, product
from typing import Any

import click

from ganport_runtime.commands._requests import request_of
from ganport_runtime.commands.sample._job import Job, Shot, drawing, settings_option, steps_of
from ganport_runtime.errors import RequestError
from ganport_runtime.noise import check_seed

_STEPS, _FRAMES = 6, 16
_SEED = re.compile(r"[0-9]{1,20}")


def _between(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--seeds` and hand it the list of them."""

    @click.option("--seeds", "listed", required=True, metavar="A,B,…", help="Two seeds or more.")
    @wraps(command)
    def start(listed: str, **own: Any) -> None:
        command(seeds=_seeds(listed), **own)

    return start


@click.command()
@_between
@drawing
@click.argument("text", required=False)
@click.option(
    "--steps",
    type=click.IntRange(2, 256),
    help="Pictures from seed to seed (6; 16 of an animation).",
)
@settings_option
def interpolate(job: Job, text: str | None, steps: int | None, settings: tuple[str, ...]) -> None:
    """From seed to seed under one condition: TEXT or --set; a row for each pair of seeds.

    An animation comes back to the first seed.
    """
    request = request_of(job.conditions, settings, text)
    title = job.title(job.conditions.caption(request))
    if job.output.animate:
        _save_loop(job, request, steps or _FRAMES, title)
        return
    ways, shares = list(pairwise(job.seeds)), steps_of(steps or _STEPS)
    shots = [Shot(request, one, two, share) for (one, two), share in product(ways, shares)]
    job.save_table(
        job.draw(shots),
        shots,
        rows=[f"{one} to {two}" for one, two in ways],
        columns=[f"{100 * share:.0f}%" for share in shares],
        title=title,
        axes=("seeds", "share of the second seed"),
    )


def _save_loop(job: Job, request: dict[str, Any], steps: int, title: str) -> None:
    ways = pairwise([*job.seeds, job.seeds[0]])
    shares = [step / steps for step in range(steps)]
    shots = [Shot(request, one, two, share) for (one, two), share in product(ways, shares)]
    labels = [f"seed {s.seed} to {s.towards}, {100 * s.share:.0f}%" for s in shots]
    job.save_table(job.draw(shots), shots, rows=[""], columns=labels, title=title, fps=12)


def _seeds(listed: str) -> list[int]:
    words = [word.strip() for word in listed.split(",")]
    if len(words) < 2 or not all(_SEED.fullmatch(word) for word in words):
        raise RequestError(
            "--seeds",
            expected="two seeds or more, parted by commas",
            found=repr(listed)[:80],
            fix="Write --seeds 3,8,21.",
        )
    return [check_seed(int(word)) for word in words]
