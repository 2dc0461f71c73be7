"""`ganport dataset draw`: sets of pictures that the project draws itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from ganport_train.synthetic import datasets, writer

Command = Callable[..., Any]


@click.group()
def draw() -> None:
    """Draw a tagged set of pictures."""


def _set_options(command: Command) -> Command:
    """Give `command` the options of every set."""
    options = (
        click.option(
            "--size", type=int, default=64, show_default=True, help="Side in pixels, 16 to 512."
        ),
        click.option(
            "--out",
            type=click.Path(path_type=Path),
            required=True,
            help="A zip, if it is called so, else a folder.",
        ),
        click.option(
            "--seed", type=int, default=0, show_default=True, help="Another seed, another set."
        ),
        click.option(
            "--workers", type=int, help="Processes. [default: the cores this process may use]"
        ),
        click.option("--force", is_flag=True, help="Replace what is there."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@draw.command()
@click.option("--count", type=int, required=True, help="Number of pictures.")
@click.option(
    "--attributes", is_flag=True, help="Smiles, hats, glasses and more, signed in CelebA's format."
)
@_set_options
def faces(
    count: int,
    attributes: bool,
    size: int,
    out: Path,
    seed: int,
    workers: int | None,
    force: bool,
) -> None:
    """Draw anime-like faces with 12 hair and 10 eye colours."""
    writer.write_faces(
        out,
        count,
        size,
        seed=seed,
        attributes=attributes,
        workers=_usable_cores() if workers is None else workers,
        replace=force,
        progress=_progress(count, "face"),
    )
    click.echo(f"{out}: {count} faces, {size}x{size}, seed {seed}")


@draw.command()
@click.option("--count", type=int, help="Number of pictures. [default: all of --labels]")
@click.option(
    "--labels",
    "file",
    type=click.Path(path_type=Path),
    help="A train.json of i-CLEVR: these pictures, with these objects.",
)
@_set_options
def shapes(
    count: int | None,
    file: Path | None,
    size: int,
    out: Path,
    seed: int,
    workers: int | None,
    force: bool,
) -> None:
    """Draw scenes of one to three spheres, cubes and cylinders, as i-CLEVR has them."""
    from ganport_train.synthetic.shapes.labels import read_labels, sample_labels
    from ganport_train.synthetic.shapes.writer import write_shapes

    if file is not None:
        labels = read_labels(file, count)
    elif count is not None:
        labels = sample_labels(count, seed)
    else:
        raise click.UsageError("Give --count N, or --labels FILE, or both.")
    write_shapes(
        out,
        labels,
        size,
        seed=seed,
        workers=_usable_cores() if workers is None else workers,
        replace=force,
        progress=_progress(len(labels.pictures), "scene"),
    )
    click.echo(f"{out}: {len(labels.pictures)} scenes, {size}x{size}, seed {seed}")


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), datasets.MOST_WORKERS)
    return min(os.cpu_count() or 1, datasets.MOST_WORKERS)


def _progress(count: int, unit: str) -> datasets.Progress:
    """Return a wrapper that shows a bar on a terminal, and elsewhere a line at each fifth."""

    def bar(stream: Iterator[bytes]) -> Iterator[bytes]:
        from tqdm import tqdm

        return iter(tqdm(stream, total=count, unit=unit))

    def lines(stream: Iterator[bytes]) -> Iterator[bytes]:
        for done, item in enumerate(stream, start=1):
            yield item
            if done % max(1, count // 5) == 0 and done < count:
                click.echo(f"drawn {done} of {count}", err=True)

    return bar if sys.stderr.isatty() and find_spec("tqdm") else lines
