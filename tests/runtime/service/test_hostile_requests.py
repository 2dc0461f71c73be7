"""Large JSON: it is refused before it is built, and no request holds the event loop."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from ganport_runtime import Generator
from ganport_runtime.batcher import Batcher
from ganport_runtime.service.app import create_app
from ganport_runtime.service.registry import ModelRegistry, ServedBundle
from ganport_runtime.service.settings import MAX_JSON_BYTES, Settings

GENERATE, TRANSLATE, INFER = "/v1/generate", "/v1/translate", "/v2/models/{}/infer"
BUNDLES = {"starter": "starter", "changer": "tiny-translator.ganport"}
MAX_HOLD = 0.02
"""Seconds of CPU time that one request may hold the event loop."""


@pytest.fixture(scope="module")
def app(data: Path) -> Iterator[Starlette]:
    served = []
    for name, path in BUNDLES.items():
        generator = Generator.load(path if path == name else data / path, "cpu")
        served.append(ServedBundle(name, generator, Batcher(generator)))
    registry = ModelRegistry(served)
    yield create_app(registry, Settings())
    registry.close(5.0)


async def post(app: Starlette, path: str, body: bytes) -> tuple[int, bytes]:
    """Return the status and the body of the response; the request arrives in pieces."""
    pieces = iter(range(0, len(body) or 1, 1 << 16))
    sent: list[Any] = []

    async def receive() -> Any:
        start = next(pieces, None)
        if start is None:
            await asyncio.sleep(3600.0)
        part = body[start : start + (1 << 16)]
        return {"type": "http.request", "body": part, "more_body": start + (1 << 16) < len(body)}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"host", b"localhost")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": headers,
    }
    await app(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


async def longest_hold(app: Starlette, path: str, body: bytes) -> tuple[int, float]:
    """Return the status and the longest CPU time between two turns of another task."""
    request = asyncio.create_task(post(app, path, body))
    longest, last, turns = 0.0, time.thread_time(), count()
    while not request.done():
        # Later turns wait for a helper process, which needs the processor.
        await asyncio.sleep(0.001 if next(turns) > 1000 else 0)
        longest, last = max(longest, time.thread_time() - last), time.thread_time()
    return (await request)[0], longest


def infer_body(
    shape: list[int], data: bytes, name: str = "image_in", parameters: str = "{}"
) -> bytes:
    entry = {"name": name, "shape": shape, "datatype": "FP32", "data": 0}
    head = f'{{"parameters": {parameters}, "inputs": [{json.dumps(entry)[:-2]}'
    return head.encode() + data + b"}]}"


def many_keys(number: int) -> bytes:
    return json.dumps({f"k{index:06}": 1 for index in range(number)}).encode()


def generate_body(conditions: bytes) -> bytes:
    return b'{"bundle": "starter", "output": "raw", "conditions": ' + conditions + b"}"


WEIGHTS = json.dumps({"hair": {"pink": 0.5, "red": 0.5}, "eyes": "blue"}).encode()
TEXT = json.dumps("pink hair blue eyes " * 490).encode()
REPEATED, REPEATED_FEW = (
    b'{%s"a": 1, "a": 1}' % b"".join(b'"\\u%04x": 1, ' % i for i in range(count))
    for count in (4000, 2000)
)
NUMBERS = b"[%s0]" % (b"0.25," * (256 * 192 - 1))


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (GENERATE, generate_body(many_keys(30_000)), 422),
        (GENERATE, generate_body(b"[%s]" % b",".join([WEIGHTS] * 256)), 200),
        (GENERATE, generate_body(b"[%s]" % b",".join([TEXT] * 100)), 422),
        (GENERATE, generate_body(b"[" * (MAX_JSON_BYTES - 100)), 422),
        (GENERATE, b'{"seeds": [%s]}' % b",".join([b"1"] * 32_000), 422),
        (TRANSLATE, b'{"images": ["%s"]}' % (b"A" * (15 << 20)), 422),
        (INFER.format("changer"), infer_body([256, 3, 8, 8], NUMBERS), 200),
        (INFER.format("changer"), infer_body([1, 3, 8, 8], NUMBERS), 422),
        (INFER.format("starter"), infer_body([1], b"[0]", "z", many_keys(30_000).decode()), 422),
        (GENERATE, generate_body(b"[%s]" % b",".join([b'{"a": 1}'] * 7_000)), 422),
        (INFER.format("starter"), infer_body([1], b"[0]", "z", REPEATED.decode()), 400),
        (GENERATE, generate_body(b"[%s]" % b",".join([b'{"a": 1}'] * 2_000)), 422),
        (INFER.format("starter"), infer_body([1], b"[0]", "z", REPEATED_FEW.decode()), 400),
    ],
    ids=range(13),
)  # fmt: skip
def test_hostile_json_does_not_hold_the_event_loop(
    app: Starlette, path: str, body: bytes, status: int
) -> None:
    for _ in range(5):  # the processor may be slow for a moment
        found, hold = asyncio.run(longest_hold(app, path, body))
        assert found == status
        if hold < MAX_HOLD:
            break
    assert hold < MAX_HOLD


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (GENERATE, b'{"conditions": "%s"}' % (b"a" * MAX_JSON_BYTES)),
        (TRANSLATE, b'{"images": [], "conditions": "%s"}' % (b"a" * MAX_JSON_BYTES)),
        (INFER.format("starter"), infer_body([1, 128], b"[]", "z").ljust(8 << 20)),
        (INFER.format("changer"), infer_body([1, 3, 8, 8], b"[]").ljust(2 << 20)),
    ],
    ids=range(4),
)
def test_json_above_1_mib_without_images_or_tensors_returns_413(
    app: Starlette, path: str, body: bytes
) -> None:
    status, answer = asyncio.run(post(app, path, body))
    assert status == 413, answer


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (GENERATE, generate_body(many_keys(40_000))),
        (TRANSLATE, b'{"images": [%s""]}' % (b'"",' * 40_000)),
        (INFER.format("changer"), infer_body([1, 1], b"[]", parameters=many_keys(90_000).decode())),
        (INFER.format("starter"), b'{"inputs": [%s{}]}' % (b"{}," * 2000)),
    ],
    ids=range(4),
)
def test_json_with_too_many_values_returns_422(app: Starlette, path: str, body: bytes) -> None:
    status, answer = asyncio.run(post(app, path, body))
    assert status == 422, answer
    assert b"at most" in answer


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (GENERATE, b'{"seed": 1, "seed": 1}'),
        (GENERATE, b'{"seed": 1, "seed": 1}'.ljust(100_000)),
        (TRANSLATE, b'{"images": [], "images": [], "conditions": "%s"}' % (b"a" * 100_000)),
        (INFER.format("starter"), infer_body([1, 1], b"[]", "z", '{"a": 1, "a": 1}')),
        (INFER.format("changer"), infer_body([1, 1], b"[]", parameters='{"a": 1, "a": 1}')),
    ],
    ids=range(5),
)
def test_json_with_a_name_twice_returns_400(app: Starlette, path: str, body: bytes) -> None:
    status, answer = asyncio.run(post(app, path, body))
    assert status == 400, answer
    assert b"twice" in answer


DEEP = b"[" * 500_000


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (GENERATE, generate_body(DEEP + b"]" * len(DEEP))),
        (TRANSLATE, b'{"images": [], "conditions": {"hair": %s' % DEEP),
        (INFER.format("starter"), infer_body([1, 1], DEEP, "z")),
        (INFER.format("starter"), infer_body([1], b"[]", parameters='{"a": ' + DEEP.decode())),
    ],
    ids=range(4),
)
def test_json_of_any_depth_is_refused(app: Starlette, path: str, body: bytes) -> None:
    status, _ = asyncio.run(post(app, path, body))
    assert status in (400, 422)
