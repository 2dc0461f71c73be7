import os
import signal
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from ganport_runtime.errors import GanportError
from ganport_runtime.service.workers import supervise

# Not functions of this file: other processes could not import them.
WAIT = partial(time.sleep, 60.0)


def after(seconds: float) -> None:
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGTERM)).start()


def test_processes_are_told_to_end() -> None:
    start = time.monotonic()
    before = signal.getsignal(signal.SIGTERM)
    after(1.0)
    supervise(WAIT, 2)
    assert time.monotonic() - start < 20.0
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
    after(2.5)
    supervise(work, 1)
    assert len(list(tmp_path.iterdir())) >= 2
    assert "warning: a process ended; starting another" in capsys.readouterr().err
