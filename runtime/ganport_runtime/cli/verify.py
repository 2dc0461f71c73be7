"""`ganport verify`: is this bundle what its export measured?"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ganport_runtime.bundle import Bundle
from ganport_runtime.bundle.verify import verify as checks_of

_MARKS = {True: "ok  ", False: "FAIL", None: "skip"}


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
def verify(bundle: Path) -> None:
    """Check digests, graphs and fixtures of BUNDLE (a folder, a zip or a lone .onnx).

    Prints a line for each check; exits 1 when one fails.
    """
    failed = 0
    for check in checks_of(Bundle.open(bundle)):
        click.echo(f"{_MARKS[check.passed]}  {check.name}: {check.detail}")
        failed += check.passed is False
    if failed:
        click.echo(f"{failed} of the checks failed", err=True)
        sys.exit(1)
