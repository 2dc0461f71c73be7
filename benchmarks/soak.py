"""Send valid, invalid and aborted requests to `serve-gan` for a long time and check the effects.

`python benchmarks/soak.py BUNDLE` prints a report as JSON. It exits with 1 unless every valid
request got the pixels of its seed, every invalid one was rejected, memory after the warm-up grew by
less than 1 MiB per 10,000 requests, the service was ready at the end, and it exited with 0.

`--hostile` sends half of the requests to a quiet service and half while one client without a key
attacks it: decoding bombs, large JSON, unfinished bodies, responses that it does not read, many
pipelined requests and bodies of tiny chunks. It also fails if the p99 of valid requests grows
tenfold, if the memory exceeds the bound that `docs/service.md` states, or if the exit takes 5 s
more than the shutdown timeout.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator

import numpy as np
from service.client import Connection, responds
from service.competitors import ganport_server
from service.fault_injection import (
    PATH,
    ValidRequest,
    abort_request,
    invalid_body,
    valid_requests,
)
from service.hostile_clients import hostile_client
from service.processes import ServerProcess
from service.resilience import (
    BUNDLE,
    TRANSLATOR,
    MemoryPeak,
    hostile_server,
    resilience_report,
    timed_stop,
)
from system_info import describe_system

from ganport_runtime import Generator

_VARIANTS = 40
_MEMORY_SAMPLES = 200
_WARM_UP = 0.3
"""Fraction of the requests before memory is measured."""
_MAX_GROWTH = 1.0
_MIN_REQUESTS = 5_000
"""Fewer requests do not determine the growth of memory."""


class SoakTest:
    """Concurrent clients; `counts` has the outcomes, `times` the seconds of valid requests."""

    def __init__(self, server: ServerProcess, valid: list[ValidRequest], requests: int) -> None:
        self._server = server
        self._valid = valid
        self._numbers = iter(range(requests))
        self._sample_interval = max(1, requests // _MEMORY_SAMPLES)
        self.counts: Counter[str] = Counter()
        self.times: list[float] = []
        self.memory: list[tuple[int, float]] = []
        """Number of sent requests, and resident MiB of the server."""

    async def run(self, clients: int) -> None:
        """Send all requests from `clients` connections."""
        await asyncio.gather(*(self._run_client(seed) for seed in range(clients)))

    async def _run_client(self, seed: int) -> None:
        rng = random.Random(seed)
        connection = await Connection.open(self._server.port)
        for number in self._numbers:
            if number % self._sample_interval == 0:
                self.memory.append((number, self._server.resident_mib()))
            try:
                await self._send_request(rng, connection)
            except (OSError, ValueError) as error:
                self.counts[f"fault: {error}"] += 1
                connection = await Connection.open(self._server.port)
        connection.abort()

    async def _send_request(self, rng: random.Random, connection: Connection) -> None:
        valid = rng.choice(self._valid)
        kind = rng.choices(("valid", "invalid", "aborted"), (70, 20, 10))[0]
        if kind == "aborted":
            await abort_request(rng, self._server.port, valid.body)
            self.counts["aborted"] += 1
        elif kind == "invalid":
            response = await connection.post(PATH, invalid_body(rng))
            rejected = 400 <= response.status < 500 and "error" in json.loads(response.body)
            fault = f"fault: invalid {response.status}"
            self.counts["invalid, rejected" if rejected else fault] += 1
        else:
            start = time.perf_counter()
            response = await connection.post(PATH, valid.body)
            self.times.append(time.perf_counter() - start)
            fault = f"fault: valid {response.status}"
            self.counts["valid, correct" if valid.matches(response) else fault] += 1


def memory_growth(memory: list[tuple[int, float]]) -> float:
    """Return the growth in MiB per 10,000 requests: the least-squares slope after the warm-up."""
    numbers, resident = np.array(memory[int(_WARM_UP * len(memory)) :]).T
    return float(10_000 * np.polyfit(numbers, resident, 1)[0])


def run_soak(bundle: str, device: str, requests: int, clients: int) -> dict[str, object]:
    """Run the test and return the report, with failed checks in `faults`."""
    valid = valid_requests(Generator.load(bundle, device), _VARIANTS)
    with ganport_server(bundle, device=device).start({"count": 1}) as server:
        test = SoakTest(server, valid, requests)
        asyncio.run(test.run(clients))
        ready = responds(server.port, "/readyz")
        exit_code = server.stop()
    growth = memory_growth(test.memory)
    measured = (1 - _WARM_UP) * requests >= _MIN_REQUESTS
    faults = [name for name in test.counts if name.startswith("fault")]
    faults += _find_faults(ready, exit_code, growth if measured else 0.0)
    return {
        "requests": dict(test.counts),
        "MiB": [round(resident, 1) for _, resident in (test.memory[0], test.memory[-1])],
        "MiB per 10,000 requests": round(growth, 3) if measured else "too few requests",
        "faults": faults,
    }


def run_hostile_soak(bundle: str, device: str, requests: int, clients: int) -> dict[str, object]:
    """Run half of the test quietly and half under attack; return the report."""
    valid = valid_requests(Generator.load(bundle, device), _VARIANTS, BUNDLE)
    with hostile_server(bundle, device=device).start({"count": 1, "bundle": BUNDLE}) as server:
        quiet, attacked = (SoakTest(server, valid, requests // 2) for _ in range(2))
        asyncio.run(quiet.run(clients))
        memory = MemoryPeak(server)
        with memory.measure(), hostile_client(server.port, BUNDLE, TRANSLATOR):
            asyncio.run(attacked.run(clients))
            ready = responds(server.port, "/readyz")
            stop = timed_stop(server)
    report = resilience_report(quiet.times, attacked.times, memory, stop)
    counts = quiet.counts + attacked.counts
    faults = [name for name in counts if name.startswith("fault")]
    faults += [] if ready else ["not ready at the end"]
    return {"requests": dict(counts)} | report | {"faults": [*faults, *report["faults"]]}


def _find_faults(ready: bool, exit_code: int, growth: float) -> Iterator[str]:
    if not ready:
        yield "not ready at the end"
    if exit_code:
        yield f"exit code {exit_code} after SIGTERM"
    if growth >= _MAX_GROWTH:
        yield f"memory grew by {growth:.2f} MiB per 10,000 requests"


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--hostile", action="store_true", help="attack during half of the test")
    arguments = parser.parse_args()
    run = run_hostile_soak if arguments.hostile else run_soak
    report = run(arguments.bundle, arguments.device, arguments.requests, arguments.clients)
    print(describe_system())
    print(json.dumps(report, indent=2))
    sys.exit(1 if report["faults"] else 0)


if __name__ == "__main__":
    main()
