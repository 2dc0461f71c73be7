"""The state of a run between steps: its position, its pending metrics, and divergence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganport_models import CheckpointError
from ganport_models.selection import newest
from ganport_runtime.errors import GanportError

StepMetrics = Mapping[str, Tensor]
"""Scalars of one step, on the device: reading a value would wait for the device."""


class DivergedError(GanportError):
    """A loss or weight that is no longer finite."""

    exit_code = 3

    @classmethod
    def from_value(cls, place: str, found: str, run: Path) -> DivergedError:
        """Return the error with the last good checkpoint of the run and general advice."""
        return cls(
            place,
            expected="a finite number",
            found=found,
            fix=f"{last_good_hint(run)}Start a new run with lower learning rates (--set "
            "optimizer.generator_lr=1e-4 --set optimizer.discriminator_lr=1e-4) or in fp32 "
            "(--set training.precision=fp32).",
        )

    def with_advice(self, sentence: str) -> DivergedError:
        """Return the same error with one more sentence of advice."""
        return DivergedError(self.place, self.expected, self.found, f"{self.fix} {sentence}")


@dataclass
class TrainState:
    """Position of a run: everything but the time is a function of the step."""

    batch_size: int
    training_size: int
    """Number of images in an epoch."""
    step: int = 0
    seconds: float = 0.0
    """Training time, earlier parts of a resumed run included."""
    pending_metrics: list[StepMetrics] = field(default_factory=list)
    """Metrics of the steps since the last log line."""

    @property
    def images(self) -> int:
        """Number of real images that training has used."""
        return self.step * self.batch_size

    def add_step(self, metrics: StepMetrics) -> None:
        """Count a step and keep its metrics for the next log line."""
        self.pending_metrics.append(metrics)
        self.step += 1

    def drain_metrics(self) -> list[StepMetrics]:
        """Return the metrics since the last log line, and start a new list."""
        window, self.pending_metrics = self.pending_metrics, []
        return window

    def restore(self, step: int, seconds: float) -> None:
        """Set the position of a checkpoint, and forget all pending metrics."""
        self.step, self.seconds, self.pending_metrics = step, seconds, []

    def position(self) -> dict[str, Any]:
        """Return the position in the form of a log line."""
        return {
            "step": self.step,
            "images": self.images,
            "epoch": round(self.images / self.training_size, 4),
            "seconds": round(self.seconds, 2),
        }


def mean_metrics(window: Sequence[StepMetrics], last_step: int, run: Path) -> dict[str, float]:
    """Return the mean of each metric over the steps that have it; the last is `last_step`.

    A network that learns every fifth step has a loss every fifth step. Raise DivergedError, with
    the first step at which a metric is not finite.
    """
    names = list(dict.fromkeys(name for step in window for name in step))
    missing = torch.zeros_like(next(iter(window[0].values())))
    rows = [torch.stack([step.get(name, missing) for name in names]) for step in window]
    values = torch.stack(rows).double().cpu()
    invalid = torch.nonzero(~torch.isfinite(values))
    if len(invalid):
        row, column = invalid[0].tolist()
        step = last_step - len(window) + 1 + row
        place = f"{names[column]} at step {step}"
        raise DivergedError.from_value(place, f"{values[row, column]}", run)
    counts = [sum(name in step for step in window) for name in names]
    sums = values.sum(0).tolist()
    return {
        name: round(total / count, 6)
        for name, total, count in zip(names, sums, counts, strict=True)
    }


def check_finite(tensors: Mapping[str, Tensor], step: int, run: Path, kind: str = "weight") -> None:
    """Raise DivergedError, with the name of the first tensor that is not finite."""
    for name, value in tensors.items():
        if not bool(torch.isfinite(value).all()):
            place = f"{kind} {name} at step {step}"
            raise DivergedError.from_value(place, "NaN or infinity", run)


def last_good_hint(run: Path) -> str:
    """Return a sentence that names the newest intact checkpoint of a run; empty without one."""
    try:
        return f"The last good checkpoint is {newest(run)[0]}. "
    except CheckpointError:
        return ""
