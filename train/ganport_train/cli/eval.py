"""`eval-gan`: how good a generator's pictures are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

import click

from ganport_runtime.extras import require_packages
from ganport_runtime.files import atomic_write, check_output
from ganport_runtime.generator import Generator
from ganport_train.synthetic import color_accuracy
from ganport_train.synthetic.color_accuracy import ColorAccuracy
from ganport_train.synthetic.palette import EYES, HAIR

_PATH = click.Path(path_type=Path)
_WORST = 3  # labels shown
_EXTRA = ("jinja2", "scipy", "torch", "torch_fidelity", "torchvision")
_LATER = {
    "judge": "Train the judge of a data set.",
    "score": "Report how good the pictures of a bundle or run are.",
    "compare": "Set runs and reports side by side.",
}


class _Evaluations(click.Group):
    """A group that imports a command of `_LATER` when it is called: it needs the extra eval."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if name in _LATER:
            require_packages("eval", _EXTRA)
            command = getattr(import_module(f"ganport_train.cli.{name}"), name)
        return name, command, rest


@click.group(name="eval-gan", cls=_Evaluations)
def eval_gan() -> None:
    """Measure how good the pictures of a generator are."""


for _name, _summary in _LATER.items():
    eval_gan.add_command(click.Command(_name, short_help=_summary))


@eval_gan.command()
@click.argument("bundle", type=_PATH)
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    default=8,
    show_default=True,
    help="Pictures for each pair of hair and eye colour.",
)
@click.option(
    "--drawn",
    type=click.IntRange(1, 100_000),
    default=960,
    show_default=True,
    help="Freshly drawn faces to compare with.",
)
@click.option("--report", type=_PATH, help="Write the figures here, as JSON.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
def colours(bundle: Path, seeds: int, drawn: int, report: Path | None, device: str) -> None:
    """Measure how often BUNDLE's faces show the hair and eye colours asked for."""
    if report:
        check_output(report, (".json",))
    generator = Generator.load(bundle, device=device)
    size = color_accuracy.check_measurable(generator, str(bundle))
    asked = len(HAIR) * len(EYES) * seeds
    click.echo(f"1/2 drawing and measuring {asked:,} pictures of {bundle.name}", err=True)
    shown = color_accuracy.measure_accuracy(color_accuracy.generate_faces(generator, seeds))
    click.echo(f"2/2 drawing and measuring {drawn:,} fresh faces to compare with", err=True)
    reference = color_accuracy.measure_accuracy(color_accuracy.draw_unseen_faces(drawn, size))
    for line in _lines(shown, reference):
        click.echo(line)
    if report:
        figures = color_accuracy.make_report(
            shown,
            reference,
            bundle=bundle.name,
            digest=generator.bundle.digest,
            size=size,
            seeds=seeds,
            drawn=drawn,
        )
        atomic_write(report, (json.dumps(figures, indent=2) + "\n").encode())


def _lines(
    shown: Mapping[str, ColorAccuracy], reference: Mapping[str, ColorAccuracy]
) -> Iterator[str]:
    yield f"{'colour as asked':<16}{'hair':>8}{'eyes':>9}{'pictures':>10}"
    for title, parts in (("generated", shown), ("freshly drawn", reference)):
        hair, eyes = parts["hair"], parts["eyes"]
        count = hair.pairs.total()
        yield f"{title:<16}{hair.accuracy:>8.1%}{eyes.accuracy:>9.1%}{count:>10}"
    for name, part in shown.items():
        worst = [_mistake(part, label, share) for label, share in part.by_label().items()]
        yield f"worst {name}: {', '.join(worst[:_WORST])}"


def _mistake(part: ColorAccuracy, label: str, share: float) -> str:
    other = part.most_confused_with(label)
    return f"{label} {share:.1%}" + (f" (else {other})" if other != label else "")
