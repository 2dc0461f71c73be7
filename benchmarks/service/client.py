"""A small asyncio HTTP client with a persistent connection; it can also send broken requests."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Response:
    """An HTTP response; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """A connection to a local server, for one task at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Self:
        """Connect to a port of this machine."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def post(self, path: str, body: bytes, media_type: str = "application/json") -> Response:
        """Send a body and return the response."""
        await self.send(post_header(path, len(body), media_type) + body)
        return await self.receive()

    async def send(self, data: bytes) -> None:
        """Send any bytes, also incomplete requests."""
        self._writer.write(data)
        await self._writer.drain()

    async def receive(self) -> Response:
        """Return the next response; raises `ConnectionError` if the server disconnects."""
        try:
            header = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status_line, *lines = header.split("\r\n")
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines)
            }
            body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError("the server disconnected") from error
        return Response(int(status_line.split()[1]), headers, body)

    @property
    def is_closed(self) -> bool:
        """Whether the server closed the connection, and nothing is left to receive."""
        return self._reader.at_eof()

    def stop_reading(self) -> None:
        """Take nothing more from the server."""
        transport = self._writer.transport
        assert isinstance(transport, asyncio.ReadTransport)
        transport.pause_reading()

    def abort(self) -> None:
        """Close the connection at once."""
        self._writer.transport.abort()


def post_header(path: str, length: int, media_type: str = "application/json") -> bytes:
    """Return the header of a POST request with a body of `length` bytes."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {media_type}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def chunked_header(path: str) -> bytes:
    """Return the header of a POST request with a JSON body in chunks."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    ).encode()


def responds(port: int, path: str, value: Any = None) -> bool:
    """Return whether the server returns 200 to a POST of `value`, or to a GET without one."""
    body = None if value is None else json.dumps(value).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return bool(response.status == 200)
    except OSError:
        return False
