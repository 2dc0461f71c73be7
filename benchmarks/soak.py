"""A long spell of good, bad and broken requests against `serve-gan`, and what it did to it.

`python benchmarks/soak.py BUNDLE` prints a report as JSON and exits 1 unless every good request was
answered with the pixels that its seed stands for, every bad one was refused, the memory held after
the warm-up grew by less than 1 MB in 10,000 requests, and the service was ready at the end and then
ended in order.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator

import numpy as np
from service.client import Connection, answers
from service.contenders import ours
from service.mischief import PATH, Good, bad, drop, good
from service.processes import Server

from ganport_runtime import Generator

_KINDS = 40
_SAMPLES = 200
_WARM = 0.3
"""Share of the requests before memory is judged."""
_LIMIT = 1.0
_FEWEST = 5_000
"""Requests below which a slope of memory says nothing."""


class Soak:
    """Clients at work side by side; `counted` says what became of their requests."""

    def __init__(self, server: Server, wanted: list[Good], requests: int) -> None:
        self._server = server
        self._good = wanted
        self._numbers = iter(range(requests))
        self._every = max(1, requests // _SAMPLES)
        self.counted: Counter[str] = Counter()
        self.memory: list[tuple[int, float]] = []
        """Requests sent, and MiB held by the server then."""

    async def run(self, clients: int) -> None:
        """Send all the requests from `clients` connections at a time."""
        await asyncio.gather(*(self._client(number) for number in range(clients)))

    async def _client(self, seed: int) -> None:
        chance = random.Random(seed)
        connection = await Connection.open(self._server.port)
        for number in self._numbers:
            if number % self._every == 0:
                self.memory.append((number, self._server.resident()))
            try:
                await self._one(chance, connection)
            except (OSError, ValueError) as error:
                self.counted[f"fault: {error}"] += 1
                connection = await Connection.open(self._server.port)
        connection.drop()

    async def _one(self, chance: random.Random, connection: Connection) -> None:
        wanted = chance.choice(self._good)
        kind = chance.choices(("good", "bad", "dropped"), (70, 20, 10))[0]
        if kind == "dropped":
            await drop(chance, self._server.port, wanted.body)
            self.counted["dropped"] += 1
        elif kind == "bad":
            answer = await connection.post(PATH, bad(chance, {}))
            refused = 400 <= answer.status < 500 and "error" in json.loads(answer.body)
            self.counted["bad, refused" if refused else f"fault: bad {answer.status}"] += 1
        else:
            answer = await connection.post(PATH, wanted.body)
            right = wanted.answered(answer)
            self.counted["good, answered" if right else f"fault: good {answer.status}"] += 1


def slope(memory: list[tuple[int, float]]) -> float:
    """MiB of growth in 10,000 requests, by least squares over what follows the warm-up."""
    numbers, held = np.array(memory[int(_WARM * len(memory)) :]).T
    return float(10_000 * np.polyfit(numbers, held, 1)[0])


def soak(bundle: str, device: str, requests: int, clients: int) -> dict[str, object]:
    """Run it all; the report, whose `faults` are empty when everything held."""
    wanted = good(Generator.load(bundle, device), _KINDS)
    with ours(bundle, device=device).start({"count": 1}) as server:
        work = Soak(server, wanted, requests)
        asyncio.run(work.run(clients))
        ready = answers(server.port, "/readyz")
        code = server.stop()
    growth = slope(work.memory)
    judged = (1 - _WARM) * requests >= _FEWEST
    faults = [name for name in work.counted if name.startswith("fault")]
    faults += _faults(ready, code, growth if judged else 0.0)
    return {
        "requests": dict(work.counted),
        "MiB": [round(held, 1) for _, held in (work.memory[0], work.memory[-1])],
        "MiB in 10,000 requests": round(growth, 3) if judged else "too few to say",
        "faults": faults,
    }


def _faults(ready: bool, code: int, growth: float) -> Iterator[str]:
    if not ready:
        yield "not ready at the end"
    if code:
        yield f"exit code {code} after SIGTERM"
    if growth >= _LIMIT:
        yield f"memory grew by {growth:.2f} MiB in 10,000 requests"


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--clients", type=int, default=16)
    asked = parser.parse_args()
    report = soak(asked.bundle, asked.device, asked.requests, asked.clients)
    print(json.dumps(report, indent=2))
    sys.exit(1 if report["faults"] else 0)


if __name__ == "__main__":
    main()
