"""Why a batcher does not draw: the errors, and the checks of what callers hand it."""

from __future__ import annotations

from math import inf, nan
from numbers import Real
from typing import cast

from ganport_runtime.batching.pending import Ticket
from ganport_runtime.errors import ClosedError, DeadlineError, QueueFullError, RequestError
from ganport_runtime.values import shown

# Seconds to wait where nobody can know, since nothing was drawn yet.
_UNKNOWN_WAIT = 1.0


def check_seconds(place: str, value: object) -> float:
    """`value` as a number of seconds, 0 or more; None is for ever."""
    if value is None:
        return inf
    number = isinstance(value, Real) and not isinstance(value, bool)
    try:
        seconds = float(cast(float, value)) if number else nan
    except OverflowError:
        seconds = nan
    if not seconds >= 0:  # true for NaN too
        fix = "Give a number, or None for no limit."
        raise RequestError(place, expected="seconds, 0 or more", found=shown(value), fix=fix)
    return seconds


def too_many(count: int, max_queue: int) -> RequestError:
    """The error for a request that no queue of that length will ever hold."""
    return RequestError(
        "count",
        expected=f"at most {max_queue} pictures, as many as may wait here",
        found=f"{count}",
        fix="Ask for fewer at a time, or make the Batcher with a larger max_queue.",
    )


def queue_full(waiting: int, count: int, max_queue: int, rate: float) -> QueueFullError:
    """The error where there is no room; at `rate` pictures a second there soon will be."""
    wait = (waiting + count - max_queue) / rate if rate else _UNKNOWN_WAIT
    return QueueFullError(
        "queue",
        expected=f"at most {max_queue} pictures waiting",
        found=f"{waiting}, and {count} more asked for",
        fix=f"Try again in {wait:.2g} seconds, or ask for fewer.",
        retry_after=wait,
    )


def late(ticket: Ticket) -> DeadlineError:
    """The error for a request whose time is over."""
    return DeadlineError(
        "timeout",
        expected=f"pictures within {ticket.timeout:g} seconds",
        found=f"{ticket.kept} of {ticket.count} drawn",
        fix="Give more time, ask for fewer, or try again when less is waiting.",
    )


def closed(found: str) -> ClosedError:
    """The error of a batcher that takes no more requests."""
    fix = "Make a new Batcher."
    return ClosedError("batcher", expected="an open batcher", found=found, fix=fix)
