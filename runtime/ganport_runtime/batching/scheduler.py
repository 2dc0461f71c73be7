"""Where callers and the worker meet: requests are taken, handed out and answered."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from threading import Condition, RLock
from time import monotonic
from typing import TYPE_CHECKING

from ganport_runtime.batching.errors import (
    closed,
    late,
    queue_full,
    too_many,
)
from ganport_runtime.batching.futures import Outcome, answer
from ganport_runtime.batching.pending import Drawn, Ticket
from ganport_runtime.batching.queue import Batch, Line
from ganport_runtime.batching.stats import BatcherStats, Tally
from ganport_runtime.errors import DeadlineError

if TYPE_CHECKING:
    from ganport_runtime.batching.pending import Reply

# Deadlines closer to each other than this are seen to together, in seconds.
_GRAIN = 0.005
# The longest sleep, far below what the system's clocks can hold.
_LONG = 3600.0


class Desk:
    """Requests from the moment they are taken to the moment they are answered.

    Whoever takes a request out of those waited for (the worker, its deadline, its caller) answers
    it: each has one answer. None is given while the lock is held, for it may run a caller's code.
    """

    def __init__(self, max_batch: int, max_queue: int) -> None:
        self._max_queue = max_queue
        self._line = Line(max_batch)
        self._waited: dict[Reply, Ticket] = {}
        self._tally = Tally()
        self._lock = RLock()  # reentrant: a garbage collection under it may close the batcher
        self._work = Condition(self._lock)
        self._due = Condition(self._lock)
        self._idle = False
        self._alarm = inf
        self._refusal: str | None = None
        self._running = self._arriving = 0
        self._since = inf

    def admit(self, ticket: Ticket) -> None:
        """Take a request; raises `QueueFullError`, `ClosedError`, or `RequestError` for one of
        more pictures than may ever wait."""
        if ticket.count > self._max_queue:
            raise too_many(ticket.count, self._max_queue)
        with self._lock:
            if self._refusal:
                raise closed(self._refusal)
            self.check_room(ticket.count)
            self._tally.requests += 1
            self._waited[ticket.reply] = ticket
            self._line.join(ticket)
            self._wake_for(ticket)

    def check_room(self, count: int) -> None:
        """Raise `QueueFullError`, and count it, where so many pictures more cannot wait now."""
        with self._lock:
            waiting = self._line.images
            if waiting + count > self._max_queue:
                self._tally.rejected += 1
                raise queue_full(waiting, count, self._max_queue, self._tally.images_per_second)

    def arrive(self) -> None:
        """Count a coroutine that is about to ask, until `begin_here` or `depart`."""
        with self._lock:
            self._arriving += 1

    def depart(self) -> None:
        """Count one no more that asks for nothing after all."""
        with self._lock:
            self._arriving -= 1

    def begin_here(self, count: int, seconds: float) -> bool:
        """Whether one that arrived may draw so many pictures itself: if nobody else arrives, waits
        or is drawn for, and by the measured rate it takes no longer than `seconds`."""
        with self._lock:
            self._arriving -= 1
            busy = self._refusal or self._arriving or self._waited or self._running
            if busy or count > self._tally.images_per_second * seconds:
                return False
            self._tally.requests += 1
            self._running, self._since = count, monotonic()
            return True

    def end_here(self, images: int, seconds: float) -> None:
        """Count how that went: with no `images` it failed."""
        with self._lock:
            self._running, self._since = 0, inf
            if images:
                self._tally.ran(images, seconds)
            else:
                self._tally.failed += 1

    def next_batch(self) -> Batch:
        """What to draw, as soon as there is anything; empty once closed and drained."""
        with self._lock:
            self._running, self._since = 0, inf
            while not self._line.images and not self._refusal:
                self._idle = True
                self._work.wait()
            self._idle = False
            batch = self._line.take()
            self._running = sum(rows.stop - rows.start for rows in batch.values())
            self._since = monotonic()
            return batch

    def restart(self, ticket: Ticket) -> bool:
        """True if a request is still waited for; its run begins now."""
        with self._lock:
            self._since = monotonic()
            return ticket.reply in self._waited

    def ran(self, images: int, seconds: float) -> None:
        """Count a run that drew."""
        with self._lock:
            self._running = 0
            self._tally.ran(images, seconds)

    def settle(self, outcomes: Iterable[tuple[Ticket, Outcome]]) -> None:
        """Answer requests, as far as they are still waited for."""
        with self._lock:
            mine = [(ticket, outcome) for ticket, outcome in outcomes if self._drop(ticket)]
            for _, outcome in mine:
                self._tally.expired += isinstance(outcome, DeadlineError)
                self._tally.failed += not isinstance(outcome, Drawn | DeadlineError)
        answer((ticket.reply, outcome) for ticket, outcome in mine)

    def withdraw(self, reply: Reply) -> bool:
        """Forget a request; False when it has its answer or is about to get it."""
        with self._lock:
            ticket = self._waited.get(reply)
            if ticket is None:
                return False
            self._tally.cancelled += 1
            return self._drop(ticket)

    def keep_deadlines(self) -> None:
        """Answer those whose time is over, at that time, until closed and drained."""
        while (overdue := self._overdue()) is not None:
            self.settle((ticket, late(ticket)) for ticket in overdue)

    def close(self) -> None:
        """Take no more requests."""
        with self._lock:
            self._refusal = self._refusal or "one that was closed"
            self._work.notify()
            self._due.notify()

    def give_up(self, why: str, cause: BaseException | None = None) -> None:
        """Take no more requests, and answer all there are with `ClosedError`."""
        with self._lock:
            self._refusal = why
            self._work.notify()
            self._due.notify()
            waited = list(self._waited.values())
        errors = [closed(why) for _ in waited]
        for error in errors:
            error.__cause__ = cause
        self.settle(zip(waited, errors, strict=True))

    def running_for(self) -> float:
        """For how many seconds the run under way has lasted; 0 without one."""
        return max(0.0, monotonic() - self._since)

    def stats(self) -> BatcherStats:
        """Levels and counts as they are now."""
        with self._lock:
            return self._tally.stats(self._line.images, self._running)

    def _wake_for(self, ticket: Ticket) -> None:
        if self._idle:
            self._idle = False
            self._work.notify()
        if ticket.deadline < self._alarm:
            self._due.notify()

    def _overdue(self) -> list[Ticket] | None:
        with self._lock:
            now = monotonic()
            overdue = [ticket for ticket in self._waited.values() if ticket.deadline <= now]
            if overdue:
                return overdue
            if self._refusal and not self._waited:
                return None
            self._alarm = min((t.deadline for t in self._waited.values()), default=inf)
            self._due.wait(min(max(self._alarm - now, _GRAIN), _LONG))
            return []

    def _drop(self, ticket: Ticket) -> bool:
        if self._waited.pop(ticket.reply, None) is None:
            return False
        self._line.leave(ticket)
        if self._refusal and not self._waited:
            self._due.notify()
        return True
