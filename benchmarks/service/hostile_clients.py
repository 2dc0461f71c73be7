"""One hostile client without a key: images, JSON, bodies, responses and pipelines as attacks."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import multiprocessing
import random
import struct
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PIL import Image
from service.client import Connection, chunked_header, post_header
from service.fault_injection import PATH

TRANSLATE, INFER = "/v1/translate", "/v2/models/{}/infer"
_UPLOAD = f"{TRANSLATE}?bundle={{}}"
_UPLOADERS, _JSON_SENDERS, _UNFINISHED, _NON_READERS = 8, 8, 50, 12
_PIPELINERS, _CHUNKERS = 8, 4
_HOLD = 20.0
"""Seconds for which a stalled connection stays open."""
_PAUSE = 0.1
_BODY = 15 << 20
_IMAGES = 256
"""Images per response that is not read: 3 MiB at 64 x 64. More of them would fill the queue, which
every legal request can do."""
_PIPELINED = 14_000
"""Requests that are sent at once: as many as a server reads at once."""
_CHUNKS = 1 << 18


@contextmanager
def hostile_client(port: int, bundle: str, translator: str) -> Iterator[None]:
    """Attack the service at `port` from a process of its own; print what it sent at the end.

    All connections are open at the start, which takes 20 seconds.
    """
    context = multiprocessing.get_context("spawn")
    ready, stop = context.Event(), context.Event()
    process = context.Process(target=_run_client, args=(port, bundle, translator, ready, stop))
    process.start()
    ready.wait(_HOLD + 60.0)
    try:
        yield
    finally:
        stop.set()
        process.join(30.0)
        process.kill()


def _run_client(port: int, bundle: str, translator: str, ready: Any, stop: Any) -> None:
    client = _HostileClient(port, bundle, translator)
    asyncio.run(client.run(ready, stop))
    print(f"hostile connections: {dict(client.counts)}", file=sys.stderr, flush=True)


class _HostileClient:
    """The connections of one client; `counts` has the outcomes."""

    def __init__(self, port: int, bundle: str, translator: str) -> None:
        self._port = port
        self._uploads = [(_UPLOAD.format(translator), body) for body in image_bodies()]
        self._json = list(json_requests(bundle, translator))
        self._unread = json.dumps({"bundle": bundle, "count": _IMAGES, "output": "raw"}).encode()
        self._translate = _UPLOAD.format(translator)
        self.counts: Counter[str] = Counter()

    async def run(self, ready: Any, stop: Any) -> None:
        """Attack until the event `stop` is set; set `ready` when all connections attack."""
        groups = (
            (_UPLOADERS, self._send_image),
            (_JSON_SENDERS, self._send_json),
            (_UNFINISHED, self._stall_body),
            (_NON_READERS, self._ignore_response),
            (_PIPELINERS, self._pipeline),
            (_CHUNKERS, self._send_chunks),
        )
        tasks = [
            asyncio.create_task(self._repeat(attack, random.Random(index), index / number))
            for number, attack in groups
            for index in range(number)
        ]
        await asyncio.sleep(_HOLD)
        ready.set()
        await asyncio.to_thread(stop.wait)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _repeat(self, attack: Any, rng: random.Random, start: float) -> None:
        await asyncio.sleep(start * _HOLD)
        while True:
            connection = None
            try:
                connection = await Connection.open(self._port)
                async with asyncio.timeout(2 * _HOLD):
                    await attack(connection, rng)
            except (OSError, TimeoutError, ValueError) as error:
                self.counts[f"{attack.__name__.strip('_')}: {type(error).__name__}"] += 1
            finally:
                if connection:
                    connection.abort()
            await asyncio.sleep(_PAUSE)

    async def _send_image(self, connection: Connection, rng: random.Random) -> None:
        path, body = rng.choice(self._uploads)
        response = await connection.post(path, body, "image/png")
        self.counts[f"image: {response.status}"] += 1

    async def _send_json(self, connection: Connection, rng: random.Random) -> None:
        path, body = rng.choice(self._json)
        response = await connection.post(path, body)
        self.counts[f"JSON: {response.status}"] += 1

    async def _stall_body(self, connection: Connection, rng: random.Random) -> None:
        await connection.send(post_header(self._translate, _BODY + 1, "image/png"))
        await connection.send(bytes(rng.randrange(1 << 16, _BODY)))
        await asyncio.sleep(_HOLD)
        self.counts["unfinished body: held"] += 1

    async def _ignore_response(self, connection: Connection, rng: random.Random) -> None:
        connection.stop_reading()
        await connection.send(post_header(PATH, len(self._unread)) + self._unread)
        await asyncio.sleep(_HOLD)
        self.counts["unread response: held"] += 1

    async def _pipeline(self, connection: Connection, rng: random.Random) -> None:
        if rng.random() < 0.5:  # the other requests wait for the response to this one
            await connection.send(post_header(PATH, len(self._unread)) + self._unread)
        await connection.send(b"GET /x HTTP/1.1\r\n\r\n" * _PIPELINED)
        response = await connection.receive()
        self.counts[f"pipeline: {response.status}"] += 1

    async def _send_chunks(self, connection: Connection, rng: random.Random) -> None:
        await connection.send(chunked_header(PATH) + b"1\r\n \r\n" * _CHUNKS + b"0\r\n\r\n")
        response = await connection.receive()
        self.counts[f"chunks: {response.status}"] += 1


def image_bodies() -> list[bytes]:
    """Return image files: too many scans, 64 scans of 16.8 million pixels, and large ones."""
    small, large = (Image.new("RGB", (side, side)) for side in (64, 4096))
    png_start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR"
    declared = png_start + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return [
        _progressive(small, 5000),
        _progressive(large, 64),
        _encoded(large, "PNG"),
        _encoded(large, "WEBP"),
        declared,
    ]


def json_requests(bundle: str, translator: str) -> Iterator[tuple[str, bytes]]:
    """Yield paths and JSON bodies that are legal in size and expensive to read."""
    keys = json.dumps({f"k{index:06}": 1 for index in range(30_000)})
    text = json.dumps("pink hair blue eyes " * 490)
    start = f'{{"bundle": "{bundle}", "output": "raw", "conditions": '
    for conditions in (keys, "[" * 900_000, f"[{','.join([text] * 100)}]"):
        yield PATH, f"{start}{conditions}}}".encode()
    numbers = ",".join(["0.25"] * 256 * 192)
    infer = '{{"parameters": {}, "inputs": [{{"name": "{}", "shape": {}, "datatype": "FP32", '
    yield (
        INFER.format(translator),
        f'{infer.format("{}", "image_in", [256, 3, 8, 8])}"data": [{numbers}]}}]}}'.encode(),
    )
    yield INFER.format(bundle), f'{infer.format(keys, "z", [1])}"data": [0]}}]}}'.encode()
    image = base64.b64encode(bytes(_BODY * 3 // 4 - 3)).decode()
    yield TRANSLATE, json.dumps({"bundle": translator, "images": [image]}).encode()


def _encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _progressive(image: Image.Image, scans: int) -> bytes:
    """Return a JPEG with that many scans: the last one is repeated."""
    data = _encoded(image, "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + (scans - data.count(b"\xff\xda")) * last + b"\xff\xd9"
