"""The options that the ways of drawing share, and the `Job` made of them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from ganport_runtime.cli.sample.context import MAX_COUNT, Job, check_number
from ganport_runtime.cli.sample.output import Output, written
from ganport_runtime.cli.sample.spec import Source
from ganport_runtime.generator import Generator
from ganport_runtime.noise import check_seed, seed_range


def drawing(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of bundle and output and hand it a `Job` in their place.

    It is to be called with `seeds`, which `seeded` sees to, or with `images`, as `pictured` does.
    """

    @click.argument("bundle", type=click.Path(path_type=Path))
    @written
    @click.option("--animate", is_flag=True, help="Write the columns as frames: a GIF or WebP.")
    @click.option("--device", default="auto", help="auto, cpu, cuda or cuda:N.")
    @click.option("--scale", type=click.IntRange(1, 64), help="Enlarge by whole pixels.")
    @wraps(command)
    def start(
        output: Output,
        bundle: Path,
        device: str,
        scale: int | None,
        seeds: list[int] | None = None,
        images: tuple[Path, ...] = (),
        whole: bool = False,
        **own: Any,
    ) -> None:
        check_number(len(images))
        generator = Generator.load(bundle, device)
        size = generator.manifest.image.size
        sources = tuple(Source.read(path, size, whole) for path in images)
        command(Job(generator, output, seeds or [], scale, sources), **own)

    return start


def seeded(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--seed`, and hand it as many consecutive seeds as `counted` says."""

    @click.option("--seed", type=int, help="0 to 2^64 - 1; without one the system draws it.")
    @wraps(command)
    def start(seed: int | None, count: int = 1, **own: Any) -> None:
        # Half as many digits as a seed may have: it is to be read off a sheet.
        first = secrets.randbits(32) if seed is None else check_seed(seed)
        command(seeds=seed_range(first, count), **own)

    return start


def pictured(
    *, required: bool = True, many: bool = True
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options that name pictures for its `Job`; it is a `SeveralImages` if
    `many`."""

    def give(command: Callable[..., None]) -> Callable[..., None]:
        @click.option(
            "--images" if many else "--image",
            "images",
            multiple=many,
            required=required,
            metavar="FILE..." if many else "FILE",
            type=click.Path(path_type=Path),
            help="PNG, JPEG or WebP; the centre is cut to the shape of the bundle.",
        )
        @click.option("--whole", is_flag=True, help="Squeeze whole pictures instead of cutting.")
        @wraps(command)
        def start(images: Any, **own: Any) -> None:
            command(images=images if many else (images,), **own)

        return start

    return give


counted = click.option(
    "--count",
    type=click.IntRange(1, MAX_COUNT),
    default=1,
    help="Pictures of each condition, with consecutive seeds.",
)
settings_option = click.option(
    "--set", "settings", multiple=True, metavar="GROUP=VALUE", help="Ask for a value of a group."
)
