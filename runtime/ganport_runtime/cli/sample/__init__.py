"""`sample-gan`: generate images from a bundle into a file that records how each was made."""

from __future__ import annotations

import click

from ganport_runtime.cli.sample.atlas import atlas
from ganport_runtime.cli.sample.editing import edit, translate
from ganport_runtime.cli.sample.grids import blend, colormap, draw, list_images, matrix, sweep
from ganport_runtime.cli.sample.history import history
from ganport_runtime.cli.sample.interpolate import interpolate

_COMMANDS = (
    draw,
    list_images,
    matrix,
    sweep,
    colormap,
    blend,
    interpolate,
    translate,
    edit,
    atlas,
    history,
)


@click.group()
@click.version_option(package_name="ganport", prog_name="sample-gan")
def sample_gan() -> None:
    """Generate images from a bundle: a PNG, WebP or GIF that records how each was made.

    Exit codes: 0 written, 1 error, 2 usage, 6 missing package.
    """


for _command in _COMMANDS:
    sample_gan.add_command(_command)
