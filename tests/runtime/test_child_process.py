"""Limits of a child process: time, memory, files, output."""

import sys
import tempfile
from pathlib import Path

import pytest

from ganport_runtime.child_process import ChildResult, run_child

LIMIT = "from ganport_runtime.child_process import limit_resources; "
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs the limits of POSIX")


def run(code: str, timeout: float = 60) -> ChildResult:
    return run_child((sys.executable, "-c", code), timeout)


def test_objects_are_answers_and_other_lines_are_ignored() -> None:
    result = run('print(\'text\\n[1]\\n{"a": 1}\\n{"b": 2}\')')
    assert result == ChildResult([{"a": 1}, {"b": 2}])


def test_deeply_nested_line_is_ignored() -> None:
    assert run("print('[' * 100000); print('{}')").answers == [{}]


def test_child_that_never_ends_keeps_its_answers() -> None:
    result = run("print('{\"a\": 1}', flush=True)\nwhile True: pass", timeout=2)
    assert result.answers == [{"a": 1}]
    assert result.timed_out
    assert result.failure == "no answer in 2 seconds"


def test_child_that_prints_without_end_is_ended() -> None:
    result = run("while True: print('x' * 1000)", timeout=3)
    assert result.timed_out and result.answers == []


@posix
def test_limit_resources_ends_a_child_that_takes_too_much_memory() -> None:
    result = run(LIMIT + "limit_resources(2**28, 60); bytearray(2**29)")
    if sys.platform == "linux":
        assert result.failure == "MemoryError"


@posix
def test_limit_resources_ends_a_child_that_computes_too_long() -> None:
    result = run(LIMIT + "limit_resources(2**30, 0.01)\nwhile True: pass")
    assert "SIGKILL" in result.failure or "SIGXCPU" in result.failure
    assert not result.timed_out


@posix
def test_limit_resources_prevents_writing_to_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code = "limit_resources(2**30, 60); open('/dev/null'); open('written', 'wb', 0).write(b'x')"
    assert "File too large" in run(LIMIT + code).failure


@posix
def test_limit_resources_keeps_the_name_of_the_temporary_folder() -> None:
    """Python finds it by writing to it, which the limits prevent."""
    code = "limit_resources(2**30, 60); import json, tempfile; "
    result = run(LIMIT + code + "print(json.dumps({'folder': tempfile.gettempdir()}))")
    assert result == ChildResult([{"folder": tempfile.gettempdir()}])


@posix
def test_limit_resources_keeps_a_lower_limit_of_the_system() -> None:
    before = "import resource; resource.setrlimit(resource.RLIMIT_CPU, (5, 5)); "
    after = "limit_resources(2**30, 600); print({'cpu': 0} and '{}')"
    assert run(before + LIMIT + after).failure == ""
