"""A closed loop of `wrk` against a server: requests, latency, and the CPU that the server used."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.client import answers
from service.processes import Server

_SCRIPT = Path(__file__).with_name("post.lua")


@dataclass(frozen=True)
class Figures:
    """What one spell of load came to."""

    rate: float
    """Requests answered a second."""
    p50: float
    """Half of the answers came within so many seconds."""
    p99: float
    cpu: float
    """Seconds of CPU for each request, of the server's processes alone."""


def need_wrk() -> None:
    """End the program with a hint where `wrk` is not there."""
    if shutil.which("wrk") is None:
        sys.exit("benchmarks of the service need wrk on the PATH: apt install wrk")


def measure(
    server: Server, path: str, request: dict[str, Any], connections: int, seconds: float
) -> Figures:
    """Load from `connections` that each send their next request at the answer.

    The seed of each request is another. Raises `RuntimeError` when any request failed, or none was
    answered in time.
    """
    answers(server.port, path, request | {"seed": 0})  # what an earlier load left is done by then
    before, after = json.dumps(request | {"seed": "SEED"}).split('"SEED"')
    begun = server.cpu()
    told = subprocess.run(
        [
            *("wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "30s"),
            *("-s", str(_SCRIPT), f"http://127.0.0.1:{server.port}{path}", "--", before, after),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    used = server.cpu() - begun
    summary = json.loads(told.stdout.splitlines()[-1])
    if summary["failed"] or not summary["requests"]:
        failed = f"{summary['failed']} of {summary['requests']} requests failed"
        raise RuntimeError(f"{failed} in {summary['seconds']:.1f} s at {connections} connections")
    return Figures(
        rate=summary["requests"] / summary["seconds"],
        p50=summary["p50"],
        p99=summary["p99"],
        cpu=used / summary["requests"],
    )
