"""The limit of the log: a burst of each message, then the number of dropped messages."""

import logging

from ganport_runtime.service.metrics import LogLimit


def passed(limit: LogLimit, message: str) -> bool:
    record = logging.LogRecord("x", logging.WARNING, "x", 1, message, (), None)
    return limit.filter(record)


def test_each_kind_of_message_passes_as_often_as_the_burst() -> None:
    limit = LogLimit(burst=2, seconds=60.0)
    assert [passed(limit, "first") for _ in range(4)] == [True, True, False, False]
    assert [passed(limit, "second") for _ in range(3)] == [True, True, False]


def test_many_kinds_of_messages_are_limited_too() -> None:
    limit = LogLimit(burst=2, seconds=60.0)
    assert sum(passed(limit, f"message {number}") for number in range(10_000)) <= 200


def test_next_message_after_the_time_has_the_number_of_dropped_ones() -> None:
    limit = LogLimit(burst=1, seconds=0.0)
    limit_of_one = LogLimit(burst=1, seconds=0.2)
    assert passed(limit, "a") and passed(limit, "a")
    assert [passed(limit_of_one, "a") for _ in range(4)] == [True, False, False, False]
    record = logging.LogRecord("x", logging.WARNING, "x", 1, "a", (), None)
    while not limit_of_one.filter(record):
        pass
    assert record.getMessage().startswith("a (after ")
