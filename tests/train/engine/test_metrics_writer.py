"""The records of a run: a tick averaged over its steps, a line in every log."""

from contextlib import ExitStack
from pathlib import Path

import pytest
import torch

from ganport_train.backend.distributed import ALONE
from ganport_train.engine import metrics_writer
from ganport_train.engine.metrics_writer import Ledger
from ganport_train.runs import jsonl_log
from ganport_train.runs.recovery import NEVER, Reload
from ganport_train.runs.step_metrics import DivergedError
from ganport_train.runs.train_state import Progress

CPU = torch.device("cpu")


def come(*losses: float) -> Progress:
    """A run that has taken a step for each loss, four pictures in each."""
    progress = Progress(batch=4, pictures=8, seconds=3.0)
    for loss in losses:
        progress.advance({"d_loss": torch.tensor(loss)})
    return progress


def test_a_tick_is_the_mean_of_its_steps_and_their_pace(tmp_path: Path) -> None:
    record = metrics_writer.tick(come(1.0, 2.0, 6.0), 2.0, tmp_path, CPU, ALONE, NEVER)
    assert record.pop("memory_gib") >= 0
    assert record == {
        "step": 3,
        "images": 12,
        "epoch": 1.5,
        "seconds": 3.0,
        "d_loss": 3.0,
        "images_per_second": 6.0,
    }


def test_a_tick_after_a_reload_says_at_what_share_of_the_rates(tmp_path: Path) -> None:
    reload = Reload(step=0, lr_factor=0.25, reason="nan in d_loss at step 3")
    record = metrics_writer.tick(come(1.0), 2.0, tmp_path, CPU, ALONE, reload)
    assert record["lr_factor"] == 0.25


def test_a_figure_that_is_not_finite_is_named_with_its_step(tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match=r"d_loss at step 2: .* found inf"):
        metrics_writer.tick(come(1.0, float("inf"), 1.0), 2.0, tmp_path, CPU, ALONE, NEVER)


def test_an_open_ledger_writes_a_line_a_tick_and_drops_later_ones(tmp_path: Path) -> None:
    for losses in ((1.0, 2.0), (1.0,)):
        progress = come(*losses)
        with ExitStack() as stack:
            opened = Ledger.opened(stack, tmp_path, Progress(4, 8), tensorboard=False)
            opened.write(metrics_writer.tick(progress, 1.0, tmp_path, CPU, ALONE, NEVER))
    assert [line["step"] for line in jsonl_log.read(tmp_path)] == [1]
    assert jsonl_log.read(tmp_path, jsonl_log.SCORES) == []
