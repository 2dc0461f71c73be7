"""Which of two ways to do the same work is faster here: tried, not guessed."""

from __future__ import annotations

from statistics import median

# Times that each way is tried: enough for a median that a busy moment does not turn.
_TURNS = 15


class Trial:
    """A usual way, and another that is worth a try once the usual has taken `after` seconds in all.

    Then each is taken in turn for a while, and the one of the smaller median from there on.
    """

    def __init__(self, after: float) -> None:
        self._left = after
        self._times: tuple[list[float], list[float]] = [], []
        self._other: bool | None = None

    @property
    def other(self) -> bool:
        """Whether the other way is the one to take now."""
        if self._other is not None:
            return self._other
        usual, other = self._times
        return self._left <= 0 and len(other) < len(usual)

    def note(self, other: bool, seconds: float) -> None:
        """That one of the ways has taken so long."""
        if self._other is not None:
            return
        if self._left > 0:
            self._left -= seconds
            return
        self._times[other].append(seconds)
        if min(map(len, self._times)) >= _TURNS:
            usual, tried = map(median, self._times)
            self._other = tried < usual
