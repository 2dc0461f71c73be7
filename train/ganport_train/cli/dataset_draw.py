"""`ganport dataset draw`: draw a labeled dataset. Needs no torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ganport_runtime.devices.onnxruntime_session import available_cpu_count
from ganport_train.synthetic import writer
from ganport_train.synthetic.datasets import MAX_IMAGES, MAX_WORKERS
from ganport_train.synthetic.scene_labels import MAX_SCENES, read_labels, sample_labels
from ganport_train.synthetic.sprites.drawing import SIZES

Command = Callable[..., Any]


@click.group()
def draw() -> None:
    """Draw a labeled dataset."""


def _available_cores() -> int:
    return min(available_cpu_count(), MAX_WORKERS)


def _count_option(limit: int) -> Callable[[Command], Command]:
    text = f"Number of images, at most {limit:,}."
    return click.option("--count", type=int, required=True, help=text)


_size_option = click.option(
    "--size", type=int, default=64, show_default=True, help="Side in pixels, 16 to 512."
)


def _with_output_options(command: Command) -> Command:
    """Add the options of every dataset to `command`."""
    options = (
        click.option(
            "--out",
            type=click.Path(path_type=Path),
            required=True,
            help="Output path: a zip if it ends in .zip, else a folder.",
        ),
        click.option("--seed", type=int, default=0, show_default=True, help="Random seed."),
        click.option(
            "--workers",
            type=int,
            default=_available_cores,
            show_default="the cores that this process may use",
            help="Worker processes.",
        ),
        click.option("--force", "replace", is_flag=True, help="Replace an existing dataset."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@draw.command()
@_count_option(MAX_IMAGES)
@click.option(
    "--attributes",
    is_flag=True,
    help="Add smiles, hats, glasses and more, listed in CelebA's format.",
)
@_size_option
@_with_output_options
def faces(count: int, attributes: bool, size: int, out: Path, **options: Any) -> None:
    """Draw anime-like faces with 12 hair and 10 eye colors."""
    writer.write_faces(out, count, size, attributes=attributes, **options)
    click.echo(f"{out}: {count} faces, {size}x{size}, seed {options['seed']}")


@draw.command()
@_count_option(writer.MAX_SPRITES)
@click.option(
    "--size",
    type=click.Choice([str(size) for size in SIZES]),
    default=str(SIZES[0]),
    show_default=True,
    help="Side in pixels.",
)
@_with_output_options
def sprites(count: int, size: str, out: Path, **options: Any) -> None:
    """Draw pixel-art characters with class, hair, outfit and weapon."""
    writer.write_sprites(out, count, int(size), **options)
    click.echo(f"{out}: {count} sprites, {size}x{size}, seed {options['seed']}")


@draw.command()
@click.option(
    "--count",
    type=int,
    help=f"Number of images: all of --labels, or at most {MAX_SCENES:,} without it.",
)
@click.option(
    "--labels",
    "file",
    type=click.Path(path_type=Path),
    help="A train.json of i-CLEVR: draw its images with its objects.",
)
@_size_option
@_with_output_options
def shapes(
    count: int | None, file: Path | None, size: int, out: Path, seed: int, **options: Any
) -> None:
    """Draw scenes of one to three spheres, cubes and cylinders in i-CLEVR's format."""
    if file is not None:
        labels = read_labels(file, count)
    elif count is not None:
        labels = sample_labels(count, seed)
    else:
        raise click.UsageError("Give --count N, or --labels FILE, or both.")
    writer.write_shapes(out, labels, size, seed=seed, **options)
    click.echo(f"{out}: {len(labels.images)} scenes, {size}x{size}, seed {seed}")
