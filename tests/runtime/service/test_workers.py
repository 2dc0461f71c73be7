import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from ganport_runtime.errors import GanportError
from ganport_runtime.service.workers import supervise

# Not functions of this file: other processes could not import them.
WAIT = partial(time.sleep, 60.0)


def end_when(happened: Callable[[], bool]) -> None:
    def watch() -> None:
        while not happened():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def test_processes_are_told_to_end() -> None:
    start = time.monotonic()
    before = signal.getsignal(signal.SIGTERM)
    end_when(lambda: len(multiprocessing.active_children()) == 2)
    supervise(WAIT, 2)
    assert time.monotonic() - start < 30.0
    assert not multiprocessing.active_children()
    assert signal.getsignal(signal.SIGTERM) is before


def test_work_that_cannot_begin_ends_the_service() -> None:
    with pytest.raises(GanportError, match=r"with code 7\. See what it wrote above") as caught:
        supervise(partial(sys.exit, 7), 2)
    assert caught.value.place == "--workers"


def test_a_process_that_is_lost_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ganport_runtime.service.workers._SOON", 0.0)
    # Each process leaves a folder of its own name behind, and ends.
    work = partial(os.system, f"mkdir {tmp_path}/$$; sleep 0.2")
    end_when(lambda: len(list(tmp_path.iterdir())) >= 2)
    supervise(work, 1)
    assert len(list(tmp_path.iterdir())) >= 2
    assert "warning: a process ended; starting another" in capsys.readouterr().err
