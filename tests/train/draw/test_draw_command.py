"""`ganport dataset draw faces` from its command line."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from click.testing import CliRunner

from ganport_runtime.errors import GanportError
from ganport_train.commands.draw import draw


def run(*arguments: str) -> tuple[int, str, BaseException | None]:
    result = CliRunner().invoke(draw, ["faces", *arguments])
    return result.exit_code, result.output, result.exception


def test_draws_a_zip_and_says_so_in_plain_lines(tmp_path: Path) -> None:
    out = str(tmp_path / "x.zip")
    code, output, _ = run(
        "--count", "10", "--size", "16", "--out", out, "--workers", "1", "--seed", "4"
    )
    assert code == 0
    assert output.splitlines() == [
        *(f"drawn {n} of 10" for n in (2, 4, 6, 8)),
        f"{out}: 10 faces, 16x16, seed 4",
    ]
    assert len(zipfile.ZipFile(out).namelist()) == 11


def test_force_replaces(tmp_path: Path) -> None:
    arguments = ("--count", "1", "--size", "16", "--workers", "1", "--out", str(tmp_path / "x"))
    assert run(*arguments)[0] == 0
    code, _, error = run(*arguments)
    assert code == 1
    assert isinstance(error, GanportError)
    assert "--force" in str(error)
    assert run(*arguments, "--force")[0] == 0


def test_drawing_imports_no_torch() -> None:
    code = "import sys, ganport_train.commands.draw; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
