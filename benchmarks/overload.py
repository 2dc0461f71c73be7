"""The service under twice the load it can bear: who is refused, how soon, and what it still draws.

`python benchmarks/overload.py BUNDLE` first finds the peak in a closed loop of many clients, then
lets requests arrive at twice that rate, whatever becomes of those before (an open loop: arrivals
that wait for answers would hide the queue). In turns, medians of the rounds. Where it may, it takes
a real-time priority, for clients that wait for a core would measure themselves. Exits 1 unless
refusals were answered within 5 ms (p95), 0.95 of the peak was still drawn and memory stayed flat.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from statistics import median

import numpy as np
import uvloop
from machine import machine
from service.client import Connection
from service.contenders import ours
from service.processes import Server

_PATH = "/v1/generate"
_REFUSED = (429, 503)
_CLIENTS = 32
_GROWTH = 8.0
"""MiB between the first overload and the last: buffers of a full queue, once."""


@dataclass
class Spell:
    """What came of one spell of load."""

    seconds: float
    clients: float = 0.0
    """Seconds of processor that the clients took: cores the server did not have."""
    counted: Counter[int] = field(default_factory=Counter)
    """Answers by their status."""
    times: dict[int, list[float]] = field(default_factory=dict)
    """Seconds from the arrival that was due to the answer, by its status."""

    def add(self, status: int, seconds: float) -> None:
        self.counted[status] += 1
        self.times.setdefault(status, []).append(seconds)

    @property
    def rate(self) -> float:
        """Requests drawn a second."""
        return self.counted[200] / self.seconds

    def within(self, percent: float, *statuses: int) -> float:
        """The time, in milliseconds, that so many percent of these answers came within."""
        times = [value for status in statuses for value in self.times.get(status, [])]
        return 1e3 * float(np.percentile(times, percent)) if times else 0.0


async def closed(port: int, body: bytes, seconds: float, clients: int) -> Spell:
    """So many clients that each send their next request at the answer."""
    spell, until = Spell(seconds), time.perf_counter() + seconds

    async def client() -> None:
        connection = await Connection.open(port)
        while (begun := time.perf_counter()) < until:
            answer = await connection.post(_PATH, body)
            if (now := time.perf_counter()) < until:
                spell.add(answer.status, now - begun)
        connection.drop()

    worked = time.process_time()
    await asyncio.gather(*(client() for _ in range(clients)))
    spell.clients = time.process_time() - worked
    return spell


async def arriving(port: int, body: bytes, rate: float, seconds: float) -> Spell:
    """Requests that arrive evenly at `rate` a second, each on a connection that is idle.

    Answers that come after the spell do not count as drawn in it.
    """
    spell, begun, idle = Spell(seconds), time.perf_counter(), list[Connection]()

    async def arrive(due: float) -> None:
        connection = idle.pop() if idle else await Connection.open(port)
        answer = await connection.post(_PATH, body)
        now = time.perf_counter()
        if answer.status != 200 or now < begun + seconds:
            spell.add(answer.status, now - due)
        idle.append(connection)

    worked = time.process_time()
    async with asyncio.TaskGroup() as tasks:
        for number in range(round(rate * seconds)):
            due = begun + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.create_task(arrive(due))
    for connection in idle:
        connection.drop()
    spell.clients = time.process_time() - worked
    return spell


def overload(
    server: Server, count: int, queue: int, seconds: float, rounds: int
) -> dict[str, object]:
    """Peak and overload in turn; the report, whose `faults` are empty when everything held."""
    body = json.dumps({"count": count, "seed": 7, "output": "raw"}).encode()
    # No more than the queue holds: clients that are refused would take the peak's processor.
    clients = max(1, min(_CLIENTS, queue // count))
    uvloop.run(closed(server.port, body, 1.0, clients))
    peaks, taken, spells, held = [], [], [], []
    for _ in range(rounds):
        calm = uvloop.run(closed(server.port, body, seconds, clients))
        peaks.append(calm.rate)
        taken.append(calm.clients)
        spells.append(uvloop.run(arriving(server.port, body, 2 * peaks[-1], seconds)))
        held.append(server.resident())
    shares = [spell.rate / peak for spell, peak in zip(spells, peaks, strict=True)]
    refused = median(spell.within(95, *_REFUSED) for spell in spells)
    return {
        "peak, images/s": round(count * median(peaks), 1),
        "drawn at twice that, as a share of it": round(median(shares), 3),
        "cores the clients took, at the peak and at twice it": [
            round(median(taken) / seconds, 3),
            round(median(spell.clients for spell in spells) / seconds, 3),
        ],
        "refused within, ms (p50, p95, p99)": [
            round(median(spell.within(percent, *_REFUSED) for spell in spells), 2)
            for percent in (50, 95, 99)
        ],
        "drawn within, ms (p50, p99)": [
            round(median(spell.within(percent, 200) for spell in spells), 1) for percent in (50, 99)
        ],
        "answers": dict(sum((spell.counted for spell in spells), Counter())),
        "MiB": [round(value, 1) for value in held],
        "faults": _faults(median(shares), refused, held[-1] - held[0], spells),
    }


def _go_first() -> str:
    """Have the clients wait for no core, as if they were elsewhere; how far that went."""
    try:
        # The server, which is started from here, keeps the usual priority.
        policy = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, policy, os.sched_param(1))
    except (AttributeError, PermissionError):
        return "clients of the usual priority"
    return "clients of real-time priority"


def _faults(share: float, refused: float, growth: float, spells: list[Spell]) -> list[str]:
    statuses = {status for spell in spells for status in spell.counted}
    failed = {
        "nothing was refused": not statuses & set(_REFUSED),
        f"statuses {sorted(statuses)}": bool(statuses - {200, *_REFUSED}),
        f"refusals took {refused:.1f} ms": refused > 5.0,
        f"only {share:.2f} of the peak was drawn": share < 0.95,
        f"memory grew by {growth:.1f} MiB": growth > _GROWTH,
    }
    return [what for what, wrong in failed.items() if wrong]


def main() -> None:
    """Print the machine and the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--count", type=int, default=4, help="pictures of a request")
    parser.add_argument("--queue", type=int, default=256, help="pictures that may wait")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each spell of load")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    clients = _go_first()
    service = ours(asked.bundle, "--max-queue", str(asked.queue), device=asked.device)
    with service.start({"count": 1}) as server:
        report = overload(server, asked.count, asked.queue, asked.seconds, asked.rounds)
    print(f"{machine()}; {clients}")
    print(json.dumps(report, indent=2))
    sys.exit(1 if report["faults"] else 0)


if __name__ == "__main__":
    main()
