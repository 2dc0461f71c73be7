"""The state of a run between steps, and how a run ends early and continues.

Its position and pending metrics; stop signals, divergence, rollback, and fatal errors.
"""

from __future__ import annotations

import errno
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from ganport_models import CheckpointError
from ganport_models.selection import newest
from ganport_runtime.errors import DeviceError, GanportError
from ganport_train.backend.device import is_device_lost, is_out_of_memory
from ganport_train.config.sections import RecoveryOptions

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


ROLLBACK = "rollback"
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class DeviceMemoryError(GanportError):
    """The device has too little memory for a run."""

    default_fix = (
        "Start a new run with a smaller --set training.batch_size, network.base_channels or "
        "data.resolution, or close other programs on the device."
    )


class LostDeviceError(DeviceError):
    """A device that failed during a run."""


class DiskFullError(GanportError):
    """The disk of a run is full or broken."""


class StopSignal:
    """Whether Ctrl-C or SIGTERM requested a stop; a second signal stops the run at once."""

    def __init__(self) -> None:
        self.requested = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal; raise KeyboardInterrupt at the second one."""
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


@contextmanager
def catch_stop_signals() -> Iterator[StopSignal]:
    """Turn SIGINT and SIGTERM into a stop request for the block, then restore the handlers."""
    stop = StopSignal()
    handlers = {number: signal.signal(number, stop) for number in _STOP_SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@dataclass(frozen=True)
class Rollback:
    """The checkpoint from which a diverged run continued, and its learning rate factor.

    Learning rates depend on the step only, so a run resumed from any checkpoint is the same.
    """

    step: int = -1
    """Step of the checkpoint; -1 = the run never diverged."""
    lr_factor: float = 1.0
    """Factor of the learning rates from that step on."""
    reason: str = ""
    """The value that was not finite, and its place."""

    @property
    def happened(self) -> bool:
        """Whether the run was rolled back."""
        return self.step >= 0

    def lr_factor_at(self, step: int) -> float:
        """Return the factor of the learning rates at a step, 0 to 1."""
        return self.lr_factor if self.happened and step >= self.step else 1.0


NO_ROLLBACK = Rollback()


def plan_rollback(
    error: DivergedError, options: RecoveryOptions, previous: Rollback, run: Path
) -> Rollback:
    """Return the rollback that follows a divergence.

    Raise the error if the recipe stops at a divergence, after an earlier rollback, and without an
    intact checkpoint.
    """
    try:
        _, metadata = newest(run)
    except CheckpointError:
        raise error from None
    if previous.happened:
        factor = f"a factor of {previous.lr_factor:g}"
        earlier = f"step {previous.step:,} with {factor} of the learning rates"
        raise error.with_advice(f"The run diverged before and continued from {earlier}.")
    if options.on_divergence != ROLLBACK:
        command = f"train-gan --resume {run} --set recovery.on_divergence={ROLLBACK}"
        raise error.with_advice(f"Or continue with lower learning rates: {command}")
    reason = f"{error.found} in {error.place}"
    return Rollback(int(metadata["step"]), options.lr_factor, reason)


def scale_lr(optimizers: Mapping[str, torch.optim.Optimizer], factor: float) -> None:
    """Multiply the learning rates of optimizers by a factor."""
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] *= factor


@contextmanager
def translate_fatal_errors(run: Path) -> Iterator[None]:
    """Translate errors of device, memory and disk into errors that name the last good checkpoint.

    Raise DeviceMemoryError, LostDeviceError or DiskFullError. Other errors pass unchanged.
    """
    resume = f"train-gan --resume {run}"
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        message = next(iter(str(error).splitlines()), "")[:200]
        if is_out_of_memory(error):
            raise DeviceMemoryError(
                f"training in {run}", "memory for a step", message or "no memory left"
            ) from None
        if is_device_lost(error):
            raise LostDeviceError(
                f"training in {run}",
                expected="a working device",
                found=message,
                fix=f"{last_good_hint(run)}When the device works again (see nvidia-smi), or with "
                f"another --device, continue with: {resume}",
            ) from None
        raise
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        raise DiskFullError(
            str(error.filename or run),
            expected="space on the disk for the run",
            found=error.strerror or str(error),
            fix=f"{last_good_hint(run)}Free some space, then continue with: {resume}",
        ) from None
