"""`eval-gan`: measure the images of a generator."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path

import click

from ganport_runtime.errors import require_packages
from ganport_runtime.files import atomic_write, check_output
from ganport_runtime.generator import Generator
from ganport_train.synthetic import color_accuracy
from ganport_train.synthetic.color_accuracy import ColorAccuracy
from ganport_train.synthetic.palette import EYES, HAIR

_PATH = click.Path(path_type=Path)
_LABELS_SHOWN = 3
_EVAL_PACKAGES = ("jinja2", "scipy", "torch", "torch_fidelity", "torchvision")
_EVAL_COMMANDS = {
    "judge": "Train the judge of a data set.",
    "score": "Report the image quality of a bundle or run.",
    "compare": "Compare runs and reports.",
}
_MODULES = {"judge": "judge", "score": "score", "compare": "score"}

Decorator = Callable[[Callable[..., None]], Callable[..., None]]


def number_option(
    name: str, low: float, high: float, default: float, text: str | None = None
) -> Decorator:
    """Return the option of a number, which must be whole if its default is."""
    is_whole = isinstance(default, int)
    limits = click.IntRange(int(low), int(high)) if is_whole else click.FloatRange(low, high)
    return click.option(name, type=limits, default=default, show_default=True, help=text)


class _LazyGroup(click.Group):
    """A group that imports a command of `_EVAL_COMMANDS` only to run it."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if name in _EVAL_COMMANDS:
            require_packages("eval", _EVAL_PACKAGES)
            command = getattr(import_module(f"ganport_train.cli.{_MODULES[name]}"), name)
        return name, command, rest


@click.group(name="eval-gan", cls=_LazyGroup)
def eval_gan() -> None:
    """Measure the images of a generator.

    Exit codes: 0 done, 1 error, 2 usage, 6 missing package, 130 a judge that was stopped and saved.
    """


for _name, _summary in _EVAL_COMMANDS.items():
    eval_gan.add_command(click.Command(_name, short_help=_summary))


@eval_gan.command()
@click.argument("bundle", type=_PATH)
@number_option("--seeds", 1, 1000, 8, "Images for each pair of hair and eye color.")
@number_option("--drawn", 1, 100_000, 960, "Synthetic faces to draw as a reference.")
@click.option("--report", type=_PATH, help="JSON file for the results.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
def colors(bundle: Path, seeds: int, drawn: int, report: Path | None, device: str) -> None:
    """Measure how often BUNDLE's faces have the requested hair and eye colors."""
    if report:
        check_output(report, (".json",))
    generator = Generator.load(bundle, device=device)
    size = color_accuracy.check_measurable(generator, str(bundle))
    count = len(HAIR) * len(EYES) * seeds
    click.echo(f"1/2 generating and measuring {count:,} images of {bundle.name}", err=True)
    generated = color_accuracy.measure_accuracy(color_accuracy.generate_faces(generator, seeds))
    click.echo(f"2/2 drawing and measuring {drawn:,} synthetic faces as a reference", err=True)
    reference = color_accuracy.measure_accuracy(color_accuracy.draw_unseen_faces(drawn, size))
    for line in _summary_lines(generated, reference):
        click.echo(line)
    if report:
        results = {
            "bundle": bundle.name,
            "digest": generator.bundle.digest,
            "size": size,
            "seeds": seeds,
            "drawn": drawn,
            "generated": {name: part.to_json() for name, part in generated.items()},
            "reference": {name: part.to_json() for name, part in reference.items()},
        }
        atomic_write(report, (json.dumps(results, indent=2) + "\n").encode())


def _summary_lines(
    generated: Mapping[str, ColorAccuracy], reference: Mapping[str, ColorAccuracy]
) -> Iterator[str]:
    yield f"{'color accuracy':<16}{'hair':>8}{'eyes':>9}{'images':>10}"
    for title, groups in (("generated", generated), ("synthetic", reference)):
        hair, eyes = groups["hair"], groups["eyes"]
        yield f"{title:<16}{hair.accuracy:>8.1%}{eyes.accuracy:>9.1%}{hair.pairs.total():>10}"
    for name, group in generated.items():
        lowest = [_label_text(group, label, value) for label, value in group.by_label().items()]
        yield f"lowest {name}: {', '.join(lowest[:_LABELS_SHOWN])}"


def _label_text(group: ColorAccuracy, label: str, value: float) -> str:
    other = group.most_confused_with(label)
    return f"{label} {value:.1%}" + (f" (mostly {other} instead)" if other != label else "")
