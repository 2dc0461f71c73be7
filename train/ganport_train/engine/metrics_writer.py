"""The records that a run keeps while it trains: what happened in a tick, and every score."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ganport_train.backend.device import memory_gib
from ganport_train.backend.distributed import Processes
from ganport_train.engine.collapse_monitor import Logs
from ganport_train.runs.jsonl_log import SCORES, Records
from ganport_train.runs.recovery import Reload
from ganport_train.runs.step_metrics import means
from ganport_train.runs.tick_report import Board
from ganport_train.runs.train_state import Progress


@dataclass(frozen=True)
class Ledger:
    """Where the lines of ticks and of scores go: nowhere, in a process that does not lead."""

    stats: Logs = ()
    scores: Logs = ()

    @classmethod
    def opened(
        cls, stack: ExitStack, folder: Path, progress: Progress, *, tensorboard: bool
    ) -> Ledger:
        """The records of a run that has come so far, open until the stack is left.

        Raises GanportError for a damaged line, MissingExtraError without tensorboard.
        """
        stats = stack.enter_context(Records(folder, progress.step))
        scores = stack.enter_context(Records(folder, progress.step, SCORES))
        boards: Sequence[Board] = []
        if tensorboard:
            boards = [stack.enter_context(Board(folder, progress.images))]
        return cls([stats, *boards], [scores, *boards])

    def write(self, record: dict[str, Any]) -> None:
        """Writes the record of a tick."""
        for log in self.stats:
            log.write(record)


NOWHERE = Ledger()


def tick(
    progress: Progress,
    seconds: float,
    folder: Path,
    device: torch.device,
    processes: Processes,
    reload: Reload,
) -> dict[str, Any]:
    """The record of the steps since the last tick, which took so many seconds: their figures,
    averaged over steps and processes, and the pace.

    Raises DivergedError for a figure that is not finite.
    """
    window = progress.ticked()
    processes.average([figure for step in window for figure in step.values()])
    return {
        **progress.place(),
        **means(window, progress.step, folder),
        "images_per_second": round(len(window) * progress.batch / seconds, 1),
        "memory_gib": round(memory_gib(device), 3),
        **({"lr_factor": reload.lr_factor} if reload.happened else {}),
    }
