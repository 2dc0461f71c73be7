"""The server: disconnects, stalls, uploads and addresses."""

import base64
import io
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ganport_runtime.errors import RequestError
from ganport_runtime.service.workers import address_of, ignore_new_connections, listen

RunService = Callable[..., AbstractContextManager[Any]]


@pytest.fixture(scope="module")
def service(data: Path, run_service: RunService) -> Iterator[Any]:
    with run_service(data / "tiny.ganport") as service:
        yield service


def disconnect(port: int, milliseconds: int) -> None:
    """Request an image and close the connection before the response."""
    body = json.dumps({"seed": milliseconds}).encode()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(
            b"POST /v1/generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        time.sleep(0.1)


def test_disconnected_client_frees_its_queue_slots(service: Any) -> None:
    thread, responses = service.start_run(700)
    unanswered = service.metric("ganport_unanswered_total")
    images = service.metric("ganport_images_total")
    for _ in range(3):
        disconnect(service.port, 5000)
    service.wait_until(lambda: service.metric("ganport_queued_images") == 0)
    thread.join()
    assert responses[0].status_code == 200
    assert service.generate(0).status_code == 200
    assert service.metric("ganport_unanswered_total") == unanswered + 3
    assert service.metric("ganport_images_total") == images + 2
    assert service.metric('ganport_requests_total{route="/v1/generate",status="499"}') == 3


def test_stalled_run_makes_the_service_not_ready_until_it_ends(service: Any) -> None:
    assert service.client.get("/readyz").status_code == 200
    thread, responses = service.start_run(2500)  # the stall timeout is 0.5 s
    service.wait_until(lambda: service.client.get("/readyz").status_code == 503)
    assert service.client.get("/healthz").status_code == 200
    assert service.generate(0, timeout=0.2).status_code == 504
    thread.join()
    assert responses[0].status_code == 200
    service.wait_until(lambda: service.client.get("/readyz").status_code == 200)


def test_broken_connections_do_not_disturb_other_requests(service: Any) -> None:
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(
            b"POST /v1/generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(b"\x16\x03\x01 not HTTP\r\n\r\n")
    assert service.generate(0).status_code == 200


def resident_mib(process_id: int) -> float:
    status = Path(f"/proc/{process_id}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_unfinished_bodies_share_a_budget_and_free_it(data: Path, run_service: RunService) -> None:
    header = (
        b"POST /v1/translate HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
        b"Content-Length: 16000000\r\n\r\n"
    )
    with run_service(data / "tiny-translator.ganport") as service, ExitStack() as stack:
        before = resident_mib(service.process.pid)
        for _ in range(20):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", service.port)))
            with suppress(OSError):  # the service refuses bodies beyond its budget
                connection.sendall(header + bytes(15_000_000))
        assert service.client.get("/healthz").status_code == 200
        assert resident_mib(service.process.pid) - before < 150  # the budget has 64 MiB
        stack.close()
        service.wait_until(lambda: resident_mib(service.process.pid) - before < 30)


def slow_upload(images: int, timeout: float) -> dict[str, Any]:
    """Return the fields of a request whose images take a second each to decode."""
    buffer = io.BytesIO()
    Image.new("RGB", (4096, 4096)).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    scans = (64 - data.count(b"\xff\xda")) * data[data.rindex(b"\xff\xda") : -2]
    image = base64.b64encode(data[:-2] + scans + b"\xff\xd9").decode()
    return {"images": [image] * images, "timeout": timeout}


def children_are_idle(process_id: int) -> bool:
    """Return whether the children of a process use no processor for half a second."""

    def ticks() -> list[tuple[str, ...]]:
        listed = Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
        stats = [Path(f"/proc/{child}/stat").read_text().rpartition(")")[2] for child in listed]
        return [tuple(stat.split()[11:13]) for stat in stats]

    before = ticks()
    time.sleep(0.5)
    return ticks() == before


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")
def test_expired_upload_ends_its_helper(data: Path, run_service: RunService) -> None:
    with run_service(data / "tiny-translator.ganport") as service:
        response = service.client.post("/v1/translate", json=slow_upload(90, 5.0))
        assert response.status_code == 504
        service.wait_until(lambda: children_are_idle(service.process.pid), 10.0)


def test_unfinished_upload_does_not_delay_the_exit(data: Path, run_service: RunService) -> None:
    with run_service(data / "tiny-translator.ganport", shutdown_timeout=1.0) as service:
        fields = slow_upload(90, 300.0)
        statuses: list[int] = []

        def upload() -> None:
            statuses.append(service.client.post("/v1/translate", json=fields).status_code)

        threads = [threading.Thread(target=upload) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(1.5)
        start = time.monotonic()
        service.process.terminate()
        assert service.process.wait(30.0) == 0
        assert time.monotonic() - start < 1.0 + 5.0
        for thread in threads:
            thread.join()
        assert statuses == [503] * 3


def test_malformed_requests_do_not_fill_the_log(data: Path, run_service: RunService) -> None:
    with run_service(data / "tiny.ganport") as service:
        for _ in range(200):
            with socket.create_connection(("127.0.0.1", service.port)) as connection:
                connection.sendall(b"\x16\x03\x01 not HTTP\r\n\r\n")
                connection.settimeout(30.0)
                assert connection.recv(100).startswith(b"HTTP/1.1 400")
        service.process.terminate()
        _, errors = service.process.communicate(timeout=30)
        assert 1 <= errors.count("Invalid HTTP request") <= 5


def test_listen_used_or_invalid_address_raises_request_error() -> None:
    with listen("127.0.0.1", 0) as first:
        first.listen()
        address = address_of(first)
        port = int(address.rpartition(":")[2])
        assert address == f"http://127.0.0.1:{port}"
        with pytest.raises(RequestError, match=rf"127\.0\.0\.1:{port}"):
            listen("127.0.0.1", port)
    for host in ("256.1.1.1.example.invalid", "203.0.113.7", "a" * 300):
        with pytest.raises(RequestError):
            listen(host, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a socket filter")
def test_ignore_new_connections_keeps_old_ones_and_drops_requests_for_new_ones() -> None:
    with listen("127.0.0.1", 0) as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname(), 5.0) as client:
            ignore_new_connections(listener)
            with listener.accept()[0] as connection:
                connection.sendall(b"pixels")
                assert client.recv(6) == b"pixels"
        with pytest.raises(TimeoutError):
            socket.create_connection(listener.getsockname(), 0.2)
