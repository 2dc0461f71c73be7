"""`sample-gan translate`: pictures as they came, and in every domain."""

from __future__ import annotations

from itertools import product
from typing import Any

import click
import numpy as np

from ganport_runtime.cli.condition_args import request_of, values_of
from ganport_runtime.cli.sample.context import Job, check_number
from ganport_runtime.cli.sample.greedy import SeveralImages
from ganport_runtime.cli.sample.options import drawing, pictured, settings_option
from ganport_runtime.cli.sample.spec import Reshot
from ganport_runtime.conditions import Conditions


@click.command(cls=SeveralImages)
@pictured(required=True)
@drawing
@click.argument("text", required=False)
@settings_option
def translate(job: Job, text: str | None, settings: tuple[str, ...]) -> None:
    """Pictures as they came, and brought to every label alone; a row for each picture.

    With a TEXT or --set, brought to what it asks for and nothing else.
    """
    asked = request_of(job.conditions, settings, text)
    requests = {} if asked else _domains(job.conditions)
    requests = requests or {"translated": asked}
    check_number(len(job.sources) * (1 + len(requests)))
    pixels = np.stack([source.pixels for source in job.sources])
    translated = [job.generator.translate(pixels, request) for request in requests.values()]
    columns: list[dict[str, Any] | None] = [None, *requests.values()]
    shots = [Reshot(source, request) for source, request in product(job.sources, columns)]
    job.save_table(
        np.stack([pixels, *translated], axis=1).reshape(-1, *pixels.shape[1:]),
        shots,
        rows=[source.name for source in job.sources],
        columns=["as it came", *requests],
        title=job.title(job.conditions.caption(asked) if asked else ""),
    )


def _domains(conditions: Conditions) -> dict[str, dict[str, Any]]:
    """The request for every label alone, other groups at their defaults, by what it is called."""
    return {
        group.describe(value): {name: value}
        for name, group in conditions.fields.items()
        if group.labels and group.kind != "rgb"
        for value in values_of(conditions, name).values()
    }
