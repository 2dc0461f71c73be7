"""Worker processes, in an interpreter of its own because it handles signals."""

import subprocess
import sys
import textwrap
from pathlib import Path

FOLDER = Path(__file__).parent
START = """
import multiprocessing, os, signal, sys, threading, time
from functools import partial
from ganport_runtime.errors import GanportError
from ganport_runtime.service.workers import supervise
import stub_workers

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
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=FOLDER)


def test_supervise_sigterm_ends_all_workers_and_restores_handlers() -> None:
    process = run_script(
        """
        before = signal.getsignal(signal.SIGTERM)
        terminate_when(lambda: len(multiprocessing.active_children()) == 2)
        supervise(stub_workers.serve, 2)
        assert not multiprocessing.active_children()
        assert signal.getsignal(signal.SIGTERM) is before
        print("ended")
        """
    )
    assert (process.returncode, process.stdout, process.stderr) == (0, "ended\n", "")


def test_supervise_workers_that_never_serve_raise_with_their_exit_code() -> None:
    process = run_script(
        """
        try:
            supervise(partial(stub_workers.fail, code=7), 2)
        except GanportError as error:
            print(error.place, "code 7" in error.found)
        """
    )
    assert (process.returncode, process.stdout) == (0, "--workers True\n"), process.stderr


def test_supervise_killed_workers_are_replaced_with_growing_delays(tmp_path: Path) -> None:
    # Each worker leaves a file with its process ID; three of them are killed once they serve.
    process = run_script(
        f"""
        folder = {str(tmp_path)!r}
        times = []

        def kill_thrice():
            for _ in range(3):
                while not (names := os.listdir(folder)):
                    time.sleep(0.01)
                os.remove(os.path.join(folder, names[0]))
                times.append(time.monotonic())
                os.kill(int(names[0]), signal.SIGKILL)
            return True

        terminate_when(kill_thrice)
        supervise(partial(stub_workers.serve, folder=folder), 1)
        first, second = times[1] - times[0], times[2] - times[1]
        print(len(times), first > 0.5, second > 1.0)
        """
    )
    assert (process.returncode, process.stdout) == (0, "3 True True\n"), process.stderr
    assert process.stderr.count("warning: ") >= 2
