"""`sample-gan`: draw pictures from a bundle into a file that says how each was made."""

from __future__ import annotations

import click

from ganport_runtime.commands.sample.blend import blend
from ganport_runtime.commands.sample.colormap import colormap
from ganport_runtime.commands.sample.draw import draw, pairs
from ganport_runtime.commands.sample.history import history
from ganport_runtime.commands.sample.interpolate import interpolate
from ganport_runtime.commands.sample.manipulate import manipulate
from ganport_runtime.commands.sample.matrix import matrix
from ganport_runtime.commands.sample.sweep import sweep
from ganport_runtime.commands.sample.translate import translate


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
