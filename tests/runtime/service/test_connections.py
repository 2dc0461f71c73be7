"""Connections: slow or large headers, clients that do not read, and too many of them."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from ganport_runtime.service.connections import LimitedProtocol, PeerLimits

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
HEADER = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"


class ShortLimitProtocol(LimitedProtocol):
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
    protocol: type[LimitedProtocol],
    work: Callable[[Connection], Awaitable[Any]],
    app: Any = delayed_app,
) -> Any:
    async def main() -> Any:
        config = uvicorn.Config(app, http=protocol, lifespan="off", log_config=None, ws="none")
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


async def large_app(scope: Any, receive: Any, send: Any) -> None:
    """Respond with 8 MiB."""
    headers = [(b"content-length", b"%d" % (8 << 20))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": bytes(8 << 20)})


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
        size = LimitedProtocol.max_bytes + 1
        connection[1].write((b"GET / HTTP/1.1\r\nA: " + b"a" * 65_536)[:size])
        return await connection[0].read()

    assert with_connection(LimitedProtocol, below).startswith(b"HTTP/1.1 200 OK")
    response = with_connection(LimitedProtocol, above)
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
        sent = 0
        while sent < 400 and not writer.is_closing():  # uvloop raises for a closed connection
            writer.write(b"A: %s\r\n" % (b"a" * 1000))
            await asyncio.sleep(0)
            sent += 1
        try:
            return await reader.read()
        except ConnectionError:
            return b""

    assert with_connection(LimitedProtocol, large_body).startswith(b"HTTP/1.1 200 OK")
    assert with_connection(LimitedProtocol, large_trailers) == b""


def limited(max_connections: int, max_sending: int, seconds: float) -> type[LimitedProtocol]:
    """Return a protocol with limits of its own; a response may take `seconds`."""

    class Protocol(LimitedProtocol):
        limits = PeerLimits(max_connections, max_sending)
        send_seconds = seconds
        send_rate = 1e12

    return Protocol


async def read_until_closed(connection: Connection) -> int:
    """Return the number of bytes that arrive before the connection closes."""
    received = 0
    try:
        while data := await connection[0].read(1 << 16):
            received += len(data)
    except ConnectionError:
        pass
    return received


@pytest.mark.parametrize("requests", [1, 3])
def test_reader_that_takes_no_response_is_disconnected(requests: int) -> None:
    async def work(connection: Connection) -> int:
        connection[1].transport.pause_reading()
        connection[1].write(requests * (HEADER % b"0"))
        await asyncio.sleep(1.5)
        connection[1].transport.resume_reading()
        return await read_until_closed(connection)

    assert with_connection(limited(10, 1 << 30, 0.3), work, large_app) < 8 << 20


def test_reader_in_time_gets_the_whole_response() -> None:
    async def work(connection: Connection) -> None:
        connection[1].transport.pause_reading()
        connection[1].write(HEADER % b"0")
        await asyncio.sleep(0.6)
        connection[1].transport.resume_reading()
        await connection[0].readuntil(b"\r\n\r\n")
        await connection[0].readexactly(8 << 20)

    with_connection(limited(10, 1 << 30, 10.0), work, large_app)


def test_unsent_responses_above_the_limit_disconnect_the_slowest_reader() -> None:
    async def work(connection: Connection) -> tuple[int, int]:
        address = connection[1].get_extra_info("peername")
        other = await asyncio.open_connection(*address)
        for reader in (connection, other):
            reader[1].transport.pause_reading()
            reader[1].write(HEADER % b"0")
            await asyncio.sleep(0.3)
        other[1].transport.resume_reading()
        await other[0].readuntil(b"\r\n\r\n")
        received = len(await other[0].readexactly(8 << 20))
        connection[1].transport.resume_reading()
        other[1].close()
        return received, await read_until_closed(connection)

    slow, slower = with_connection(limited(10, 8 << 20, 60.0), work, large_app)
    assert slower < slow == 8 << 20


def test_connections_above_the_limit_close_the_one_that_waits_longest() -> None:
    async def work(connection: Connection) -> list[int]:
        address = connection[1].get_extra_info("peername")
        connection[1].write(HEADER % b"3")  # waits for the service, not for its client
        await asyncio.sleep(0.2)
        idle, unfinished, last = [await asyncio.open_connection(*address) for _ in range(3)]
        ends = [await read_until_closed(idle)]
        unfinished[1].write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab")
        await asyncio.sleep(0.1)
        newest = await asyncio.open_connection(*address)
        ends.append(await read_until_closed(unfinished))
        for closed in (idle, unfinished):
            closed[1].close()
        for open_connection in (last, newest):
            open_connection[1].write(HEADER % b"0")
            await read_response(open_connection)
            open_connection[1].close()
        await read_response(connection)
        return ends

    assert with_connection(limited(3, 1 << 30, 10.0), work) == [0, 0]
