"""Threads that do the parts of a piece of work, as each is free."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from threading import Event, Lock, Thread


class Task:
    """Parts of one piece of work, each done by `draw` in whichever thread is free for it."""

    def __init__(self, draw: Callable[[slice], None], parts: Sequence[slice]) -> None:
        self._draw = draw
        self._parts = deque(parts)
        self._undone = len(parts)
        self._errors: list[BaseException] = []
        self._lock, self._done = Lock(), Event()

    def help(self, wanted: Callable[[], bool] = lambda: True) -> None:
        """Do parts that nobody has begun, as long as there are any and help is `wanted`."""
        while wanted():
            try:
                part = self._parts.popleft()
            except IndexError:
                return
            self._do(part)

    def wait(self) -> None:
        """Wait for the parts that others have begun; raises the first error of any."""
        self._done.wait()
        if self._errors:
            raise self._errors[0]

    def _do(self, part: slice) -> None:
        try:
            if not self._errors:
                self._draw(part)
        except BaseException as error:  # of a helper too it is for the caller to see
            self._errors.append(error)
        with self._lock:
            self._undone -= 1
            if not self._undone:
                self._done.set()


class Team:
    """Threads that help callers, as long as no more of both are at work than there are cores."""

    def __init__(self, cores: int) -> None:
        self._cores = cores
        self._callers = 0
        self._lock = Lock()
        self._tasks: list[SimpleQueue[Task | None]] = []

    def join(self) -> int:
        """Be one of the callers, until `leave`; how many they are now."""
        with self._lock:
            self._callers += 1
            return self._callers

    def leave(self) -> None:
        with self._lock:
            self._callers -= 1

    def work(self, task: Task, helpers: int) -> None:
        """Do a task in the calling thread and by so many helpers; raises the first error.

        A caller waits for no helper that has not begun: it is as fast as alone at worst.
        """
        self._hire(helpers)
        for tasks in self._tasks[:helpers]:
            tasks.put(task)
        task.help()
        task.wait()

    def close(self) -> None:
        """Let the helpers end."""
        for tasks in self._tasks:
            tasks.put(None)

    def _hire(self, helpers: int) -> None:
        with self._lock:
            while len(self._tasks) < helpers:
                self._tasks.append(SimpleQueue())
                place = len(self._tasks)
                Thread(
                    target=self._help, args=(place,), name=f"ganport-lane-{place}", daemon=True
                ).start()

    def _help(self, place: int) -> None:
        tasks = self._tasks[place - 1]
        while task := tasks.get():
            task.help(lambda: self._callers + place <= self._cores)
            del task  # its arrays are not kept until the next
