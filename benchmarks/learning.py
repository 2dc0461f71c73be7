"""Learning: what variants of a recipe reach in equal CPU (or GPU) seconds, by an independent judge.

The variants train in turn for a slice of seconds, all in one process. Measuring is not counted. The
same command continues runs that were stopped. The judge is one of `eval-gan judge` that no variant
has trained with.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import torch
from exam import Exam, Record

from ganport_models import Checkpoint
from ganport_runtime.files import atomic_write
from ganport_train.backend.device import enable_determinism, resolve_device
from ganport_train.cli.train import load_data, training_size
from ganport_train.config import presets, recipes
from ganport_train.config.recipe import Recipe
from ganport_train.data import Dataset
from ganport_train.engine.trainer import Trainer
from ganport_train.engine.warm_start import WarmStart
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.runs.train_state import StopSignal

GOALS = {"joint": (0.8, 0.9, 0.95, 0.97), "kernel": (10.0, 5.0, 3.0)}
"""What the seconds to are reported of: accuracies from below, distances from above."""
_KEPT = ("logging.eval_images=0", "logging.checkpoint_minutes=100000", "logging.keep=1")


class Slice(StopSignal):
    """A stop signal that is set after a number of seconds of device work."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self.seconds, self.clock = seconds, clock
        self.started: float | None = None
        self.spent = 0.0

    @property
    def requested(self) -> bool:
        """Whether the seconds are over; the first call starts them."""
        now = self.clock()
        self.started = now if self.started is None else self.started
        self.spent = now - self.started
        return self.spent >= self.seconds


class Variant:
    """A variant of a recipe in training, in a folder of its own: `NAME: RECIPE KEY=VALUE ...`.

    `from=RUN` starts with the networks of a run, as `train-gan --from` does. The presets for the
    data set and the device apply as in `train-gan`.
    """

    def __init__(self, text: str, out: Path, dataset: Dataset, device: torch.device) -> None:
        self.name, _, rest = (part.strip() for part in text.partition(":"))
        recipe, overrides, source = split_options(rest)
        self.folder, self.device = out / self.name.replace(" ", "-"), device
        self.folder.mkdir(parents=True, exist_ok=True)
        choices = presets.load(recipe, [*overrides, *_KEPT])
        resolved, lines = choices.select(training_size(choices.plain, dataset), device)
        for line in lines:
            print(f"{self.name}: {line}", flush=True)
        self.trainer = Trainer(
            self.folder, without_bounds(resolved), dataset, device, lambda _: None
        )
        self.trainer.resume()
        if source and self.trainer.is_new:
            self.trainer.start_from(WarmStart.load(source))
        self.records: list[Record] = read_records(self.folder)

    @property
    def seconds(self) -> float:
        """What it has spent on training."""
        return float(self.records[-1]["seconds"]) if self.records else 0.0

    def advance(self, until: float, exam: Exam) -> Record:
        """Train up to a total number of seconds, and add a record of the quality."""
        spent = Slice(until - self.seconds, clock_of(self.device))
        before = self.seconds
        self.trainer.train(spent)
        generator = Checkpoint.load(self.folder, "latest").generator().to(self.device)
        record = {
            "variant": self.name,
            "seconds": before + spent.spent,
            "images": self.trainer.images,
            **exam.measure(generator),
        }
        self.records.append(record)
        lines = "".join(json.dumps(one) + "\n" for one in self.records)
        atomic_write(self.folder / "learning.jsonl", lines.encode())
        return record


def split_options(text: str) -> tuple[str, list[str], str]:
    """Return recipe, overrides and the value of `from=` of `RECIPE KEY=VALUE ...`."""
    recipe, *options = text.split()
    overrides = [option for option in options if not option.startswith("from=")]
    source = next((option[5:] for option in options if option not in overrides), "")
    return recipe, overrides, source


def data_recipe(variants: Sequence[str]) -> Recipe:
    """Return the first recipe, whose data set serves all; refuse one that reads another."""
    texts = (text.partition(":")[2] for text in variants)
    first, *others = (recipes.load(*split_options(text)[:2]) for text in texts)
    if any(_data_options(other) != _data_options(first) for other in others):
        raise click.UsageError("all variants need the same conditions, image size and mode")
    return first


