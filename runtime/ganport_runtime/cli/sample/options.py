"""Options that the `sample-gan` commands share, and the context made from them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from ganport_runtime.cli.sample.context import MAX_COUNT, Output, SampleContext, check_count
from ganport_runtime.cli.sample.spec import SourceImage
from ganport_runtime.devices.factory import PRECISIONS
from ganport_runtime.generator import Generator
from ganport_runtime.noise import check_seed, seed_range

Command = Callable[..., None]


def with_output_options(command: Command) -> Command:
    """Add the options of an output file, and pass an `Output` to the command."""

    @click.option(
        "--out",
        required=True,
        metavar="FILE|FOLDER",
        help="Output file; in a folder it has the name of the command.",
    )
    @click.option(
        "--fps", type=click.FloatRange(0.1, 50), help="Frames per second of an animation."
    )
    @click.option(
        "--quality",
        type=click.IntRange(1, 100),
        help="Quality of a lossy WebP; without it a WebP is lossless.",
    )
    @click.option("--dither/--no-dither", default=True, help="Dither the 256 colors of a GIF.")
    @wraps(command)
    def run(
        out: str,
        fps: float | None,
        quality: int | None,
        dither: bool,
        animate: bool = True,
        **others: Any,
    ) -> None:
        path = Path(out)
        if out.endswith(("/", os.sep)) or path.is_dir():
            path /= f"{click.get_current_context().info_name}{'.gif' if animate else '.png'}"
        command(Output(path, animate, fps, quality, dither), **others)

    return run


def with_bundle_options(command: Command) -> Command:
    """Add the options of bundle and output, and pass a `SampleContext` to the command.

    `with_seed_option` or `with_image_options` gives it seeds or images.
    """

    @click.argument("bundle", type=click.Path(path_type=Path))
    @with_output_options
    @click.option("--animate", is_flag=True, help="Write the columns as frames of a GIF or WebP.")
    @click.option("--device", default="auto", help="auto, cpu, cuda[:N], tensorrt[:N], openvino.")
    @click.option("--precision", type=click.Choice(PRECISIONS), default="fp32", show_default=True)
    @click.option("--scale", type=click.IntRange(1, 64), help="Enlarge by whole pixels.")
    @click.option(
        "--background",
        metavar="checker|none|#rrggbb",
        help="What transparent images lie over. One image: none; several: checker.",
    )
    @wraps(command)
    def run(
        output: Output,
        bundle: Path,
        device: str,
        precision: str,
        scale: int | None,
        background: str | None,
        seeds: list[int] | None = None,
        images: tuple[Path, ...] = (),
        no_crop: bool = False,
        **others: Any,
    ) -> None:
        check_count(len(images))
        generator = Generator.load(bundle, device, precision=precision)
        form = generator.image
        sources = tuple(SourceImage.read(path, form, crop=not no_crop) for path in images)
        context = SampleContext(generator, output, seeds or [], scale, sources, background)
        command(context, **others)

    return run


def with_seed_option(command: Command) -> Command:
    """Add the option `--seed`, and pass `count` consecutive seeds to the command."""

    @click.option("--seed", type=int, help="0 to 2^64 - 1; random by default.")
    @wraps(command)
    def run(seed: int | None, count: int = 1, **others: Any) -> None:
        # A random seed has 32 bits and not 64, so that it is easy to read from a sheet.
        first = secrets.randbits(32) if seed is None else check_seed(seed)
        command(seeds=seed_range(first, count), **others)

    return run


def with_image_options(
    *, required: bool = True, multiple: bool = True
) -> Callable[[Command], Command]:
    """Return a decorator that adds the options of source images.

    With `multiple`, the command must be a `GreedyCommand`.
    """

    def decorate(command: Command) -> Command:
        @click.option(
            "--images" if multiple else "--image",
            "images",
            multiple=multiple,
            required=required,
            metavar="FILE..." if multiple else "FILE",
            type=click.Path(path_type=Path),
            help="PNG, JPEG or WebP; the center is cropped to the aspect ratio of the bundle.",
        )
        @click.option("--no-crop", is_flag=True, help="Resize whole images; do not crop them.")
        @wraps(command)
        def run(images: Any, **others: Any) -> None:
            command(images=images if multiple else (images,), **others)

        return run

    return decorate


count_option = click.option(
    "--count",
    type=click.IntRange(1, MAX_COUNT),
    default=1,
    help="Images of each condition, with consecutive seeds.",
)


def with_seeds(command: Command) -> Command:
    """Add the options of bundle, output, `--seed` and `--count`; pass a `SampleContext`."""
    return with_seed_option(count_option(with_bundle_options(command)))


set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="GROUP=VALUE...",
    help="Set the value of one or more groups.",
)
