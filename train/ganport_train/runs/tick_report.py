"""What a run says of itself while it goes on: a line a tick, and TensorBoard on request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from ganport_runtime.extras import require_packages
from ganport_train.config.sections import LengthOptions


def tick_line(record: Mapping[str, Any], length: LengthOptions) -> str:
    """One readable line of a record of stats.jsonl, with the time left at the present pace."""
    images, rate = record["images"], record["images_per_second"]
    left = max(length.max_images - images, 0) / rate if rate else 0.0
    if length.minutes:
        left = min(left, max(length.minutes * 60 - record["seconds"], 0))
    figures = [
        f"{name} {record[key]:{form}}" for key, name, form in _SHOWN if record.get(key) is not None
    ]
    return (
        f"{images:>9,} of {length.max_images:,}  {'  '.join(figures)}  "
        f"{rate:,.0f} images/s  {record['memory_gib']:.1f} GiB  left {duration(left)}"
    )


_SHOWN = (
    ("bits", "bits/dim", ".3f"),
    ("d_loss", "D", ".3f"),
    ("g_loss", "G", "+.3f"),
    ("d_real", "D(real)", "+.2f"),
    ("d_fake", "D(fake)", "+.2f"),
    ("d_class", "class", ".2f"),
    ("cycle", "cycle", ".3f"),
)
"""Key, title and form of the figures of a tick, whichever of them a method has."""


def score_line(score: Mapping[str, Any]) -> str:
    """One readable line of a record of scores.jsonl: shares, each beside that of real pictures."""
    real = score["real"]
    parts = [
        f"{name} {share:.2f} (real {real['accuracy'][name]:.2f})"
        for name, share in score["accuracy"].items()
    ]
    parts += [
        f"coverage {score['coverage']:.2f} (real {real['coverage']:.2f})",
        f"spread {score['spread']:.2f} of real",
        f"grain {' and '.join(f'{ratio:.2f}' for ratio in score['grain'].values())} of real",
    ]
    if "kernel" in score:
        parts.append(f"kernel {score['kernel']:.1f}")
    return f"score {score['score']:.3f}: {', '.join(parts)}; by {score['extractor']}"


def collapse_line(symptom: str, run: Path) -> str:
    """The warning of a collapse: the figure that raised it, its limit, and what to do."""
    return (
        f"warning: collapsed: {symptom}. Look at the newest sheet; if it is so, take the best "
        f"checkpoint (export-gan {run}), and start anew with another training.seed or lower rates "
        "(--set optimizer.generator_lr=1e-4 --set optimizer.discriminator_lr=1e-4)"
    )


def duration(seconds: float) -> str:
    """Seconds as h:mm:ss, or m:ss below an hour."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Board:
    """TensorBoard event files in the run's folder, of the figures stats.jsonl holds.

    Opened at a number of pictures seen. Raises MissingExtraError without tensorboard.
    """

    def __init__(self, run: Path, images: int) -> None:
        require_packages("tensorboard", ("tensorboard",))
        from torch.utils.tensorboard import SummaryWriter

        # What a killed run wrote past its checkpoint is hidden: it is about to come again.
        self._writer = SummaryWriter(str(run / "tensorboard"), purge_step=images + 1)

    def write(self, record: Mapping[str, Any]) -> None:
        """Adds every figure of a record at its number of pictures seen."""
        for name, value in _numbers(record):
            if name not in ("step", "images"):
                self._writer.add_scalar(name, value, record["images"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._writer.close()


def _numbers(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """The numbers of a record, those of an inner one as `outer/inner`."""
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{name}/")
        elif isinstance(value, int | float):
            yield prefix + name, value
