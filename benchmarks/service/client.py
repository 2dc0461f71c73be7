"""A small HTTP client over asyncio: keeps its connection, and can misbehave when asked to."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    status: int
    headers: dict[str, str]
    """By names in lower case."""
    body: bytes


class Connection:
    """One connection to a server of this machine; not to be used by two tasks at once."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def post(self, path: str, body: bytes, kind: str = "application/json") -> Answer:
        """Send `body` and wait for the answer."""
        await self.send(head(path, len(body), kind) + body)
        return await self.receive()

    async def send(self, data: bytes) -> None:
        """Send any bytes, a whole request or not."""
        self._writer.write(data)
        await self._writer.drain()

    async def receive(self) -> Answer:
        """The next answer; raises `ConnectionError` when the server hangs up before its end."""
        try:
            first, *lines = (
                (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            )
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines)
            }
            body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError("the server hung up") from error
        return Answer(int(first.split()[1]), headers, body)

    def drop(self) -> None:
        """Hang up at once, whatever is under way."""
        self._writer.transport.abort()


def head(path: str, length: int, kind: str = "application/json") -> bytes:
    """The head of a POST request."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def answers(port: int, path: str, value: Any = None) -> bool:
    """Whether the server answers 200 to `value` as JSON, or without one to GET."""
    body = None if value is None else json.dumps(value).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
