"""How a long run survives: it goes on once after it diverged, or ends with the way on in words."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from ganport_models import CheckpointError
from ganport_models.selection import newest
from ganport_runtime.errors import DeviceError, GanportError
from ganport_train.backend.device import is_lost, is_out_of_memory
from ganport_train.config.sections import RecoveryOptions
from ganport_train.runs.checkpoint_io import last_good
from ganport_train.runs.step_metrics import DivergedError

RELOAD = "rollback"
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)


class OutOfRoomError(GanportError):
    """The device has too little memory for a run."""


class LostDeviceError(DeviceError):
    """A device that stopped working under a run."""


class FullDiskError(GanportError):
    """The disk of a run takes no more."""


@dataclass(frozen=True)
class Reload:
    """The checkpoint that a run took up again when it had diverged, and how it went on from it.

    The rates depend on the step alone, so a run resumed from any checkpoint takes the same course.
    """

    step: int = -1
    """Step of that checkpoint; -1 = the run never diverged."""
    lr_factor: float = 1.0
    """Share of the rates that is left from that step on."""
    reason: str = ""
    """What was no longer a finite number, and where."""

    @property
    def happened(self) -> bool:
        """Whether there was one."""
        return self.step >= 0

    def share_at(self, step: int) -> float:
        """Share of the rates at a step, 0 to 1."""
        return self.lr_factor if self.happened and step >= self.step else 1.0


NEVER = Reload()


def reload_after(
    error: DivergedError, options: RecoveryOptions, earlier: Reload, run: Path
) -> Reload:
    """The reload that a divergence calls for.

    Raises the error where the recipe wants a run to stop, when it was reloaded before, and when
    no checkpoint of it is whole.
    """
    try:
        _, card = newest(run)
    except CheckpointError:
        raise error from None
    if earlier.happened:
        again = f"step {earlier.step:,} was taken up at {earlier.lr_factor:g} of its rates before"
        raise error.advising(f"It is the second time: {again}.")
    if options.on_divergence != RELOAD:
        at_once = f"train-gan --resume {run} --set recovery.on_divergence=rollback"
        raise error.advising(f"Or go on from it at lower rates: {at_once}")
    return Reload(int(card["step"]), options.lr_factor, f"{error.found} in {error.place}")


def lower_rates(optimizers: Mapping[str, torch.optim.Optimizer], share: float) -> None:
    """Leaves a share of the learning rates that are set."""
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] *= share


@contextmanager
def survivable(run: Path) -> Iterator[None]:
    """Turns what ends a run from outside into an error that names its last good checkpoint.

    Raises OutOfRoomError, LostDeviceError or FullDiskError; a fault of the code stays one.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise _out_of_room(error, run) from None
        if is_lost(error):
            raise _lost(error, run) from None
        raise
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        raise _full(error, run) from None


def _out_of_room(error: Exception, run: Path) -> OutOfRoomError:
    return OutOfRoomError(
        f"training in {run}",
        expected="memory for a step",
        found=_first_line(error) or "none left",
        fix="Start a new run with a smaller --set training.batch_size, network.base_channels or "
        "data.resolution, or close what else uses the device.",
    )


def _lost(error: Exception, run: Path) -> LostDeviceError:
    return LostDeviceError(
        f"training in {run}",
        expected="a device that goes on working",
        found=_first_line(error),
        fix=f"{last_good(run)}When the device works again (nvidia-smi shows it), or with another "
        f"--device, go on with: train-gan --resume {run}",
    )


def _full(error: OSError, run: Path) -> FullDiskError:
    return FullDiskError(
        str(error.filename or run),
        expected="a disk with room for the run",
        found=error.strerror or str(error),
        fix=f"{last_good(run)}Free some space, then go on with: train-gan --resume {run}",
    )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")[:200]
