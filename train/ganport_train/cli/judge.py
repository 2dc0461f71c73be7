"""`eval-gan judge`: train the judge of a data set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from ganport_runtime.errors import RequestError
from ganport_runtime.values import sanitize
from ganport_train.backend.device import make_exact, pick
from ganport_train.data import load_dataset
from ganport_train.data.formats.registry import AUTO, FORMATS
from ganport_train.evaluation.judge import resume_state
from ganport_train.evaluation.judge.file import (
    CARD,
    MAX_RESOLUTION,
    MAX_WIDTH,
    MIN_WIDTH,
)
from ganport_train.evaluation.judge.network import MIN_RESOLUTION
from ganport_train.evaluation.judge.training import JudgeTrainer, Settings
from ganport_train.runs.stop_signal import interruptible

_PATH = click.Path(path_type=Path)
_WORST = 3  # labels shown


@click.command()
@click.option("--data", type=_PATH, required=True, help="Folder or zip of labelled pictures.")
@click.option("--out", type=_PATH, required=True, help="Folder of the judge.")
@click.option(
    "--resolution",
    type=click.IntRange(MIN_RESOLUTION, MAX_RESOLUTION),
    default=64,
    show_default=True,
)
@click.option("--epochs", type=click.IntRange(1, 10_000), default=14, show_default=True)
@click.option(
    "--width",
    type=click.IntRange(MIN_WIDTH, MAX_WIDTH),
    default=32,
    show_default=True,
    help="First channels.",
)
@click.option("--batch", type=click.IntRange(2, 4096), default=64, show_default=True)
@click.option(
    "--rate", type=click.FloatRange(1e-6, 1.0), default=3e-3, show_default=True, help="Largest."
)
@click.option(
    "--val-fraction",
    "held_out",
    type=click.FloatRange(0.001, 0.9),
    default=0.05,
    show_default=True,
    help="Share that the judge never sees and is tested on: by default that of the recipes.",
)
@click.option("--seed", type=click.IntRange(0, 2**31), default=0, show_default=True)
@click.option("--no-mirror", is_flag=True, help="For pictures in which left and right matter.")
@click.option("--kind", type=click.Choice(FORMATS), default=AUTO, show_default=True)
@click.option("--attribute", "attributes", multiple=True, help="Only these of its attributes.")
@click.option("--skip-bad", is_flag=True, help="Leave out pictures that cannot be used.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
def judge(
    data: Path,
    out: Path,
    kind: str,
    attributes: tuple[str, ...],
    skip_bad: bool,
    device: str,
    no_mirror: bool,
    **numbers: Any,
) -> None:
    """Train the judge of a data set: eval-gan judge --data PATH --out JUDGE.

    A small network learns to read the data set's own conditions; its accuracy is measured on
    pictures it never saw. Stopped with Ctrl-C, the same command goes on after the last epoch.
    """
    _check_free(out)
    chosen = pick(device)
    settings = Settings(**numbers, mirror=not no_mirror)
    dataset = load_dataset(
        data,
        resolution=settings.resolution,
        format=kind,
        attributes=attributes,
        skip_bad=skip_bad,
    )
    make_exact()
    trainer = JudgeTrainer(out, dataset, settings, chosen, click.echo)
    trainer.resume()
    with interruptible() as interrupt:
        complete = trainer.train(interrupt)
    if not complete:
        click.echo("stopped; the same command goes on after the last whole epoch")
        raise SystemExit(130)
    name = sanitize(data.resolve().name)
    card = trainer.finish({"data": {"name": name, "digest": dataset.digest}})
    for line in _lines(card):
        click.echo(line)
    here, there = click.format_filename(out), click.format_filename(data)
    click.echo(f"{here}: next, eval-gan score BUNDLE --data {there} --judge {here} --out REPORT")


def _check_free(out: Path) -> None:
    if (out / CARD).exists():
        found = "one that holds a judge"
    elif out.is_file():
        found = "a file"
    elif out.is_dir() and not resume_state.holds_nothing_else(out):
        found = "one that holds other files"
    else:
        return
    raise RequestError(
        f"--out {out}", expected="a new folder", found=found, fix="Name another place."
    )


def _lines(card: Mapping[str, Any]) -> Iterator[str]:
    yield f"on {card['held_out']:,} held-out pictures (95 % interval)"
    for name, found in card["accuracy"].items():
        yield f"  {name:<14} {found['value']:7.2%}   {found['low']:.2%} to {found['high']:.2%}"
        seen = [(label, part["value"]) for label, part in found["labels"].items() if part["count"]]
        worst = sorted(seen, key=lambda item: float(item[1]))[:_WORST]
        if worst:
            listed = ", ".join(f"{label} {share:.1%}" for label, share in worst)
            yield f"  {'':<14} lowest: {listed}"
