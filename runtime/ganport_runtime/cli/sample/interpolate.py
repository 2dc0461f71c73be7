"""`sample-gan interpolate`: the way between seeds, or between encoded pictures."""

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

from ganport_runtime.cli.condition_args import request_of
from ganport_runtime.cli.sample.context import Job, check_number, steps_of
from ganport_runtime.cli.sample.greedy import SeveralImages
from ganport_runtime.cli.sample.options import drawing, pictured, settings_option
from ganport_runtime.cli.sample.spec import Reshot, Shot, Source
from ganport_runtime.errors import RequestError
from ganport_runtime.generation.interpolation import linear
from ganport_runtime.noise import check_seed

_STEPS, _FRAMES = 6, 16
_SEED = re.compile(r"[0-9]{1,20}")
Ends = Sequence[tuple[Any, Any]]
"""The first and the last of each way: two seeds or two sources."""


def _between(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--seeds` and `--images` and hand it the list of the one that was given."""

    @click.option("--seeds", "listed", metavar="A,B,…", help="Two seeds or more.")
    @pictured(required=False)
    @wraps(command)
    def start(listed: str | None, images: tuple[Path, ...], **own: Any) -> None:
        if (listed is None) == (not images):
            found = "both" if images else "neither"
            raise _bad("interpolate", "--seeds or --images", found, "Write --seeds 3,8,21.")
        if len(images) == 1:
            raise _bad("--images", "two pictures or more", "one", "Write --images a.png b.png.")
        command(seeds=_seeds(listed) if listed is not None else [], images=images, **own)

    return start


@click.command(cls=SeveralImages)
@_between
@drawing
@click.argument("text", required=False)
@click.option(
    "--steps",
    type=click.IntRange(2, 256),
    help="Pictures from one to the next (6; 16 of an animation).",
)
@settings_option
def interpolate(job: Job, text: str | None, steps: int | None, settings: tuple[str, ...]) -> None:
    """From seed to seed, or from picture to picture, under one condition: TEXT or --set.

    A row for each pair; an animation comes back to the first. The way between seeds is spherical,
    that between the noise which pictures are encoded to is straight.
    """
    request = request_of(job.conditions, settings, text)
    title = job.title(job.conditions.caption(request))
    if job.output.animate:
        _save_loop(job, request, steps or _FRAMES, title)
        return
    ends: tuple[Any, ...] = job.sources or tuple(job.seeds)
    ways, shares = list(pairwise(ends)), steps_of(steps or _STEPS)
    shots, images = _drawn(job, request, ways, shares)
    kind = "picture" if job.sources else "seed"
    job.save_table(
        images,
        shots,
        rows=[f"{_named(one)} to {_named(two)}" for one, two in ways],
        columns=[f"{100 * share:.0f}%" for share in shares],
        title=title,
        axes=(f"{kind}s", f"share of the second {kind}"),
    )


def _save_loop(job: Job, request: dict[str, Any], steps: int, title: str) -> None:
    ends: tuple[Any, ...] = job.sources or tuple(job.seeds)
    ways, shares = list(pairwise((*ends, ends[0]))), [step / steps for step in range(steps)]
    shots, images = _drawn(job, request, ways, shares)
    word = "" if job.sources else "seed "
    labels = [
        f"{word}{_named(one)} to {_named(two)}, {100 * share:.0f}%"
        for (one, two), share in product(ways, shares)
    ]
    job.save_table(images, shots, rows=[""], columns=labels, title=title, fps=12)


def _drawn(
    job: Job, request: dict[str, Any], ways: Ends, shares: list[float]
) -> tuple[Sequence[Shot] | Sequence[Reshot], NDArray[np.uint8]]:
    """The pictures of every way in every share, and how each was made."""
    if not job.sources:
        shots = [Shot(request, one, two, share) for (one, two), share in product(ways, shares)]
        return shots, job.draw(shots)
    check_number(len(ways) * len(shares))
    noise = dict(zip(job.sources, job.encoded(request), strict=True))
    z = np.concatenate([linear(noise[one], noise[two], shares) for one, two in ways])
    made = [Reshot(one, request, two, share) for (one, two), share in product(ways, shares)]
    return made, job.generator.generate(request, z=z)


def _named(end: int | Source) -> str:
    return end.name if isinstance(end, Source) else str(end)


def _seeds(listed: str) -> list[int]:
    words = [word.strip() for word in listed.split(",")]
    if len(words) < 2 or not all(_SEED.fullmatch(word) for word in words):
        expected = "two seeds or more, parted by commas"
        raise _bad("--seeds", expected, repr(listed)[:80], "Write --seeds 3,8,21.")
    return [check_seed(int(word)) for word in words]


def _bad(place: str, expected: str, found: str, fix: str) -> RequestError:
    return RequestError(place, expected=expected, found=found, fix=fix)
