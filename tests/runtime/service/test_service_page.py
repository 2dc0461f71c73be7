"""What `docs/service.md` shows works, against the command it starts with."""

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
from ganport_runtime.service.openapi import document
from ganport_runtime.service.openapi.answers import ERRORS
from ganport_runtime.service.outputs import CONTAINERS, OUTPUTS
from ganport_runtime.service.registry import Shelf
from ganport_runtime.service.requests import GenerateBody
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


def test_there_are_commands() -> None:
    assert len(COMMANDS) == 8
    assert len(blocks("python")) == 2 and len(blocks("js")) == 1


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.split("/", 3)[3][:50])
def test_a_command(command: str, address: str, tmp_path: Path) -> None:
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
        with Image.open(path) as picture:
            assert picture.size == (64, 64)
            assert picture.format == path.suffix[1:].upper()


@pytest.mark.parametrize("code", blocks("python"), ids=["sheet", "triton"])
def test_python(code: str, address: str) -> None:
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tritonclient's own dependencies
        exec(code.replace(PORT, address), names)
    starter = Generator.load("starter", "cpu")
    if "faces" in names:
        expected = starter.generate({"hair": "pink"}, seed=7, count=16)
        assert np.array_equal(np.stack([np.asarray(face) for face in names["faces"]]), expected)  # type: ignore[attr-defined]
    else:
        expected = starter.generate(["pink hair", "black hair"], seed=7)
        assert np.array_equal(names["images"], expected)  # type: ignore[arg-type]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_javascript(address: str, tmp_path: Path) -> None:
    path = tmp_path / "sheet.mjs"
    path.write_text(blocks("js")[0].replace(PORT, address))
    done = subprocess.run(["node", path], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("image/png 16 192 0 64 64 10\n", "")


def test_the_client_fills_a_folder(
    address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = ["client.py", "pink hair", "--seed", "7", "--count", "2", "--out", str(tmp_path / "f")]
    monkeypatch.setattr(sys, "argv", [*line, "--address", f"http://{address}"])
    runpy.run_path(str(ROOT / "examples/client.py"), run_name="__main__")
    assert capsys.readouterr().out.endswith("001.png: seed 8\n")
    with Image.open(tmp_path / "f" / "001.png") as picture:
        drawn = np.asarray(picture)
    assert np.array_equal(drawn, Generator.load("starter", "cpu").generate("pink hair", seed=8)[0])
    monkeypatch.setattr(sys, "argv", ["client.py", "pnk hair", "--address", f"http://{address}"])
    with pytest.raises(SystemExit, match=r"^error: condition 'hair': .* Did you mean 'pink'\?"):
        runpy.run_path(str(ROOT / "examples/client.py"), run_name="__main__")


def test_fields_outputs_and_statuses_stand_on_the_page() -> None:
    for word in (*GenerateBody.__struct_fields__, *OUTPUTS, *CONTAINERS):
        assert f"`{word}`" in PAGE, word
    for status in set(ERRORS) - {500}:
        assert re.search(rf"^\|[^|]*\b{status}\b", PAGE, re.M), status


def test_the_limits_of_the_page_are_the_settings() -> None:
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
    assert f"`--notice` seconds ({settings.notice:g})" in PAGE
    assert f"`--drain` seconds ({settings.drain:g})" in PAGE


def test_every_path_of_the_service_stands_on_the_page(tiny_shelf: Shelf) -> None:
    for path in document(tiny_shelf, Settings())["paths"]:
        shown = path.replace("/v2/models/{name}/", "…/").replace("{name}", "NAME")
        if not shown.startswith("…/versions") and "{version}" not in shown:
            assert shown in PAGE, shown


def test_the_error_of_the_page_is_json(address: str) -> None:
    asked = {"conditions": {"hair": "pnk"}}
    error = httpx.post(f"http://{address}/v1/generate", json=asked).json()["error"]
    shown = re.search(r'`(\{"error": \{"status".*?\}\})`', PAGE, re.S)
    assert shown
    stated = json.loads(shown[1].replace("\n", " "))["error"]
    assert error["expected"].startswith(stated.pop("expected").removesuffix("…"))
    assert stated == {key: error[key] for key in stated}
