"""Handing results to those who wait for them, in threads and in event loops."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING

from ganport_runtime.batching.pending import Drawn

if TYPE_CHECKING:
    import asyncio

    from ganport_runtime.batching.pending import Reply

Outcome = Drawn | BaseException


class DrawnFuture(Future[Drawn]):
    """A future whose `cancel` gives up its place in line, and works until its run has ended."""

    def __init__(self, withdraw: Callable[[DrawnFuture], bool]) -> None:
        super().__init__()
        self._withdraw = withdraw

    def cancel(self) -> bool:
        """Give the request up; False when its pictures, or an error, are there already."""
        if self._withdraw(self):
            super().cancel()
            self.set_running_or_notify_cancel()  # what `concurrent.futures.wait` waits for
        return self.cancelled()


def answer(outcomes: Iterable[tuple[Reply, Outcome]]) -> None:
    """End every wait; an event loop is woken once for all of its own."""
    loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Drawn], Outcome]]] = {}
    for reply, outcome in outcomes:
        if isinstance(reply, Future):
            _settle(reply, outcome)
        else:
            loops.setdefault(reply.get_loop(), []).append((reply, outcome))
    for loop, answers in loops.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits in it any more
            loop.call_soon_threadsafe(_settle_all, answers)


def _settle_all(answers: list[tuple[asyncio.Future[Drawn], Outcome]]) -> None:
    for reply, outcome in answers:
        if not reply.done():  # its task may have been cancelled on the way here
            _settle(reply, outcome)


def _settle(reply: Reply, outcome: Outcome) -> None:
    if isinstance(outcome, BaseException):
        reply.set_exception(outcome)
    else:
        reply.set_result(outcome)
