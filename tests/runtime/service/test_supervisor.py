"""A crew of processes, watched over by one of its own: signals are not for a test's process."""

import subprocess
import sys
import textwrap

START = """
import multiprocessing, os, signal, sys, threading, time
from functools import partial
from ganport_runtime.errors import GanportError
from ganport_runtime.service import supervisor as workers

def end_when(happened):
    def watch():
        while not happened():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
"""


def run(script: str) -> subprocess.CompletedProcess[str]:
    source = START + textwrap.dedent(script)
    command = [sys.executable, "-W", "error", "-c", source]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_processes_are_told_to_end() -> None:
    ended = run(
        """
        before = signal.getsignal(signal.SIGTERM)
        end_when(lambda: len(multiprocessing.active_children()) == 2)
        workers.supervise(partial(time.sleep, 100.0), 2)
        assert not multiprocessing.active_children()
        assert signal.getsignal(signal.SIGTERM) is before
        print("ended")
        """
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "ended\n", "")


def test_work_that_cannot_begin_ends_the_service() -> None:
    ended = run(
        """
        try:
            workers.supervise(partial(sys.exit, 7), 2)
        except GanportError as error:
            print(error)
        """
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("--workers: expected processes that serve until they are told")
    assert "with code 7. See what it wrote above" in ended.stdout


def test_a_process_that_is_lost_is_replaced(tmp_path: object) -> None:
    # Each process leaves a folder of its own name behind, and ends.
    ended = run(
        f"""
        workers._SOON = 0.0
        folder = {str(tmp_path)!r}
        end_when(lambda: len(os.listdir(folder)) >= 2)
        workers.supervise(partial(os.system, f"mkdir {{folder}}/$$; sleep 0.2"), 1)
        print(len(os.listdir(folder)) >= 2)
        """
    )
    assert (ended.returncode, ended.stdout) == (0, "True\n"), ended.stderr
    assert "warning: a process ended; starting another" in ended.stderr
