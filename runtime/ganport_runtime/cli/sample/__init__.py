"""`sample-gan`: draw pictures from a bundle into a file that says how each was made."""

from __future__ import annotations

import click

from ganport_runtime.cli.sample.blend import blend
from ganport_runtime.cli.sample.colormap import colormap
from ganport_runtime.cli.sample.draw import draw, pairs
from ganport_runtime.cli.sample.edit import manipulate
from ganport_runtime.cli.sample.history import history
from ganport_runtime.cli.sample.interpolate import interpolate
from ganport_runtime.cli.sample.matrix import matrix
from ganport_runtime.cli.sample.sweep import sweep
from ganport_runtime.cli.sample.translate import translate


@click.group()
@click.version_option(package_name="ganport", prog_name="sample-gan")
def sample_gan() -> None:
    """Draw pictures from a bundle into a PNG, WebP or GIF that says how each was made."""


for _command in (
    draw,
    pairs,
    matrix,
    sweep,
    colormap,
    blend,
    interpolate,
    translate,
    manipulate,
    history,
):
    sample_gan.add_command(_command)
