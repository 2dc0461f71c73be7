"""Work for the next step, done in a thread while the present one is used."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """What a function gives for a step, made before it is asked for.

    The function must depend on the step alone. It is called in one thread, one call at a time, so
    whichever steps are asked for, the values are those it would give without a thread.
    """

    def __init__(self, make: Callable[[int], T]) -> None:
        self._make = make
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="ahead")
        self._coming: tuple[int, Future[T]] | None = None

    def take(self, step: int) -> T:
        """The value of a step; that of the one after it is begun. Raises what making it raised."""
        if self._coming and self._coming[0] == step:
            present = self._coming[1]
        else:
            present = self._pool.submit(self._make, step)
        self._coming = (step + 1, self._pool.submit(self._make, step + 1))
        return present.result()
