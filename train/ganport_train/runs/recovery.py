"""How a run ends early and continues: stop signals, fatal errors, and the rollback."""

from __future__ import annotations

import errno
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import torch

from ganport_models import CheckpointError
from ganport_models.selection import newest
from ganport_runtime.errors import DeviceError, GanportError
from ganport_train.backend.device import is_device_lost, is_out_of_memory
from ganport_train.config.sections import RecoveryOptions
from ganport_train.runs.train_state import DivergedError, last_good_hint

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
