"""The machine that a benchmark ran on."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from queue import SimpleQueue
from statistics import median
from threading import Thread
from time import perf_counter

import torch

_ROUND_TRIPS = 1000


def describe_system() -> str:
    """Return processor, cores, thread round trip, GPU, versions and load in one line."""
    names = [line for line in _cpuinfo() if line.startswith("model name")]
    processor = names[0].split(":", 1)[1].strip() if names else platform.processor()
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{processor}, {os.cpu_count()} cores, "
        f"thread round trip {1e6 * thread_round_trip():.0f} microseconds, {gpu}, "
        f"Python {platform.python_version()}, torch {torch.__version__}, {load}"
    )


def thread_round_trip(number: int = _ROUND_TRIPS) -> float:
    """Return the median seconds until a sleeping thread has answered another one."""
    requests, replies = SimpleQueue[int](), SimpleQueue[int]()

    def reply() -> None:
        for _ in range(number):
            replies.put(requests.get())

    thread = Thread(target=reply)
    thread.start()
    times = []
    for index in range(number):
        start = perf_counter()
        requests.put(index)
        replies.get()
        times.append(perf_counter() - start)
    thread.join()
    return median(times)


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []
