"""Log files of a run, and the lines that show their records."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from ganport_runtime.errors import GanportError
from ganport_train.config.sections import LengthOptions
from ganport_train.runs.metrics import (
    SCORES,
    STATS,
    JsonlLog,
    MetricsWriter,
    format_duration,
    format_tick,
    read_log,
)
from ganport_train.runs.train_state import TrainState

RECORD = {
    "step": 10,
    "images": 12_800,
    "d_loss": 0.8312,
    "g_loss": -0.4,
    "d_real": 0.62,
    "d_fake": -0.51,
    "images_per_second": 352.4,
    "seconds": 60.0,
    "memory_gib": 1.31,
}
POSITION = {key: RECORD[key] for key in ("step", "images", "images_per_second", "seconds")}


def write(run: Path, *steps: int) -> None:
    with JsonlLog(run, 0) as log:
        for step in steps:
            log.write({"step": step, "loss": 0.5})


def test_read_log_returns_records_in_order(tmp_path: Path) -> None:
    write(tmp_path, 1, 2, 3)
    assert [record["step"] for record in read_log(tmp_path)] == [1, 2, 3]


def test_read_log_without_file_is_empty(tmp_path: Path) -> None:
    assert read_log(tmp_path) == []


def test_read_log_of_schema_1_has_new_names(tmp_path: Path) -> None:
    (tmp_path / STATS).write_text('{"step": 1, "variety": 0.5, "rate_share": 0.25}\n')
    assert read_log(tmp_path) == [{"step": 1, "diversity": 0.5, "lr_factor": 0.25}]


def test_jsonl_log_opened_at_a_step_removes_later_records(tmp_path: Path) -> None:
    write(tmp_path, 1, 2, 3, 4)
    with JsonlLog(tmp_path, 2) as log:
        log.write({"step": 3, "loss": 0.25})
    records = [(record["step"], record["loss"]) for record in read_log(tmp_path)]
    assert records == [(1, 0.5), (2, 0.5), (3, 0.25)]


def test_read_log_ignores_a_truncated_last_line(tmp_path: Path) -> None:
    write(tmp_path, 1, 2)
    with (tmp_path / STATS).open("a") as file:
        file.write('{"step": 3, "lo')
    assert [record["step"] for record in read_log(tmp_path)] == [1, 2]
    with JsonlLog(tmp_path, 5):
        pass
    assert (tmp_path / STATS).read_text().count("\n") == 2


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"loss": 1}', b'{"step": "x"}', b"\xff", b""])
def test_read_log_corrupt_line_is_located(tmp_path: Path, line: bytes) -> None:
    write(tmp_path, 1)
    with (tmp_path / STATS).open("ab") as file:
        file.write(line + b'\n{"step": 3, "loss": 1}\n')
    with pytest.raises(GanportError, match=r"stats\.jsonl: line 2"):
        read_log(tmp_path)


def test_metrics_writer_opened_again_removes_later_records(tmp_path: Path) -> None:
    for steps in (2, 1):
        with ExitStack() as stack:
            writer = MetricsWriter.open(stack, tmp_path, TrainState(4, 8), tensorboard=False)
            writer.write_stats({"step": steps})
    assert [record["step"] for record in read_log(tmp_path)] == [1]
    assert read_log(tmp_path, SCORES) == []


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (61.4, "1:01"), (3599.6, "1:00:00"), (7325, "2:02:05")]
)
def test_format_duration_has_minutes_and_hours(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("metrics", "text"),
    [
        ({"bits": 3.4567, "norm": 12.0}, "bits/dim 3.457"),
        (
            {"d_loss": 0.5, "g_loss": 1.0, "d_class": 0.25, "cycle": 0.1234, "penalty": 0.5},
            "D 0.500  G +1.000  class 0.25  cycle 0.123",
        ),
        # Without a generator step in the interval there is no generator loss.
        ({"d_loss": 0.5, "d_real": 0.1, "d_fake": -0.1}, "D 0.500  D(real) +0.10  D(fake) -0.10"),
    ],
)
def test_format_tick_has_the_metrics_of_the_method(metrics: dict[str, float], text: str) -> None:
    record = {**POSITION, **metrics, "memory_gib": 1.31}
    line = format_tick(record, LengthOptions(max_images=100_000))
    assert line == f"   12,800 of 100,000  {text}  352 images/s  1.3 GiB  left 4:07"


def test_format_tick_time_left_is_the_nearer_bound() -> None:
    assert format_tick(RECORD, LengthOptions(max_images=100_000, minutes=2)).endswith("left 1:00")
