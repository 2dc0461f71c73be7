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

    Each request has another seed. Raises `RuntimeError` if a request fails or none completes.
    """
    responds(server.port, path, request | {"seed": 0})  # waits for the end of earlier load
    before, after = json.dumps(request | {"seed": "SEED"}).split('"SEED"')
    cpu_start = server.cpu_seconds()
    process = subprocess.run(
        [
            *("wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "30s"),
            *("-s", str(_SCRIPT), f"http://127.0.0.1:{server.port}{path}", "--", before, after),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    cpu = server.cpu_seconds() - cpu_start
    summary = json.loads(process.stdout.splitlines()[-1])
    if summary["failed"] or not summary["requests"]:
        failed = f"{summary['failed']} of {summary['requests']} requests failed"
        raise RuntimeError(f"{failed} in {summary['seconds']:.1f} s at {connections} connections")
    return LoadMetrics(
        rate=summary["requests"] / summary["seconds"],
        p50=summary["p50"],
        p99=summary["p99"],
        cpu=cpu / summary["requests"],
    )
