"""The figures of a run's steps: averaged over a tick, and watched for NaN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ganport_runtime.errors import GanportError
from ganport_train.runs.checkpoint_io import last_good

Figures = Mapping[str, Tensor]
"""Scalars of one step, still on the device, so that reading them does not hold it up."""


class DivergedError(GanportError):
    """A loss or weight that is no longer a finite number."""

    exit_code = 3

    @classmethod
    def at(cls, place: str, found: str, run: Path) -> DivergedError:
        """The error with its place, the run's last good checkpoint, and advice."""
        return cls(
            place,
            expected="a finite number",
            found=found,
            fix=f"{last_good(run)}Start anew with lower rates (--set "
            "optimizer.generator_lr=1e-4 --set optimizer.discriminator_lr=1e-4) or in fp32 "
            "(--set training.precision=fp32).",
        )

    def advising(self, words: str) -> DivergedError:
        """The same error with one more sentence of advice."""
        return DivergedError(
            self.place, expected=self.expected, found=self.found, fix=f"{self.fix} {words}"
        )


def means(window: Sequence[Figures], last_step: int, run: Path) -> dict[str, float]:
    """The mean of every figure over the steps up to `last_step`, or over those that have it: a
    network that learns at every fifth step has a loss at every fifth.

    Raises DivergedError naming the first step at which one is not finite.
    """
    names = list(dict.fromkeys(name for step in window for name in step))
    missing = torch.zeros_like(next(iter(window[0].values())))
    table = torch.stack(
        [torch.stack([step.get(name, missing) for name in names]) for step in window]
    )
    values = table.double().cpu()
    broken = torch.nonzero(~torch.isfinite(values))
    if len(broken):
        row, column = broken[0].tolist()
        step = last_step - len(window) + 1 + row
        raise DivergedError.at(f"{names[column]} at step {step}", f"{values[row, column]}", run)
    counts = [sum(name in step for step in window) for name in names]
    sums = values.sum(0).tolist()
    return {
        name: round(total / count, 6)
        for name, total, count in zip(names, sums, counts, strict=True)
    }


def check_weights(weights: Mapping[str, Tensor], step: int, run: Path) -> None:
    """Raises DivergedError naming the first weight that is not finite."""
    for name, value in weights.items():
        if not bool(torch.isfinite(value).all()):
            raise DivergedError.at(f"weight {name} at step {step}", "NaN or infinity", run)
