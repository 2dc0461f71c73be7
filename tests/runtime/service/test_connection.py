"""Connections over a socket, with an application that answers after as long as it is told."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from ganport_runtime.service.connection import Connection

Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]
HEAD = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"


class Hasty(Connection):
    max_seconds = 0.4


async def app(scope: Any, receive: Any, send: Any) -> None:
    """The path is how many seconds an answer takes."""
    await asyncio.sleep(float(scope["path"].strip("/") or 0))
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


def with_client(kind: type[Connection], work: Callable[[Client], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        config = uvicorn.Config(app, http=kind, lifespan="off", log_config=None, ws="none")
        config.load()
        loop, state = asyncio.get_running_loop(), ServerState()
        made = partial(kind, config, state, {})
        server = await loop.create_server(made, "127.0.0.1", 0)
        async with server:
            client = await asyncio.open_connection(*server.sockets[0].getsockname())
            async with asyncio.timeout(20.0):
                result = await work(client)
            client[1].close()
            return result

    return asyncio.run(main())


async def answer(client: Client) -> bytes:
    reader, _ = client
    head = await reader.readuntil(b"\r\n\r\n")
    assert await reader.readexactly(2) == b"ok"
    return head


async def trickle(client: Client, data: bytes) -> float:
    """Send a byte now and then until the connection is closed; how many seconds that took."""
    reader, writer = client
    loop = asyncio.get_running_loop()
    start, sent = loop.time(), 0
    end = asyncio.ensure_future(reader.read())
    while not end.done():
        writer.write(data[sent : sent + 1])
        sent += 1
        await asyncio.sleep(0.02)
    # A byte that is on its way as the connection is closed makes its end a reset.
    assert isinstance(end.exception(), ConnectionResetError | None)
    assert end.exception() or end.result() == b""
    return loop.time() - start


@pytest.mark.parametrize("begun", [b"", b"\r\n" * 999, b"GET / HTTP/1.1\r\nA: " + b"a" * 999])
@pytest.mark.parametrize("asked_before", [False, True])
def test_who_does_not_end_a_head_is_let_go(begun: bytes, asked_before: bool) -> None:
    async def work(client: Client) -> float:
        if asked_before:
            client[1].write(HEAD % b"0.2")
            await answer(client)
        return await trickle(client, begun)

    # Counted from the answer, not from the opening.
    assert 0.35 <= with_client(Hasty, work) < 5.0


def test_a_long_answer_is_waited_for_and_a_request_behind_it() -> None:
    async def work(client: Client) -> None:
        client[1].write(HEAD % b"0.9" + HEAD % b"0.9")
        await answer(client)
        await answer(client)

    with_client(Hasty, work)


def test_a_head_may_be_long_but_not_endless() -> None:
    async def long(client: Client) -> bytes:
        client[1].write(b"GET / HTTP/1.1\r\nA: %s\r\n\r\n" % (b"a" * 60_000))
        return await answer(client)

    async def endless(client: Client) -> bytes:
        # No more than is read: what is not makes the end of a connection a reset.
        client[1].write((b"GET / HTTP/1.1\r\nA: " + b"a" * 65_536)[: Connection.max_bytes + 1])
        return await client[0].read()

    assert with_client(Connection, long).startswith(b"HTTP/1.1 200 OK")
    refusal = with_client(Connection, endless)
    assert refusal.startswith(b"HTTP/1.1 400 Bad Request")
    assert refusal.endswith(b"A head of more than 65536 bytes.")


def test_bodies_are_no_heads_but_trailers_are() -> None:
    chunk = b"%x\r\n%s\r\n" % (50_000, b"b" * 50_000)
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def whole(client: Client) -> bytes:
        client[1].write(head + 4 * chunk + b"0\r\n\r\n")
        return await answer(client)

    async def trailing(client: Client) -> bytes:
        reader, writer = client
        writer.write(head + chunk + b"0\r\n")
        for _ in range(400):
            writer.write(b"A: %s\r\n" % (b"a" * 1000))
            await asyncio.sleep(0)
        try:
            return await reader.read()
        except ConnectionError:
            return b""

    assert with_client(Connection, whole).startswith(b"HTTP/1.1 200 OK")
    assert with_client(Connection, trailing) == b""
