"""A fixture that runs a console command in this process, like its entry point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ganport_runtime import __main__ as scripts


@dataclass
class Outcome:
    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def start(script: str, *arguments: object) -> Outcome:
        monkeypatch.setattr("sys.argv", [script, *map(str, arguments)])
        monkeypatch.setattr("warnings.showwarning", None)  # restored after the test
        with pytest.raises(SystemExit) as caught:
            {"ganport": scripts.ganport, "sample-gan": scripts.sample_gan}[script]()
        output = capsys.readouterr()
        code = caught.value.code
        return Outcome(code if isinstance(code, int) else 0, output.out, output.err)

    return start
