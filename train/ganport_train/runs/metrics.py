"""Metrics of a run: the files that store them, and the lines that show them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ganport_models.migrations import LOG_KEYS, rename_keys
from ganport_runtime.errors import GanportError, require_packages
from ganport_runtime.files import atomic_write
from ganport_train.config.sections import LengthOptions
from ganport_train.runs.train_state import TrainState

STATS = "stats.jsonl"
"""One line per log interval."""
SCORES = "scores.jsonl"
"""One line per scored checkpoint."""

Record = Mapping[str, Any]


def read_log(run: Path, name: str = STATS) -> list[dict[str, Any]]:
    """Return the complete lines of a log file in order; the last line may be truncated.

    Raise GanportError, with the number of the line, for a corrupt line.
    """
    path = run / name
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    return [_parse_line(line, f"{path}: line {number}") for number, line in enumerate(lines, 1)]


class JsonlLog:
    """A log file, open for appending.

    Opening the log at a step removes all later lines: the run will repeat those steps.
    """

    def __init__(self, run: Path, step: int, name: str = STATS) -> None:
        kept = [record for record in read_log(run, name) if record["step"] <= step]
        atomic_write(run / name, "".join(map(_format_line, kept)).encode())
        self._file = (run / name).open("a", encoding="utf-8")

    def write(self, record: Record) -> None:
        """Append a record and flush it to the disk."""
        self._file.write(_format_line(record))
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()


class TensorBoardWriter:
    """TensorBoard event files in the run folder, with the metrics of both log files.

    `images` is the number of training images at which the run continues. Raise MissingExtraError
    without tensorboard.
    """

    def __init__(self, run: Path, images: int) -> None:
        require_packages("tensorboard", ("tensorboard",))
        from torch.utils.tensorboard import SummaryWriter

        # Later events of a killed run are hidden: the run will repeat those steps.
        self._writer = SummaryWriter(str(run / "tensorboard"), purge_step=images + 1)

    def write(self, record: Record) -> None:
        """Add each number of a record at its number of training images."""
        for name, value in _flatten_numbers(record):
            if name not in ("step", "images"):
                self._writer.add_scalar(name, value, record["images"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._writer.close()


@dataclass(frozen=True)
class MetricsWriter:
    """The open logs of a run; without logs, on ranks other than 0, records are discarded."""

    stats: Sequence[JsonlLog | TensorBoardWriter] = ()
    scores: Sequence[JsonlLog | TensorBoardWriter] = ()

    @classmethod
    def open(
        cls, stack: ExitStack, run: Path, state: TrainState, *, tensorboard: bool
    ) -> MetricsWriter:
        """Return the logs of a run at its current step, open until the stack is left.

        Raise GanportError for a corrupt line, and MissingExtraError without tensorboard.
        """
        stats = stack.enter_context(JsonlLog(run, state.step))
        scores = stack.enter_context(JsonlLog(run, state.step, SCORES))
        boards: Sequence[TensorBoardWriter] = []
        if tensorboard:
            boards = [stack.enter_context(TensorBoardWriter(run, state.images))]
        return cls([stats, *boards], [scores, *boards])

    def write_stats(self, record: Record) -> None:
        """Write the record of a log interval."""
        for log in self.stats:
            log.write(record)

    def write_score(self, record: Record) -> None:
        """Write the record of a scored checkpoint."""
        for log in self.scores:
            log.write(record)


NULL_WRITER = MetricsWriter()

_TICK_METRICS = (
    ("bits", "bits/dim", ".3f"),
    ("d_loss", "D", ".3f"),
    ("g_loss", "G", "+.3f"),
    ("d_real", "D(real)", "+.2f"),
    ("d_fake", "D(fake)", "+.2f"),
    ("d_class", "class", ".2f"),
    ("cycle", "cycle", ".3f"),
)
"""Key, title and format of the metrics of a log interval; each method has some of them."""


def format_tick(record: Record, length: LengthOptions) -> str:
    """Return a line of text for a record of stats.jsonl, with the estimated time left."""
    images, rate = record["images"], record["images_per_second"]
    left = seconds_left(record, length)
    metrics = [
        f"{title} {record[key]:{form}}"
        for key, title, form in _TICK_METRICS
        if record.get(key) is not None
    ]
    return (
        f"{images:>9,} of {length.max_images:,}  {'  '.join(metrics)}  "
        f"{rate:,.0f} images/s  {record['memory_gib']:.1f} GiB  left {format_duration(left)}"
    )


def seconds_left(record: Record, length: LengthOptions) -> float:
    """Return the estimated time from a record of stats.jsonl to the end of the run."""
    rate = record["images_per_second"]
    left = max(length.max_images - record["images"], 0) / rate if rate else 0.0
    if length.minutes:
        left = min(left, max(length.minutes * 60 - record["seconds"], 0))
    return float(left)


def format_score(score: Record) -> str:
    """Return a line of text for a record of scores.jsonl, with the values of real images."""
    real = score["real"]
    parts = [
        f"{name} {value:.2f} (real {real['accuracy'][name]:.2f})"
        for name, value in score["accuracy"].items()
    ]
    parts += [
        f"coverage {score['coverage']:.2f} (real {real['coverage']:.2f})",
        f"spread {score['spread']:.2f} of real",
        f"grain {' and '.join(f'{ratio:.2f}' for ratio in score['grain'].values())} of real",
    ]
    if "kernel" in score:
        parts.append(f"kernel {score['kernel']:.1f}")
    return f"score {score['score']:.3f}: {', '.join(parts)}; by {score['extractor']}"


def format_duration(seconds: float) -> str:
    """Return seconds as h:mm:ss, or as m:ss below an hour."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _flatten_numbers(record: Record, prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield the numbers of a record; those of an inner table as `outer/inner`."""
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from _flatten_numbers(value, f"{prefix}{name}/")
        elif isinstance(value, int | float):
            yield prefix + name, value


def _parse_line(line: bytes, place: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
        if isinstance(record["step"], int):
            return rename_keys(record, LOG_KEYS)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise GanportError(
        place,
        expected="a record that train-gan wrote",
        found=repr(line[:60]),
        fix="Remove the line, or restore the file.",
    )


def _format_line(record: Record) -> str:
    return json.dumps(record) + "\n"
