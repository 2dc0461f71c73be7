"""Requests of a soak test: valid ones of mixed counts, invalid bodies, aborted connections."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from service.client import Connection, Response, post_header

from ganport_runtime import Generator

PATH = "/v1/generate"
_COUNTS = (1, 1, 1, 2, 3, 16, 7, 7, 33, 64)
"""The sequence 16, 7, 7 let the memory of Triton grow (triton-inference-server #8083)."""


@dataclass(frozen=True)
class ValidRequest:
    """A request and its expected pixels; `max_difference` is 0 on a CPU."""

    body: bytes
    pixels: NDArray[np.uint8]
    max_difference: int

    def matches(self, response: Response) -> bool:
        """Return whether a response has the expected pixels."""
        if response.status != 200 or len(response.body) != self.pixels.size:
            return False
        found = np.frombuffer(response.body, np.uint8).astype(np.int16)
        return bool(np.abs(found - self.pixels.reshape(-1)).max() <= self.max_difference)


def valid_requests(
    generator: Generator, number: int, bundle: str | None = None
) -> list[ValidRequest]:
    """Return requests with the pixels that the generator returns in this process.

    `bundle` names the generator if the service has several.
    """
    return [_valid_request(generator, index, bundle) for index in range(number)]


def invalid_body(rng: random.Random) -> bytes:
    """Return a body that the service must reject with a status from 400 to 499."""
    valid = json.dumps({"conditions": {}, "seed": 1, "count": 2, "output": "raw"}).encode()
    return rng.choice(
        (
            b"",
            valid[: rng.randrange(len(valid))],
            rng.randbytes(rng.randrange(1, 400)),
            b"[" * 20_000,
            b'{"count": -1}',
            b'{"count": 1e9}',
            b'{"count": 100000000}',
            b'{"count": null, "seeds": [1, "x"]}',
            b'{"seed": 18446744073709551616}',
            b'{"output": "gif"}',
            b'{"conditions": {"no such group": 1}}',
            b'{"conditions": "no such words"}',
            b'{"bundle": "../../etc/passwd"}',
            b'{"temperature": NaN}',
            b'{"surprise": 1}',
        )
    )


async def abort_request(rng: random.Random, port: int, body: bytes) -> None:
    """Close the connection before the body, within it, or before the response."""
    connection = await Connection.open(port)
    data = post_header(PATH, len(body)) + body
    await connection.send(data[: rng.choice((7, len(data) - len(body), len(data) - 3, len(data)))])
    await asyncio.sleep(rng.choice((0, 0, 0.002, 0.02)))
    connection.abort()


def _valid_request(generator: Generator, index: int, bundle: str | None) -> ValidRequest:
    conditions = dict(_labels(generator, index))
    seed, count = 1000 * index, _COUNTS[index % len(_COUNTS)]
    request = {"conditions": conditions, "seed": seed, "count": count, "output": "raw"}
    request |= {"bundle": bundle} if bundle else {}
    pixels = generator.generate(conditions, seed=seed, count=count)
    return ValidRequest(json.dumps(request).encode(), pixels, 0 if generator.device == "cpu" else 1)


def _labels(generator: Generator, index: int) -> Iterator[tuple[str, Any]]:
    for name, group in generator.conditions.fields.items():
        if group.kind == "one_hot":
            yield name, group.labels[index % len(group.labels)]
