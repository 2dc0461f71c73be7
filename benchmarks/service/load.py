"""Closed-loop load with `wrk`: request rate, latency, and the CPU time of the server."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.client import responds
from service.processes import ServerProcess

_SCRIPT = Path(__file__).with_name("post.lua")
_MAX_SECONDS = 60.0
"""Of a measurement that is repeated because no request completed."""


@dataclass(frozen=True)
class LoadMetrics:
    """The metrics of one measurement; `p50` and `p99` are latencies in seconds."""

    rate: float
    """Responses per second."""
    p50: float
    p99: float
    cpu: float
    """CPU seconds of the server processes per request."""


def require_wrk() -> None:
    """Exit with a hint if `wrk` is not installed."""
    if shutil.which("wrk") is None:
        sys.exit("the service benchmarks need wrk: apt install wrk")


def measure(
    server: ServerProcess, path: str, request: dict[str, Any], connections: int, seconds: float
) -> LoadMetrics:
    """Load a server from `connections` clients that each send requests one after another.

    Each request has another seed. A measurement in which no request completes is repeated with
    twice the seconds. Raises `RuntimeError` if a request fails, or none completes in a minute.
    """
    responds(server.port, path, request | {"seed": 0})  # waits for the end of earlier load
    cpu_start = server.cpu_seconds()
    summary = _run_wrk(server.port, path, request, connections, seconds)
    cpu = server.cpu_seconds() - cpu_start
    if not summary["requests"] and seconds < _MAX_SECONDS:
        return measure(server, path, request, connections, 2 * seconds)
    if summary["failed"] or not summary["requests"]:
        failed = f"{summary['failed']} of {summary['requests']} requests failed"
        raise RuntimeError(f"{failed} in {summary['seconds']:.1f} s at {connections} connections")
    return LoadMetrics(
        rate=summary["requests"] / summary["seconds"],
        p50=summary["p50"],
        p99=summary["p99"],
        cpu=cpu / summary["requests"],
    )


def _run_wrk(
    port: int, path: str, request: dict[str, Any], connections: int, seconds: float
) -> dict[str, Any]:
    """Return the summary that the script of wrk prints."""
    before, after = json.dumps(request | {"seed": "SEED"}).split('"SEED"')
    process = subprocess.run(
        [
            *("wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "30s"),
            *("-s", str(_SCRIPT), f"http://127.0.0.1:{port}{path}", "--", before, after),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    summary: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return summary
