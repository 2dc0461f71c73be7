"""The service in a process of its own: signals, clients that leave, a worker that is stuck."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from ganport_runtime.errors import RequestError
from ganport_runtime.service.server import address_of, listen

SERVICE = Path(__file__).with_name("held_service.py")


class Running:
    """A service in a process; its pictures take `seed` milliseconds."""

    def __init__(self, process: Any, address: str) -> None:
        self.process = process
        self.client = httpx.Client(base_url=address, timeout=30.0)
        self.port = int(address.rpartition(":")[2])

    def draw(self, milliseconds: int, **fields: Any) -> httpx.Response:
        return self.client.post("/v1/generate", json={"seed": milliseconds} | fields)

    def figure(self, name: str) -> float:
        lines = self.client.get("/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    def start(self, milliseconds: int) -> tuple[threading.Thread, list[httpx.Response]]:
        """Ask for a picture in a thread; returns once its run has begun."""
        answers: list[httpx.Response] = []
        thread = threading.Thread(target=lambda: answers.append(self.draw(milliseconds)))
        thread.start()
        until(lambda: self.figure("ganport_running_images{") == 1)
        return thread, answers

    def end(self, number: int) -> None:
        self.process.send_signal(number)


def until(happened: Callable[[], bool], seconds: float = 10.0) -> float:
    """How long it took."""
    start = time.monotonic()
    while not happened():
        assert time.monotonic() - start < seconds
        time.sleep(0.02)
    return time.monotonic() - start


@contextmanager
def service(bundle: Path, *, notice: float = 0.0, drain: float = 20.0) -> Iterator[Running]:
    command = [sys.executable, str(SERVICE), str(bundle), str(notice), str(drain)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as one:
        try:
            assert one.stdout is not None
            running = Running(one, one.stdout.readline().strip())
            with running.client:
                yield running
        finally:
            one.kill()


@pytest.fixture(scope="module")
def running(data: Path) -> Iterator[Running]:
    with service(data / "tiny.ganport") as one:
        yield one


def hang_up(port: int, milliseconds: int) -> None:
    """Ask for a picture and close the connection without waiting for it."""
    body = json.dumps({"seed": milliseconds}).encode()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(
            b"POST /v1/generate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        time.sleep(0.1)


def test_a_client_that_leaves_frees_its_place(running: Running) -> None:
    thread, answers = running.start(700)
    before = running.figure("ganport_unanswered_total"), running.figure("ganport_images_total")
    for _ in range(3):
        hang_up(running.port, 5000)
    until(lambda: running.figure("ganport_queued_images") == 0)
    thread.join()
    assert answers[0].status_code == 200
    # None of the three was drawn: the next picture does not wait for them.
    assert running.draw(0).elapsed.total_seconds() < 4.0
    assert running.figure("ganport_unanswered_total") == before[0] + 3
    assert running.figure("ganport_images_total") == before[1] + 2
    assert running.figure('ganport_requests_total{route="/v1/generate",status="499"}') == 3


def test_a_run_that_is_stuck_turns_readiness_off_within_a_second(running: Running) -> None:
    assert running.client.get("/readyz").status_code == 200
    thread, answers = running.start(2500)
    # stall_timeout is half a second here.
    assert until(lambda: running.client.get("/readyz").status_code == 503) < 1.5
    assert running.client.get("/healthz").status_code == 200
    late = running.draw(0, timeout=0.2)
    assert late.status_code == 504
    thread.join()
    assert answers[0].status_code == 200
    until(lambda: running.client.get("/readyz").status_code == 200)


def test_a_connection_dropped_in_its_body_harms_nobody(running: Running) -> None:
    with socket.create_connection(("127.0.0.1", running.port)) as connection:
        connection.sendall(
            b"POST /v1/generate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
    with socket.create_connection(("127.0.0.1", running.port)) as connection:
        connection.sendall(b"\x16\x03\x01 no HTTP at all\r\n\r\n")
    assert running.draw(0).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_when_all_is_answered(data: Path, number: int) -> None:
    with service(data / "tiny.ganport", notice=0.5) as running:
        thread, answers = running.start(1200)
        running.end(number)
        until(lambda: running.client.get("/readyz").status_code == 503)
        thread.join()
        assert answers[0].status_code == 200
        output, errors = running.process.communicate(timeout=15)
        assert running.process.returncode == 0
        assert output.endswith("ended\n")
        assert errors == ""


def test_what_cannot_be_answered_in_time_does_not_hold_it_back(data: Path) -> None:
    with service(data / "tiny.ganport", drain=1.0) as running:
        _, answers = running.start(60_000)
        running.end(signal.SIGTERM)
        start = time.monotonic()
        running.process.wait(15)
        assert time.monotonic() - start < 10.0
        until(lambda: bool(answers))
        assert answers[0].status_code == 503
        assert answers[0].json()["error"]["place"] == "service"


def test_an_address_that_is_taken_or_none() -> None:
    with listen("127.0.0.1", 0) as first:
        first.listen()
        address = address_of(first)
        port = int(address.rpartition(":")[2])
        assert address == f"http://127.0.0.1:{port}"
        with pytest.raises(RequestError, match=rf"127\.0\.0\.1:{port}: .*Choose another --host"):
            listen("127.0.0.1", port)
    for host in ("256.1.1.1.example.invalid", "203.0.113.7", "a" * 300):
        with pytest.raises(RequestError, match="expected an address to listen at"):
            listen(host, 0)
