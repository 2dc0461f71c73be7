"""Load the service with twice its peak rate; measure rejections, throughput and memory.

`python benchmarks/overload.py BUNDLE` measures the peak rate with many clients in a closed loop.
Then requests arrive at twice that rate in an open loop, whether or not earlier ones are complete.
All values are medians over the rounds. The clients use a real-time priority if permitted, because
clients that wait for a core would measure themselves. Exits with 1 unless rejections take at most
5 ms (p95), throughput is at least 0.95 of the peak, and memory stays constant.

`--hostile` repeats the overload while one client without a key attacks the service: decoding bombs,
large JSON, unfinished bodies, responses that it does not read, many pipelined requests and bodies
of tiny chunks. Then only these limits count: the p99 of images, at most tenfold; the memory, as
`docs/service.md` states it; the time of the exit.
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
from service.client import Connection
from service.competitors import Competitor, ganport_server
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

_PATH = "/v1/generate"
_REJECTED = (429, 503)
_DISCONNECTED = 0  # no response: on a slow machine more connections than the service accepts
_MAX_CLIENTS = 32
_MAX_GROWTH = 8.0
"""MiB between the first and the last overload: the buffers of one full queue."""


@dataclass
class Measurement:
    """The responses of one measurement; `client_cpu` is the CPU time of the clients."""

    seconds: float
    client_cpu: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    times: dict[int, list[float]] = field(default_factory=dict)
    """Seconds from the scheduled arrival to the response, by status."""

    def add(self, status: int, seconds: float) -> None:
        """Add one response."""
        self.statuses[status] += 1
        self.times.setdefault(status, []).append(seconds)

    @property
    def rate(self) -> float:
        """Return successful requests per second."""
        return self.statuses[200] / self.seconds

    def percentile(self, percent: float, *statuses: int) -> float:
        """Return a percentile of the response time in milliseconds."""
        times = [value for status in statuses for value in self.times.get(status, [])]
        return 1e3 * float(np.percentile(times, percent)) if times else 0.0


async def run_closed_loop(port: int, body: bytes, seconds: float, clients: int) -> Measurement:
    """Run clients that each send the next request after the response."""
    measurement, end = Measurement(seconds), time.perf_counter() + seconds

    async def run_client() -> None:
        connection = await Connection.open(port)
        while (start := time.perf_counter()) < end:
            response = await connection.post(_PATH, body)
            if (now := time.perf_counter()) < end:
                measurement.add(response.status, now - start)
        connection.abort()

    cpu_start = time.process_time()
    await asyncio.gather(*(run_client() for _ in range(clients)))
    measurement.client_cpu = time.process_time() - cpu_start
    return measurement


async def run_open_loop(port: int, body: bytes, rate: float, seconds: float) -> Measurement:
    """Send requests at a constant `rate` per second, each on an idle connection.

    Images that arrive after the measurement do not count.
    """
    measurement, start, idle = Measurement(seconds), time.perf_counter(), list[Connection]()

    async def send_request(due: float) -> None:
        # The service closes connections that were idle for some seconds.
        while idle and idle[-1].is_closed:
            idle.pop().abort()
        try:
            connection = idle.pop() if idle else await Connection.open(port)
            response = await connection.post(_PATH, body)
        except OSError:  # also: too many open files
            measurement.add(_DISCONNECTED, time.perf_counter() - due)
            return
        now = time.perf_counter()
        if response.status != 200 or now < start + seconds:
            measurement.add(response.status, now - due)
        idle.append(connection)

    cpu_start = time.process_time()
    async with asyncio.TaskGroup() as tasks:
        for number in range(round(rate * seconds)):
            due = start + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.create_task(send_request(due))
    for connection in idle:
        connection.abort()
    measurement.client_cpu = time.process_time() - cpu_start
    return measurement


def run_overload(
    server: ServerProcess, count: int, max_queue: int, seconds: float, rounds: int
) -> dict[str, object]:
    """Alternate between peak and overload; return the report, with failed checks in `faults`."""
    body = json.dumps({"count": count, "seed": 7, "output": "raw"}).encode()
    # At most as many clients as the queue holds: rejections would cost CPU time of the peak.
    clients = max(1, min(_MAX_CLIENTS, max_queue // count))
    uvloop.run(run_closed_loop(server.port, body, 1.0, clients))
    peaks: list[Measurement] = []
    overloads: list[Measurement] = []
    memory = []
    for _ in range(rounds):
        peaks.append(uvloop.run(run_closed_loop(server.port, body, seconds, clients)))
        overloads.append(uvloop.run(run_open_loop(server.port, body, 2 * peaks[-1].rate, seconds)))
        memory.append(server.resident_mib())
    pairs = zip(overloads, peaks, strict=True)
    fraction = median(overload.rate / peak.rate for overload, peak in pairs)
    rejected = [_median_percentile(overloads, percent, *_REJECTED) for percent in (50, 95, 99)]
    return {
        "peak, images/s": round(count * median(peak.rate for peak in peaks), 1),
        "throughput under overload, fraction of the peak": round(fraction, 3),
        "cores used by the clients, at the peak and under overload": [
            round(median(measurement.client_cpu for measurement in group) / seconds, 3)
            for group in (peaks, overloads)
        ],
        "rejection time, ms (p50, p95, p99)": [round(value, 2) for value in rejected],
        "response time, ms (p50, p99)": [
            round(_median_percentile(overloads, percent, 200), 1) for percent in (50, 99)
        ],
        "responses": dict(sum((overload.statuses for overload in overloads), Counter())),
        "MiB": [round(value, 1) for value in memory],
        "faults": _find_faults(fraction, rejected[1], memory[-1] - memory[0], overloads),
    }


def run_hostile_overload(
    server: ServerProcess, count: int, max_queue: int, seconds: float, rounds: int
) -> dict[str, object]:
    """Overload the service quietly and under attack, at the same rate; return the report."""
    body = json.dumps({"bundle": BUNDLE, "count": count, "seed": 7, "output": "raw"}).encode()
    clients = max(1, min(_MAX_CLIENTS, max_queue // count))
    peak = uvloop.run(run_closed_loop(server.port, body, seconds, clients)).rate

    def overload() -> list[Measurement]:
        load = (run_open_loop(server.port, body, 2 * peak, seconds) for _ in range(rounds))
        return [uvloop.run(measurement) for measurement in load]

    quiet, memory = overload(), MemoryPeak(server)
    with memory.measure(), hostile_client(server.port, BUNDLE, TRANSLATOR):
        attacked = overload()
        stop = timed_stop(server)
    times = [[t for run in group for t in run.times.get(200, [])] for group in (quiet, attacked)]
    rejected = [_median_percentile(group, 95, *_REJECTED) for group in (quiet, attacked)]
    return {
        "images/s (quiet, under attack)": [
            round(count * median(run.rate for run in group), 1) for group in (quiet, attacked)
        ],
        "rejection time, ms (p95: quiet, under attack)": [round(value, 1) for value in rejected],
    } | resilience_report(times[0], times[1], memory, stop)


def _median_percentile(measurements: list[Measurement], percent: float, *statuses: int) -> float:
    return median(measurement.percentile(percent, *statuses) for measurement in measurements)


def _raise_priority() -> str:
    """Use a real-time priority for the clients if permitted; return the priority as text."""
    try:
        # A server started from here keeps the normal priority.
        policy = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, policy, os.sched_param(1))
    except (AttributeError, PermissionError):
        return "clients with normal priority"
    return "clients with real-time priority"


def _find_faults(
    fraction: float, rejected: float, growth: float, overloads: list[Measurement]
) -> list[str]:
    statuses = {status for overload in overloads for status in overload.statuses}
    checks = {
        "no request was rejected": not statuses & set(_REJECTED),
        f"statuses {sorted(statuses)}": bool(statuses - {200, *_REJECTED}),
        f"rejections took {rejected:.1f} ms": rejected > 5.0,
        f"throughput was {fraction:.2f} of the peak": fraction < 0.95,
        f"memory grew by {growth:.1f} MiB": growth > _MAX_GROWTH,
    }
    return [fault for fault, failed in checks.items() if failed]


def _service(arguments: argparse.Namespace) -> Competitor:
    start = hostile_server if arguments.hostile else ganport_server
    queue = ("--max-queue", str(arguments.queue))
    return start(arguments.bundle, *queue, device=arguments.device)


def main() -> None:
    """Print the machine and the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--count", type=int, default=4, help="images per request")
    parser.add_argument("--queue", type=int, default=256, help="waiting images")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--hostile", action="store_true", help="attack the service")
    arguments = parser.parse_args()
    priority = _raise_priority()
    start = {"count": 1} | ({"bundle": BUNDLE} if arguments.hostile else {})
    with _service(arguments).start(start) as server:
        run = run_hostile_overload if arguments.hostile else run_overload
        report = run(server, arguments.count, arguments.queue, arguments.seconds, arguments.rounds)
    print(f"{describe_system()}; {priority}")
    print(json.dumps(report, indent=2))
    sys.exit(1 if report["faults"] else 0)


if __name__ == "__main__":
    main()
