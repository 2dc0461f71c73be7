"""The worker processes, in an interpreter of its own because it handles signals."""

import subprocess
import sys
import textwrap
from pathlib import Path

START = """
import multiprocessing, os, signal, sys, threading, time
from functools import partial
from ganport_runtime.errors import GanportError
from ganport_runtime.service.server import supervise

def terminate_when(condition):
    def watch():
        while not condition():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
"""


def run_script(script: str) -> subprocess.CompletedProcess[str]:
    source = START + textwrap.dedent(script)
    command = [sys.executable, "-W", "error", "-c", source]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_supervise_sigterm_ends_all_workers_and_restores_handlers() -> None:
    process = run_script(
        """
        before = signal.getsignal(signal.SIGTERM)
        terminate_when(lambda: len(multiprocessing.active_children()) == 2)
        supervise(partial(time.sleep, 100.0), 2)
        assert not multiprocessing.active_children()
        assert signal.getsignal(signal.SIGTERM) is before
        print("ended")
        """
    )
    assert (process.returncode, process.stdout, process.stderr) == (0, "ended\n", "")


def test_supervise_worker_that_fails_at_once_raises_with_its_exit_code() -> None:
    process = run_script(
        """
        try:
            supervise(partial(sys.exit, 7), 2)
        except GanportError as error:
            print(error.place, "code 7" in error.found)
        """
    )
    assert (process.returncode, process.stdout) == (0, "--workers True\n"), process.stderr


def test_supervise_dead_worker_is_replaced(tmp_path: Path) -> None:
    # Each worker creates a folder with its process ID and ends.
    process = run_script(
        f"""
        folder = {str(tmp_path)!r}
        terminate_when(lambda: len(os.listdir(folder)) >= 2)
        work = partial(os.system, f"mkdir {{folder}}/$$; sleep 0.2")
        supervise(work, 1, min_lifetime=0.0)
        print(len(os.listdir(folder)) >= 2)
        """
    )
    assert (process.returncode, process.stdout) == (0, "True\n"), process.stderr
    assert "warning: " in process.stderr
