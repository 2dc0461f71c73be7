"""stats.jsonl has no doubled, missing or torn line."""

from pathlib import Path

import pytest

from ganport_runtime.errors import GanportError
from ganport_train.runs import jsonl_log
from ganport_train.runs.jsonl_log import Records


def write(run: Path, *steps: int) -> None:
    with Records(run, 0) as log:
        for step in steps:
            log.write({"step": step, "loss": 0.5})


def test_lines_come_back_in_order(tmp_path: Path) -> None:
    write(tmp_path, 1, 2, 3)
    assert [record["step"] for record in jsonl_log.read(tmp_path)] == [1, 2, 3]


def test_opening_at_a_step_drops_what_came_later(tmp_path: Path) -> None:
    write(tmp_path, 1, 2, 3, 4)
    with Records(tmp_path, 2) as log:
        log.write({"step": 3, "loss": 0.25})
    assert [(r["step"], r["loss"]) for r in jsonl_log.read(tmp_path)] == [
        (1, 0.5),
        (2, 0.5),
        (3, 0.25),
    ]


def test_a_line_torn_by_a_kill_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, 1, 2)
    with (tmp_path / jsonl_log.STATS).open("a") as file:
        file.write('{"step": 3, "lo')
    assert [record["step"] for record in jsonl_log.read(tmp_path)] == [1, 2]
    with Records(tmp_path, 5):
        pass
    assert (tmp_path / jsonl_log.STATS).read_text().count("\n") == 2


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"loss": 1}', b'{"step": "x"}', b"\xff", b""])
def test_a_damaged_line_is_named(tmp_path: Path, line: bytes) -> None:
    write(tmp_path, 1)
    with (tmp_path / jsonl_log.STATS).open("ab") as file:
        file.write(line + b'\n{"step": 3, "loss": 1}\n')
    with pytest.raises(GanportError, match=r"stats\.jsonl: line 2: expected a record"):
        jsonl_log.read(tmp_path)


def test_a_run_without_a_record_has_none(tmp_path: Path) -> None:
    assert jsonl_log.read(tmp_path) == []
