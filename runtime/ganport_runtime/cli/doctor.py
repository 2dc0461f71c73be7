"""`ganport doctor`: what is installed here, and which devices really draw?"""

from __future__ import annotations

import json
import sys

import click

from ganport_runtime.doctor import examine


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Findings and facts as JSON.")
def doctor(as_json: bool) -> None:
    """Examine this machine: packages, driver, and a tiny graph drawn on every device.

    Prints a line for each finding (ok, warn, fail, or skip for what is absent and not needed),
    with the fix. Exits 1 when nothing here can draw.
    """
    result = examine()
    if as_json:
        click.echo(json.dumps(result.to_json(), indent=2, ensure_ascii=False))
    else:
        for finding in result.findings:
            click.echo(finding.line())
        click.echo(_summary(result.drawing), err=not result.drawing)
    sys.exit(0 if result.drawing else 1)


def _summary(devices: tuple[str, ...]) -> str:
    if not devices:
        return "nothing here can draw; the lines above say what to do"
    return f"draws on {', '.join(devices)}: --device takes these, and auto chooses among them"
