import threading
import time

import pytest

from ganport_runtime.devices.row_parallel import split_rows
from ganport_runtime.devices.thread_team import Task, Team


def test_an_error_of_any_part_is_the_callers_and_the_rest_is_left() -> None:
    done: list[int] = []

    def draw(part: slice) -> None:
        if part.start == 1:
            raise ValueError("part 1")
        done.append(part.start)

    task = Task(draw, split_rows(4, 4))
    task.help()
    with pytest.raises(ValueError, match="part 1"):
        task.wait()
    assert done == [0]


def test_a_caller_waits_for_nobody_who_has_not_begun() -> None:
    team, done = Team(2), []
    team._hire(1)
    team.close()
    team.work(Task(done.append, split_rows(4, 4)), 1)  # the helper is gone and never comes
    assert len(done) == 4


def test_helpers_leave_the_cores_to_callers() -> None:
    team = Team(2)
    seen: set[str] = set()

    def draw(part: slice) -> None:
        time.sleep(0.005)  # time enough for a helper to come
        seen.add(threading.current_thread().name)

    team.join(), team.join()
    team.work(Task(draw, split_rows(10, 10)), 1)
    assert seen == {threading.current_thread().name}
    team.leave()
    both = threading.Barrier(2, timeout=30)
    team.work(Task(lambda _: both.wait(), split_rows(2, 2)), 1)
    team.close()