def _data_options(recipe: Recipe) -> tuple[Any, ...]:
    data = recipe.data
    return recipe.vocabulary(), data.image_options(), data.format, data.attributes


def without_bounds(recipe: Recipe) -> Recipe:
    """Return the recipe without presets and without a length limit."""
    return replace(recipe, presets={}, length=replace(recipe.length, max_images=10**9, minutes=0.0))


def read_records(folder: Path) -> list[Record]:
    """Return the records of an earlier part of a run."""
    path = folder / "learning.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def clock_of(device: torch.device) -> Callable[[], float]:
    """Seconds of all cores on a CPU; of the wall, with the device's work done, on a GPU."""
    if device.type != "cuda":
        return time.process_time

    def synchronized() -> float:
        torch.cuda.synchronize(device)
        return time.perf_counter()

    return synchronized


def seconds_to(records: Sequence[Record], name: str, goal: float) -> float | None:
    """Return when a curve first reaches a goal, by linear interpolation; None = never.

    Distances reach a goal from above, all other values from below.
    """
    sign = -1 if name == "kernel" else 1
    before = None
    for record in records:
        if sign * record[name] >= sign * goal:
            if before is None:
                return float(record["seconds"])
            part = (goal - before[name]) / (record[name] - before[name])
            return float(before["seconds"] + part * (record["seconds"] - before["seconds"]))
        before = record
    return None


def curve(variants: Sequence[Sequence[Record]]) -> Iterator[str]:
    """Return all records of all variants as a Markdown table."""
    names = list(variants[0][0])
    yield "| " + " | ".join(names) + " |"
    yield "|" + "---|" * len(names)
    for records in variants:
        for record in records:
            yield "| " + " | ".join(_format(name, record[name]) for name in names) + " |"


def goals(variants: Sequence[Sequence[Record]]) -> Iterator[str]:
    """Return the seconds of every variant to every goal as a Markdown table."""
    measured = variants[0][0]  # no accuracy without a condition
    wanted = [(name, goal) for name in GOALS if name in measured for goal in GOALS[name]]
    yield "| variant | " + " | ".join(f"{name} {goal:g}" for name, goal in wanted) + " |"
    yield "|" + "---|" * (len(wanted) + 1)
    for records in variants:
        times = [seconds_to(records, name, goal) for name, goal in wanted]
        cells = ["-" if one is None else f"{one:.0f} s" for one in times]
        yield f"| {records[0]['variant']} | " + " | ".join(cells) + " |"


def _format(name: str, value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if name == "seconds" else f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


@click.command()
@click.argument("variants", nargs=-1, required=True)
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--unseen", type=click.Path(path_type=Path, exists=True), help="Data to measure on.")
@click.option("--judge", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the runs.")
@click.option("--seconds", default=720.0, show_default=True, help="Of training, for each variant.")
@click.option("--slice", "step", default=120.0, show_default=True, help="Seconds of a turn.")
@click.option("--device", default="auto", show_default=True)
def main(
    variants: tuple[str, ...],
    data: Path,
    unseen: Path | None,
    judge: Path,
    out: Path,
    seconds: float,
    step: float,
    device: str,
) -> None:
    """Compare VARIANTS, each `NAME: RECIPE KEY=VALUE ...`, at equal seconds."""
    chosen = resolve_device(device)
    exam_judge = Judge.load(judge, chosen)
    first = data_recipe(variants)
    dataset = load_data(first, data, skip_bad=True)
    measured = load_data(first, unseen, skip_bad=True) if unseen else dataset
    if measured.conditions != dataset.conditions:
        raise click.UsageError("--unseen needs the same condition groups and labels as --data")
    exam = Exam(exam_judge, measured)
    real = ", ".join(f"{name} {share:.3f}" for name, share in exam_judge.metadata.accuracy.items())
    print(f"judge on held-out real images: {real}", flush=True)
    enable_determinism()
    runs = [Variant(text, out, dataset, chosen) for text in variants]
    for turn in range(1, round(seconds / step) + 1):
        for run in runs:
            if run.seconds < turn * step:
                record = run.advance(turn * step, exam)
                print(" ".join(f"{k} {_format(k, v)}" for k, v in record.items()), flush=True)
    columns = [run.records for run in runs]
    print("\n".join([*curve(columns), "", *goals(columns)]))


if __name__ == "__main__":
    main()
