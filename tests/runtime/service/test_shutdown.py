"""The shutdown and the reload of a service: signals, open requests and the exit code."""

import io
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import ganport_runtime

RunService = Callable[..., AbstractContextManager[Any]]


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs SIGHUP")
def test_sighup_replaces_the_bundle_and_answers_the_requests_of_the_old_one(
    data: Path, run_service: RunService, tmp_path: Path
) -> None:
    bundle, starter = tmp_path / "a.ganport", Path(ganport_runtime.__file__).parent
    shutil.copytree(data / "tiny.ganport", bundle)
    with run_service(bundle) as service:
        thread, responses = service.start_run(3000)
        shutil.rmtree(bundle)
        service.process.send_signal(signal.SIGHUP)  # no bundle: the old one stays
        time.sleep(0.5)
        assert service.client.get("/v1/bundles").json()["bundles"][0]["image"]["width"] == 8
        shutil.copy(starter / "starter.ganport", bundle)
        service.process.send_signal(signal.SIGHUP)
        service.wait_until(
            lambda: service.client.get("/v1/bundles").json()["bundles"][0]["image"]["width"] == 64
        )
        assert service.generate(0, output="raw").headers["ganport-shape"] == "1, 64, 64, 3"
        assert "/v1/generate" in service.client.get("/openapi.json").json()["paths"]
        assert service.client.get("/v2/models/faces").json()["outputs"][0]["shape"][1] == 64
        thread.join()
        assert responses[0].status_code == 200
        assert Image.open(io.BytesIO(responses[0].content)).size == (8, 8)
        assert service.metric("ganport_images_total") == 2
        service.process.terminate()
        _, errors = service.process.communicate(timeout=30)
        assert errors.count("not replaced") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_finishes_open_requests_and_exits_with_0(
    data: Path, run_service: RunService, number: int
) -> None:
    with run_service(data / "tiny.ganport", shutdown_delay=0.5) as service:
        thread, responses = service.start_run(1200)
        service.process.send_signal(number)
        service.wait_until(lambda: service.client.get("/readyz").status_code == 503)
        thread.join()
        assert responses[0].status_code == 200
        output, errors = service.process.communicate(timeout=30)
        assert service.process.returncode == 0
        assert output.endswith("ended\n")
        assert errors == ""


def request_until_refused(port: int) -> Iterator[int]:
    """Yield the statuses of requests, 0 for a reset connection, until the port is closed."""
    body = b'{"seed": 0}'
    header = b"POST /v1/generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    data = header + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    with suppress(ConnectionRefusedError):
        while True:
            status = 0
            with (
                suppress(ConnectionResetError, BrokenPipeError),
                socket.create_connection(("127.0.0.1", port), 30.0) as connection,
            ):
                connection.sendall(data)
                if response := connection.recv(100):
                    status = int(response.split()[1])
            yield status


@pytest.mark.parametrize("workers", [1, 2])
def test_new_requests_after_a_signal_get_503_and_no_reset(data: Path, workers: int) -> None:
    script = "from ganport_runtime.__main__ import serve_gan; serve_gan()"
    options = ["--port", "0", "--device", "cpu", "--workers", str(workers)]
    command = [sys.executable, "-c", script, str(data / "tiny.ganport"), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(workers)]
        port = int(lines[0].rpartition(":")[2])
        statuses: list[list[int]] = [[], [], [], []]

        def send_requests(kept: list[int]) -> None:
            kept.extend(request_until_refused(port))

        threads = [threading.Thread(target=send_requests, args=(kept,)) for kept in statuses]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        process.terminate()
        for thread in threads:
            thread.join()
        assert process.wait(30.0) == 0
    assert any(503 in kept for kept in statuses)
    for kept in statuses:
        assert set(kept[:-1]) <= {200, 503}
    # Other systems than Linux may accept a last connection in the moment in which the port closes.
    assert sum(kept[-1] == 0 for kept in statuses) <= (sys.platform != "linux")


def test_shutdown_timeout_ends_a_request_with_503(data: Path, run_service: RunService) -> None:
    with run_service(data / "tiny.ganport", shutdown_timeout=1.0) as service:
        _, responses = service.start_run(60_000)
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(30)
        service.wait_until(lambda: bool(responses))
        assert responses[0].status_code == 503
        assert responses[0].json()["error"]["place"] == "service"
