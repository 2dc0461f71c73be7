"""`ganport studio`: the served page, and the command line of a static site."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from ganport_runtime.cli.studio import studio

COMMAND = [sys.executable, "-c", "from ganport_runtime.__main__ import ganport; ganport()"]


def test_studio_serves_the_page_and_its_bundle() -> None:
    command = [*COMMAND, "studio", "starter", "--no-browser", "--device", "cpu"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            address = re.fullmatch(r"the studio is at (http://\S+); Ctrl-C ends it\n", line)
            assert address
            assert "ganport studio" in httpx.get(address[1]).text
            (bundle,) = httpx.get(f"{address[1]}/v1/bundles").json()["bundles"]
            assert bundle["name"] == "starter"
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_studio_of_a_missing_bundle_is_an_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        studio, [str(tmp_path / "no.ganport"), "--out", str(tmp_path / "x")]
    )
    assert result.exit_code == 1
    assert "no.ganport" in str(result.exception)


@pytest.mark.parametrize(
    "arguments", [[], ["starter", "--port", "70000"], ["starter", "--nothing"]]
)
def test_studio_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(studio, arguments).exit_code == 2
