"""The examples and statements of `docs/service.md`, run against `serve-gan starter`."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from ganport_runtime import Generator
from ganport_runtime.service.openapi import ERRORS, build_document
from ganport_runtime.service.outputs import CONTAINERS, OUTPUTS
from ganport_runtime.service.registry import ModelRegistry
from ganport_runtime.service.schemas import GenerateBody
from ganport_runtime.service.settings import Settings

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/service.md").read_text()
SERVE = [sys.executable, "-c", "from ganport_runtime.__main__ import serve_gan; serve_gan()"]
PORT = "127.0.0.1:8000"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)


COMMANDS = [line for block in blocks("sh") for line in re.split(r"\n(?=curl)", block.strip())]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """HOST:PORT of `serve-gan starter`."""
    command = [*SERVE, "starter", "--device", "cpu", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        started = re.fullmatch(
            r"serving starter \(cpu\) on http://(.*)\n", process.stdout.readline()
        )
        assert started
        yield started[1]
        process.terminate()
        assert process.wait(20) == 0


def test_page_has_the_tested_examples() -> None:
    assert len(COMMANDS) == 8
    assert len(blocks("python")) == 2 and len(blocks("js")) == 1


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.split("/", 3)[3][:50])
def test_command_of_the_page_succeeds(command: str, address: str, tmp_path: Path) -> None:
    failing = command.replace("curl ", "curl --fail --silent --show-error ", 1)
    bash = ["bash", "-c", failing.replace(PORT, address)]
    done = subprocess.run(bash, cwd=tmp_path, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    written = list(tmp_path.iterdir())
    if not written:
        assert done.stdout
    for path in written:
        check_file(path)


def check_file(path: Path) -> None:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
    elif path.suffix == ".npy":
        assert np.load(path).shape == (4, 64, 64, 3)
    else:
        with Image.open(path) as image:
            assert image.size == (64, 64)
            assert image.format == path.suffix[1:].upper()


@pytest.mark.parametrize("code", blocks("python"), ids=["sheet", "triton"])
def test_python_example_returns_the_images_of_the_library(code: str, address: str) -> None:
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # from the dependencies of tritonclient
        exec(code.replace(PORT, address), names)
    starter = Generator.load("starter", "cpu")
    if "faces" in names:
        expected = starter.generate({"hair": "pink"}, seed=7, count=16)
        assert np.array_equal(np.stack([np.asarray(face) for face in names["faces"]]), expected)  # type: ignore[attr-defined]
    else:
        expected = starter.generate(["pink hair", "black hair"], seed=7)
        assert np.array_equal(names["images"], expected)  # type: ignore[arg-type]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_javascript_example_reads_the_sheet(address: str, tmp_path: Path) -> None:
    path = tmp_path / "sheet.mjs"
    path.write_text(blocks("js")[0].replace(PORT, address))
    done = subprocess.run(["node", path], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("image/png 16 192 0 64 64 10\n", "")


def test_example_client_saves_images_and_reports_errors(
    address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = ["client.py", "pink hair", "--seed", "7", "--count", "2", "--out", str(tmp_path / "f")]
    monkeypatch.setattr(sys, "argv", [*line, "--address", f"http://{address}"])
    runpy.run_path(str(ROOT / "examples/client.py"), run_name="__main__")
    assert capsys.readouterr().out.endswith("001.png: seed 8\n")
    with Image.open(tmp_path / "f" / "001.png") as image:
        pixels = np.asarray(image)
    assert np.array_equal(pixels, Generator.load("starter", "cpu").generate("pink hair", seed=8)[0])
    monkeypatch.setattr(sys, "argv", ["client.py", "pnk hair", "--address", f"http://{address}"])
    with pytest.raises(SystemExit, match=r"^error: condition 'hair': .*'pink'"):
        runpy.run_path(str(ROOT / "examples/client.py"), run_name="__main__")


def test_page_lists_fields_outputs_and_statuses() -> None:
    for name in (*GenerateBody.__struct_fields__, *OUTPUTS, *CONTAINERS):
        assert f"`{name}`" in PAGE, name
    for status in set(ERRORS) - {500}:
        assert re.search(rf"^\|[^|]*\b{status}\b", PAGE, re.M), status


def test_page_defaults_are_those_of_the_settings() -> None:
    settings = Settings()
    for option, value in (
        ("--max-images", settings.max_images),
        ("--max-queue", settings.max_queue),
        ("--max-pixels", f"{settings.max_pixels:,}"),
    ):
        assert f"`{option}` ({value})" in PAGE
    assert f"`--max-body` ({settings.max_body >> 20} MiB)" in PAGE
    times = f"`--timeout` ({settings.timeout:g}), `--max-timeout` ({settings.max_timeout:g})"
    assert times in PAGE
    delay, timeout = settings.shutdown_delay, settings.shutdown_timeout
    assert f"`--shutdown-delay` ({delay:g}), `--shutdown-timeout` ({timeout:g})" in PAGE


def test_page_lists_every_path(registry: ModelRegistry) -> None:
    for path in build_document(registry, Settings())["paths"]:
        repr_short = path.replace("/v2/models/{name}/", "…/").replace("{name}", "NAME")
        if not repr_short.startswith("…/versions") and "{version}" not in repr_short:
            assert repr_short in PAGE, repr_short


def test_page_error_is_that_of_the_service(address: str) -> None:
    fields = {"conditions": {"hair": "pnk"}}
    error = httpx.post(f"http://{address}/v1/generate", json=fields).json()["error"]
    repr_short = re.search(r'`(\{"error": \{"status".*?\}\})`', PAGE, re.S)
    assert repr_short
    stated = json.loads(repr_short[1].replace("\n", " "))["error"]
    assert error["expected"].startswith(stated.pop("expected").removesuffix("…"))
    assert stated == {key: error[key] for key in stated}
