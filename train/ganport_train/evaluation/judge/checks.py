"""What stops the making of a judge, in plain words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from torch import Tensor

from ganport_runtime.conditions import Conditions
from ganport_train.backend.device import is_out_of_memory
from ganport_train.evaluation.judge.file import JudgeError, not_finite


def check_enough(conditions: Conditions, train: int, held: int) -> None:
    """Refuse a data set without labels, or with too few pictures on a side."""
    if not conditions.groups:
        raise JudgeError(
            "data set",
            expected="conditions that a judge can learn",
            found="none: its pictures have no labels",
            fix="Take a labelled data set.",
        )
    # One picture alone has no spread for batch norm to divide by.
    if train < 2 or not held:
        raise JudgeError(
            "data set",
            expected="at least two pictures to train on and one to hold out",
            found=f"{train} and {held}",
            fix="Bring more pictures, or another --held-out share.",
        )


def check_loss(value: float, step: int) -> float:
    """The loss of a step, if it is finite; else JudgeError."""
    if not math.isfinite(value):
        raise _diverged(f"step {step}", "a loss", f"{value}")
    return value


def check_weights(weights: Mapping[str, Tensor], epoch: int) -> None:
    """Refuse weights after an epoch that are not finite; a loss tells of them a step too late."""
    broken = not_finite(weights)
    if broken:
        raise _diverged(f"epoch {epoch}", f"weights {broken}", "NaN or infinity")


@contextmanager
def memory() -> Iterator[None]:
    """Turn running out of memory into an error that says what to make smaller."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise JudgeError(
            "judge training",
            expected="memory for a step",
            found=" ".join(str(error).split())[:200] or "none left",
            fix="Give --batch, --width or --resolution a smaller number and another --out.",
        ) from None


def _diverged(place: str, what: str, found: str) -> JudgeError:
    return JudgeError(
        f"judge training, {place}",
        expected=f"{what} of finite numbers",
        found=found,
        fix="Give --rate a smaller number and another --out.",
    )
