"""Pipelined requests, and bodies and headers of many parts: work, memory and order."""

from __future__ import annotations

import asyncio
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvicorn
import uvloop
from uvicorn.server import ServerState

from ganport_runtime.service.connections import LimitedProtocol, PeerLimits

MAX_HOLD = 0.02
"""Seconds of CPU time that the bytes of one client may hold the event loop."""
GET = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"POST /0 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
POST = b"POST /0 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
Result = TypeVar("Result")


class RecordingApp:
    """Responds with the path after the number of seconds in it; records starts and disconnects."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.disconnected: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        self.started.append(path)
        while (await receive()).get("more_body"):
            pass
        with suppress(TimeoutError):
            async with asyncio.timeout(float(path.rpartition("/")[2])):
                while (await receive())["type"] != "http.disconnect":
                    pass
            self.disconnected.append(path)
            return
        headers = [(b"content-length", b"%d" % len(path))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": path.encode()})


def serve(app: Any, client: Callable[[Any], Result]) -> tuple[Result, float]:
    """Run `client(address)` in a thread; return its result and the longest hold of the loop."""

    class Protocol(LimitedProtocol):
        limits = PeerLimits(100, 1 << 30)

    async def main() -> tuple[Result, float]:
        config = uvicorn.Config(app, http=Protocol, lifespan="off", log_config=None, ws="none")
        config.load()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(partial(Protocol, config, ServerState(), {}), "127.0.0.1")
        async with server:
            address = server.sockets[0].getsockname()
            work = asyncio.ensure_future(asyncio.to_thread(client, address))
            longest = 0.0
            while not work.done():
                start = time.thread_time()
                await asyncio.sleep(0)
                longest = max(longest, time.thread_time() - start)
            await asyncio.sleep(0.1)
            return await work, longest

    return uvloop.run(main())


@contextmanager
def connect(address: Any) -> Iterator[socket.socket]:
    with socket.create_connection(address, 30.0) as connection:
        yield connection


def exchange(data: bytes, address: Any) -> bytes:
    """Send bytes and return what arrives until the connection ends."""
    received = b""
    with connect(address) as connection, suppress(ConnectionError):
        connection.sendall(data)
        while part := connection.recv(1 << 16):
            received += part
    return received


def test_pipelined_requests_are_answered_in_order() -> None:
    app = RecordingApp()
    paths = [b"a/0.2", b"b/0", b"c/0.1", b"d/0"]
    last = b"POST /e/0 HTTP/1.1\r\nConnection: close\r\nContent-Length: 90000\r\n\r\n" + bytes(
        90000
    )
    data = b"".join(GET % path for path in paths) + last
    received, _ = serve(app, partial(exchange, data))
    assert app.started == ["/a/0.2", "/b/0", "/c/0.1", "/d/0", "/e/0"]
    bodies = [response.partition(b"\r\n\r\n")[2] for response in received.split(b"HTTP/1.1 ")[1:]]
    assert bodies == [path.encode() for path in app.started]


def test_pipelined_requests_above_the_limit_close_the_connection_after_the_others() -> None:
    app = RecordingApp()
    received, _ = serve(app, partial(exchange, GET % b"0.1" + (GET % b"0") * 200))
    assert received.count(b"200 OK") == len(app.started) == 1 + LimitedProtocol.max_waiting
    assert received.lower().count(b"connection: close") == 1


@pytest.mark.parametrize(
    "data",
    [
        (GET % b"0") * 14_000,
        GET % b"0.5" + (GET % b"0") * 14_000,
        CHUNKED + b"1\r\n \r\n" * 200_000 + b"0\r\n\r\n" + (GET % b"0") * 20,
        GET[:-2] % b"0" + b"a:\r\n" * 100_000,
        CHUNKED + b"0\r\n" + b"a:\r\n" * 100_000,
    ],
    ids=["requests", "waiting requests", "chunks", "fields", "trailers"],
)
def test_bytes_of_many_parts_do_not_hold_the_event_loop(data: bytes) -> None:
    def clients(address: Any) -> None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(partial(exchange, data), [address] * 4))

    # The processor may be slow for a moment.
    assert any(serve(RecordingApp(), clients)[1] < MAX_HOLD for _ in range(3))


def test_disconnect_ends_the_running_request_and_drops_the_waiting_ones() -> None:
    app = RecordingApp()

    def client(address: Any) -> None:
        with connect(address) as connection:
            connection.sendall(GET % b"20" + (GET % b"0") * 4)
            time.sleep(0.2)

    serve(app, client)
    assert (app.started, app.disconnected) == (["/20"], ["/20"])


@pytest.mark.parametrize("fields", [LimitedProtocol.max_fields - 1, LimitedProtocol.max_fields])
def test_header_of_too_many_fields_returns_400(fields: int) -> None:
    app = RecordingApp()
    data = GET[:-2] % b"0" + b"a: b\r\n" * (fields - 1) + b"Connection: close\r\n\r\n"
    received, _ = serve(app, partial(exchange, data))
    assert received.startswith(b"HTTP/1.1 200" if app.started else b"HTTP/1.1 400")
    assert len(app.started) == (fields < LimitedProtocol.max_fields)


FIELDS = b"ab:c\r\n" * 250
HEADER_PARTS = GET[:-2] % b"0" + b"ab:c\r\n" * 10_000
BODIES = GET % b"20" + (POST[:-2] % 9000 + FIELDS + b"\r\n" + bytes(9000)) * 7


@pytest.mark.parametrize(
    "data", [HEADER_PARTS, BODIES + POST % 400_000 + bytes(399_999), (GET % b"20") * 14_000]
)
def test_memory_of_a_connection_is_bounded(data: bytes) -> None:
    number, peaks = 8, list[int]()

    def clients(address: Any) -> None:
        connections = [socket.create_connection(address, 1.0) for _ in range(number)]
        tracemalloc.start()
        for connection in connections:
            with suppress(OSError):  # the service does not read the rest
                connection.sendall(data)
        time.sleep(1.0)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        for connection in connections:
            connection.close()

    serve(RecordingApp(), clients)
    assert peaks[0] < number * (1 << 19)


def test_disconnect_in_a_pipeline_is_no_internal_error(
    data: Path, run_service: Callable[..., AbstractContextManager[Any]]
) -> None:
    body = b'{"seed": 400}'
    header = b"POST /v1/generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    request = header + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    with run_service(data / "tiny.ganport") as service:
        for _ in range(3):
            with connect(("127.0.0.1", service.port)) as connection:
                connection.sendall(request * 5)
                time.sleep(0.2)
        time.sleep(1.0)
        assert service.metric("ganport_images_total") == 0
        service.process.terminate()
        _, errors = service.process.communicate(timeout=30)
        assert errors == ""
