"""`serve-gan`: in this process for errors, in its own process for services."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from ganport_runtime.__main__ import serve_gan

SCRIPT = "from ganport_runtime.__main__ import serve_gan; serve_gan()"


@contextmanager
def serving(*arguments: object) -> Iterator[tuple[Any, str]]:
    """Start a service and return it with its first line of output."""
    command = [sys.executable, "-c", SCRIPT, *map(str, arguments)]
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **options) as process:
        try:
            yield process, process.stdout.readline()
        finally:
            process.kill()


def run_failing(capsys: Any, monkeypatch: Any, *arguments: object) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["serve-gan", *map(str, arguments)])
    monkeypatch.setattr("warnings.showwarning", None)
    with pytest.raises(SystemExit) as exited:
        serve_gan()
    return int(exited.value.code or 0), capsys.readouterr().err


def test_serve_bundles_until_sigterm(data: Path, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("sesame\n")
    bundles = data / "tiny.ganport", f"changer={data / 'tiny-translator.ganport'}"
    limits = ("--max-images", 2, "--max-body", 100, "--keys-file", tmp_path / "keys")
    arguments = (*bundles, "--port", 0, "--device", "cpu", "--host", "0.0.0.0", *limits)
    with serving(*arguments) as (process, line):
        assert line.startswith("serving tiny (cpu), changer (cpu) on http://0.0.0.0:")
        port = line.rstrip().rpartition(":")[2]

        def generate(**fields: Any) -> httpx.Response:
            headers = {"X-API-Key": "sesame"}
            address = f"http://127.0.0.1:{port}/v1/generate"
            return httpx.post(address, json={"bundle": "tiny"} | fields, headers=headers)

        assert httpx.get(f"http://127.0.0.1:{port}/v1/bundles").status_code == 401
        assert generate(seed=7).headers["content-type"] == "image/png"
        assert generate(count=2).status_code == 200
        assert generate(count=3).status_code == 422
        assert generate(conditions="x" * 100).status_code == 413
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 0
        assert errors == ""


@pytest.mark.filterwarnings("always::ganport_runtime.errors.GanportWarning")
def test_serve_public_host_without_keys_prints_a_warning(
    data: Path, capsys: Any, monkeypatch: Any
) -> None:
    arguments = (data / "tiny.ganport", "--port", 0, "--host", "0.0.0.0", "--device", "abacus")
    _, errors = run_failing(capsys, monkeypatch, *arguments)
    assert errors.startswith("warning: ")
    assert "0.0.0.0" in errors and "--keys-file" in errors
    monkeypatch.setenv("GANPORT_API_KEYS", "k")
    _, errors = run_failing(capsys, monkeypatch, *arguments)
    assert errors.startswith("error: device")


def test_serve_workers_share_a_port_and_their_metrics(data: Path) -> None:
    with serving(data / "tiny.ganport", "--port", 0, "--workers", 2) as (process, line):
        address = line.split()[-1]
        assert process.stdout.readline() == line
        for seed in range(6):  # each over a new connection, to any process
            assert httpx.post(f"{address}/v1/generate", json={"seed": seed}).status_code == 200
        metrics = httpx.get(f"{address}/metrics").text
        assert 'ganport_images_total{bundle="tiny"} 6.0' in metrics
        process.kill()  # the workers must end too and free the port
        deadline = time.monotonic() + 20
        with pytest.raises(httpx.TransportError):
            while time.monotonic() < deadline:
                httpx.get(f"{address}/healthz")


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["{data}/none.ganport"], "none.ganport"),
        (["{data}/tiny.ganport", "tiny={data}/tiny.onnx"], "'tiny' twice"),
        (["a b={data}/tiny.ganport"], "NAME=PATH"),
        (["{data}/tiny.ganport", "--device", "abacus"], "device: "),
        (["{data}/tiny.ganport", "--keys-file", "{data}/none"], "/none: "),
        (["{data}/tiny.ganport", "--host", "203.0.113.7"], "203.0.113.7:8000"),
    ],
)
def test_serve_invalid_bundle_or_option_prints_one_line(
    data: Path, capsys: Any, monkeypatch: Any, arguments: list[str], value: str
) -> None:
    code, errors = run_failing(
        capsys, monkeypatch, *(argument.format(data=data) for argument in arguments), "--port", 8000
    )
    assert code == 1
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    assert value in errors


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["x", "--port", "70000"],
        ["x", "--max-images", "0"],
        ["x", "--timeout", "0"],
        ["x", "--precision", "int8"],
    ],
)
def test_serve_usage_error_exits_with_2(
    capsys: Any, monkeypatch: Any, arguments: list[str]
) -> None:
    assert run_failing(capsys, monkeypatch, *arguments)[0] == 2


def test_serve_used_port_exits_with_1(data: Path, capsys: Any, monkeypatch: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, errors = run_failing(capsys, monkeypatch, data / "tiny.ganport", "--port", port)
    assert code == 1
    assert f"127.0.0.1:{port}" in errors
