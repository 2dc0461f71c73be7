"""The line in which requests wait: who is drawn next, with whom, and how much of whom.

Requests are served in the order they came, and one that fits into a run is never behind one that
came later. A larger one takes turns: after as many pictures as one run holds it goes behind those
that came meanwhile. So a lone picture waits for no more than one run of each request before it,
and the largest request still gets a run each time round. This is deficit round robin (Shreedhar
and Varghese, "Efficient Fair Queuing Using Deficit Round Robin", SIGCOMM 1995, section 3) with
requests for flows and a run for the quantum.
"""

from __future__ import annotations

from collections import OrderedDict

from ganport_runtime.batching.pending import Ticket

Batch = dict[Ticket, slice]
"""The rows of each request that one run draws, in that order."""


class Line:
    """Waiting requests; `images` is how many of their pictures no run has taken yet.

    Not safe between threads.
    """

    def __init__(self, max_batch: int) -> None:
        self.images = 0
        self._max_batch = max_batch
        self._tickets: OrderedDict[Ticket, None] = OrderedDict()

    def join(self, ticket: Ticket) -> None:
        """Put a request at the end."""
        ticket.turn = self._max_batch
        self._tickets[ticket] = None
        self.images += ticket.left

    def leave(self, ticket: Ticket) -> None:
        """Take a request out, wherever it stands, if it does."""
        if ticket in self._tickets:
            del self._tickets[ticket]
            self.images -= ticket.left

    def take(self) -> Batch:
        """The next run: full while enough is waiting, of one interface, empty if nothing waits."""
        batch: Batch = {}
        room = self._max_batch
        while room and self._tickets:
            ticket = next(iter(self._tickets))
            if batch and ticket.job.interface != next(iter(batch)).job.interface:
                break
            if not ticket.turn:
                ticket.turn = self._max_batch
                self._tickets.move_to_end(ticket)
                continue
            room -= self._hand_out(ticket, room, batch)
        return batch

    def _hand_out(self, ticket: Ticket, room: int, batch: Batch) -> int:
        number = min(room, ticket.left, ticket.turn)
        rows = ticket.take(number)
        # The only one in line may have a second turn in the same run: its rows follow on.
        batch[ticket] = slice(batch[ticket].start, rows.stop) if ticket in batch else rows
        self.images -= number
        if not ticket.left:
            del self._tickets[ticket]
        return number
