"""Which of two ways to do the same work is faster here: tried, not guessed."""

from __future__ import annotations

from statistics import median

# Times that each way is tried in a trial, trials, and runs from one to the next: a busy moment may
# turn one of them, and what they come to is for good.
_TURNS, _TRIALS, _REST = 15, 3, 200


class TwoWayTuner:
    """A usual way, and another that is worth a try once the usual has taken `after` seconds in all.

    Then each is taken in turn for a while, and so twice again; the way whose median was smaller in
    most trials is the one to take from there on.
    """

    def __init__(self, after: float) -> None:
        self._left = after
        self._rest = 0
        self._times: tuple[list[float], list[float]] = [], []
        self._won: list[bool] = []
        self._other: bool | None = None

    @property
    def other(self) -> bool:
        """Whether the other way is the one to take now."""
        if self._other is not None:
            return self._other
        usual, other = self._times
        return self._left <= 0 and not self._rest and len(other) < len(usual)

    def note(self, other: bool, seconds: float) -> None:
        """That one of the ways has taken so long."""
        if self._other is not None:
            return
        if self._left > 0:
            self._left -= seconds
        elif self._rest:
            self._rest -= 1
        else:
            self._times[other].append(seconds)
            if min(map(len, self._times)) >= _TURNS:
                self._judge()

    def _judge(self) -> None:
        usual, tried = map(median, self._times)
        self._won.append(tried < usual)
        self._times, self._rest = ([], []), _REST
        if len(self._won) == _TRIALS:
            self._other = 2 * sum(self._won) > _TRIALS
