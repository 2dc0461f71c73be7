"""The server: connections with slow or large headers, disconnects, stalls and the shutdown."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from uvicorn.server import ServerState

from ganport_runtime.errors import RequestError
from ganport_runtime.service.server import HeaderLimitProtocol, address_of, listen

SCRIPT = Path(__file__).with_name("slow_service.py")
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
HEADER = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"


class ShortLimitProtocol(HeaderLimitProtocol):
    max_seconds = 0.4


async def delayed_app(scope: Any, receive: Any, send: Any) -> None:
    """Respond after the number of seconds in the path."""
    await asyncio.sleep(float(scope["path"].strip("/") or 0))
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


def with_connection(
    protocol: type[HeaderLimitProtocol], work: Callable[[Connection], Awaitable[Any]]
) -> Any:
    async def main() -> Any:
        config = uvicorn.Config(
            delayed_app, http=protocol, lifespan="off", log_config=None, ws="none"
        )
        config.load()
        loop, state = asyncio.get_running_loop(), ServerState()
        server = await loop.create_server(partial(protocol, config, state, {}), "127.0.0.1", 0)
        async with server:
            connection = await asyncio.open_connection(*server.sockets[0].getsockname())
            async with asyncio.timeout(20.0):
                result = await work(connection)
            connection[1].close()
            return result

    return asyncio.run(main())


async def read_response(connection: Connection) -> bytes:
    reader, _ = connection
    header = await reader.readuntil(b"\r\n\r\n")
    assert await reader.readexactly(2) == b"ok"
    return header


async def trickle(connection: Connection, data: bytes) -> float:
    """Send one byte every 20 ms until the connection closes; return the seconds that it took."""
    reader, writer = connection
    loop = asyncio.get_running_loop()
    start, sent = loop.time(), 0
    end = asyncio.ensure_future(reader.read())
    while not end.done():
        writer.write(data[sent : sent + 1])
        sent += 1
        await asyncio.sleep(0.02)
    # A byte in transit turns the end of the connection into a reset.
    assert isinstance(end.exception(), ConnectionResetError | None)
    assert end.exception() or end.result() == b""
    return loop.time() - start


@pytest.mark.parametrize("start", [b"", b"\r\n" * 999, b"GET / HTTP/1.1\r\nA: " + b"a" * 999])
@pytest.mark.parametrize("after_response", [False, True])
def test_header_incomplete_after_the_limit_closes_the_connection(
    start: bytes, after_response: bool
) -> None:
    async def work(connection: Connection) -> float:
        if after_response:
            connection[1].write(HEADER % b"0.2")
            await read_response(connection)
        return await trickle(connection, start)

    # The limit restarts at the response.
    assert with_connection(ShortLimitProtocol, work) >= 0.35


def test_header_limit_does_not_end_slow_responses() -> None:
    async def work(connection: Connection) -> None:
        connection[1].write(HEADER % b"0.9" + HEADER % b"0.9")
        await read_response(connection)
        await read_response(connection)

    with_connection(ShortLimitProtocol, work)


def test_header_above_the_size_limit_returns_400() -> None:
    async def below(connection: Connection) -> bytes:
        connection[1].write(b"GET / HTTP/1.1\r\nA: %s\r\n\r\n" % (b"a" * 60_000))
        return await read_response(connection)

    async def above(connection: Connection) -> bytes:
        # Exactly one byte more: unread bytes would turn the end into a reset.
        size = HeaderLimitProtocol.max_bytes + 1
        connection[1].write((b"GET / HTTP/1.1\r\nA: " + b"a" * 65_536)[:size])
        return await connection[0].read()

    assert with_connection(HeaderLimitProtocol, below).startswith(b"HTTP/1.1 200 OK")
    response = with_connection(HeaderLimitProtocol, above)
    assert response.startswith(b"HTTP/1.1 400 Bad Request")
    assert b"65536" in response


def test_size_limit_counts_trailers_and_no_body() -> None:
    chunk = b"%x\r\n%s\r\n" % (50_000, b"b" * 50_000)
    header = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def large_body(connection: Connection) -> bytes:
        connection[1].write(header + 4 * chunk + b"0\r\n\r\n")
        return await read_response(connection)

    async def large_trailers(connection: Connection) -> bytes:
        reader, writer = connection
        writer.write(header + chunk + b"0\r\n")
        for _ in range(400):
            writer.write(b"A: %s\r\n" % (b"a" * 1000))
            await asyncio.sleep(0)
        try:
            return await reader.read()
        except ConnectionError:
            return b""

    assert with_connection(HeaderLimitProtocol, large_body).startswith(b"HTTP/1.1 200 OK")
    assert with_connection(HeaderLimitProtocol, large_trailers) == b""


class ServiceProcess:
    """A running `slow_service.py`: the seed of a request is its delay in milliseconds."""

    def __init__(self, process: Any, address: str) -> None:
        self.process = process
        self.client = httpx.Client(base_url=address, timeout=30.0)
        self.port = int(address.rpartition(":")[2])

    def generate(self, milliseconds: int, **fields: Any) -> httpx.Response:
        return self.client.post("/v1/generate", json={"seed": milliseconds} | fields)

    def metric(self, name: str) -> float:
        lines = self.client.get("/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    def start_run(self, milliseconds: int) -> tuple[threading.Thread, list[httpx.Response]]:
        """Request an image in a thread and return when its run has started."""
        responses: list[httpx.Response] = []
        thread = threading.Thread(target=lambda: responses.append(self.generate(milliseconds)))
        thread.start()
        wait_until(lambda: self.metric("ganport_running_images{") == 1)
        return thread, responses


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@contextmanager
def run_service(
    bundle: Path, *, shutdown_delay: float = 0.0, shutdown_timeout: float = 20.0
) -> Iterator[ServiceProcess]:
    command = [sys.executable, SCRIPT, bundle, str(shutdown_delay), str(shutdown_timeout)]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        try:
            service = ServiceProcess(process, process.stdout.readline().strip())
            with service.client:
                yield service
        finally:
            process.kill()


@pytest.fixture(scope="module")
def service(data: Path) -> Iterator[ServiceProcess]:
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


def test_disconnected_client_frees_its_queue_slots(service: ServiceProcess) -> None:
    thread, responses = service.start_run(700)
    unanswered = service.metric("ganport_unanswered_total")
    images = service.metric("ganport_images_total")
    for _ in range(3):
        disconnect(service.port, 5000)
    wait_until(lambda: service.metric("ganport_queued_images") == 0)
    thread.join()
    assert responses[0].status_code == 200
    assert service.generate(0).status_code == 200
    assert service.metric("ganport_unanswered_total") == unanswered + 3
    assert service.metric("ganport_images_total") == images + 2
    assert service.metric('ganport_requests_total{route="/v1/generate",status="499"}') == 3


def test_stalled_run_makes_the_service_not_ready_until_it_ends(service: ServiceProcess) -> None:
    assert service.client.get("/readyz").status_code == 200
    thread, responses = service.start_run(2500)  # the stall timeout is 0.5 s
    wait_until(lambda: service.client.get("/readyz").status_code == 503)
    assert service.client.get("/healthz").status_code == 200
    assert service.generate(0, timeout=0.2).status_code == 504
    thread.join()
    assert responses[0].status_code == 200
    wait_until(lambda: service.client.get("/readyz").status_code == 200)


def test_broken_connections_do_not_disturb_other_requests(service: ServiceProcess) -> None:
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(
            b"POST /v1/generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(b"\x16\x03\x01 not HTTP\r\n\r\n")
    assert service.generate(0).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_finishes_open_requests_and_exits_with_0(data: Path, number: int) -> None:
    with run_service(data / "tiny.ganport", shutdown_delay=0.5) as service:
        thread, responses = service.start_run(1200)
        service.process.send_signal(number)
        wait_until(lambda: service.client.get("/readyz").status_code == 503)
        thread.join()
        assert responses[0].status_code == 200
        output, errors = service.process.communicate(timeout=30)
        assert service.process.returncode == 0
        assert output.endswith("ended\n")
        assert errors == ""


def test_shutdown_timeout_ends_a_request_with_503(data: Path) -> None:
    with run_service(data / "tiny.ganport", shutdown_timeout=1.0) as service:
        _, responses = service.start_run(60_000)
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(30)
        wait_until(lambda: bool(responses))
        assert responses[0].status_code == 503
        assert responses[0].json()["error"]["place"] == "service"


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
