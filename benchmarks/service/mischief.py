"""What clients send in a soak: good requests of mixed counts, bad bodies, connections dropped."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from service.client import Answer, Connection, head

from ganport_runtime import Generator

PATH = "/v1/generate"
# The sequence 16, 7, 7 grew the memory of others without end (triton-inference-server #8083).
_COUNTS = (1, 1, 1, 2, 3, 16, 7, 7, 33, 64)


@dataclass(frozen=True)
class Good:
    """A request, and the pixels that it must be answered with."""

    body: bytes
    pixels: NDArray[np.uint8]
    levels: int
    """How far a pixel may be off: by nothing on the CPU, whatever the batch it was drawn in."""

    def answered(self, answer: Answer) -> bool:
        """Whether `answer` is what was asked for."""
        if answer.status != 200 or len(answer.body) != self.pixels.size:
            return False
        drawn = np.frombuffer(answer.body, np.uint8).astype(np.int16)
        return bool(np.abs(drawn - self.pixels.reshape(-1)).max() <= self.levels)


def good(faces: Generator, kinds: int) -> list[Good]:
    """`kinds` requests, with what the generator draws for them alone in this process."""
    return [_good(faces, number) for number in range(kinds)]


def bad(chance: random.Random, conditions: dict[str, Any]) -> bytes:
    """A body that must be refused with a status from 400 to 499."""
    whole = json.dumps({"conditions": conditions, "seed": 1, "count": 2, "output": "raw"}).encode()
    return chance.choice(
        (
            b"",
            whole[: chance.randrange(len(whole))],
            chance.randbytes(chance.randrange(1, 400)),
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


async def drop(chance: random.Random, port: int, body: bytes) -> None:
    """Hang up: before the body, in its middle, or while the answer is made."""
    connection = await Connection.open(port)
    data = head(PATH, len(body)) + body
    await connection.send(
        data[: chance.choice((7, len(data) - len(body), len(data) - 3, len(data)))]
    )
    await asyncio.sleep(chance.choice((0, 0, 0.002, 0.02)))
    connection.drop()


def _good(faces: Generator, number: int) -> Good:
    conditions = dict(_choices(faces, number))
    request = {
        "conditions": conditions,
        "seed": 1000 * number,
        "count": _COUNTS[number % len(_COUNTS)],
    }
    pixels = faces.generate(conditions, seed=request["seed"], count=request["count"])
    levels = 0 if faces.device == "cpu" else 1
    return Good(json.dumps(request | {"output": "raw"}).encode(), pixels, levels)


def _choices(faces: Generator, number: int) -> Iterator[tuple[str, Any]]:
    for name, group in faces.conditions.fields.items():
        if group.kind == "one_hot":
            yield name, group.labels[number % len(group.labels)]
