import os
import sys

import pytest

from ganport_runtime.doctor.probes import attempt, devices
from ganport_runtime.doctor.system_info import Driver


def command(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def test_a_trial_of_the_cpu() -> None:
    trial = attempt("cpu")
    assert trial.error == ""
    assert trial.milliseconds > 0


def test_a_trial_of_what_is_not_there() -> None:
    trial = attempt("cuda:77")
    assert trial.error
    assert trial.fix


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_device_that_kills_its_process() -> None:
    trial = attempt("cuda:0", command("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"))
    assert trial.error == "a process ended by SIGSEGV"


def test_a_device_that_hangs() -> None:
    trial = attempt("cuda:0", command("import time; time.sleep(60)"), patience=0.5)
    assert trial.error == "no picture in 0.5 seconds"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("print('not json')", "exit code 0"),
        ("print('[1]')", "exit code 0"),
        ("import sys; print('last \\x1b words', file=sys.stderr); sys.exit(3)", r"last \x1b words"),
        ("import sys; sys.exit(3)", "exit code 3"),
    ],
)
def test_an_answer_nobody_understands(code: str, error: str) -> None:
    assert attempt("cpu", command(code)).error == error


def test_the_last_line_is_the_answer() -> None:
    code = (
        "print('libraries say what they like')\n"
        'print(\'{"error": "none", "fix": "Buy one.", "missing": ["libx.so"]}\')'
    )
    trial = attempt("cuda:0", command(code))
    assert (trial.error, trial.fix, trial.missing) == ("none", "Buy one.", ("libx.so",))


def test_what_is_worth_a_trial() -> None:
    two = Driver(gpus=("A", "B"))
    assert devices({}, None) == ["cpu"]
    assert devices({"openvino": "2026.4"}, None) == ["cpu", "openvino"]
    assert devices({"tensorrt-cu13": "10.14"}, None) == ["cpu"]
    assert devices({"tensorrt-cu13": "10.14"}, two) == ["cpu", "cuda:0", "cuda:1", "tensorrt:0"]
