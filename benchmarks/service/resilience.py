"""What hostile clients cost: the response time of others, the memory and the exit of a service."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import numpy as np
from service.competitors import Competitor, ganport_server
from service.processes import ServerProcess

from ganport_runtime.devices.onnxruntime_session import available_cpu_count
from ganport_runtime.service.settings import Settings

BUNDLE, TRANSLATOR = "good", "changer"
"""Names of the bundle that is measured, and of the one that takes images."""
SHUTDOWN_TIMEOUT = 10.0
MAX_SLOWDOWN, EXIT_GRACE = 10.0, 5.0
"""Bars: the p99 under attack, relative to the quiet one, and seconds above the shutdown timeout."""
_TRANSLATOR = Path(__file__).parents[2] / "tests" / "runtime" / "data" / "tiny-translator.ganport"
_DEFAULTS = Settings()
_MIB = 1 << 20
_CONNECTION_MIB = 0.3
"""Less than the 0.5 MiB of `docs/service.md`: the headers of these clients are small."""
_HELPER_MIB = 256 + 40 * _DEFAULTS.max_pixels / _MIB
_IMAGE_MIB = 3 * 64 * 64 / _MIB
_SAMPLE_INTERVAL = 0.2


class MemoryPeak:
    """The memory of a service in MiB: at the start, and its peaks since then."""

    def __init__(self, server: ServerProcess) -> None:
        self._server = server
        self.start = self.service = server.resident_parts()[0]
        self.helpers = 0.0
        """Peak of all child processes together."""

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Sample the memory in a thread."""
        stop = Event()
        thread = Thread(target=self._sample, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _sample(self, stop: Event) -> None:
        while not stop.wait(_SAMPLE_INTERVAL):
            service, *helpers = self._server.resident_parts() or [0.0]
            self.service = max(self.service, service)
            self.helpers = max(self.helpers, sum(helpers))

    @property
    def bounds(self) -> tuple[float, float]:
        """Return the bounds of the service and of its helpers, as `docs/service.md` states them."""
        budgets = (_DEFAULTS.max_receiving + _DEFAULTS.max_sending) / _MIB
        connections = _CONNECTION_MIB * _DEFAULTS.max_connections
        queue = _IMAGE_MIB * _DEFAULTS.max_queue
        helpers = min(available_cpu_count(), 4) * _HELPER_MIB
        return self.start + budgets + connections + queue, helpers


def hostile_server(bundle: str, *options: str, device: str) -> Competitor:
    """Return `serve-gan` with the measured bundle, a translator and a shutdown timeout."""
    return ganport_server(
        f"{BUNDLE}={bundle}",
        f"{TRANSLATOR}={_TRANSLATOR}",
        "--shutdown-timeout",
        str(SHUTDOWN_TIMEOUT),
        *options,
        device=device,
    )


def timed_stop(server: ServerProcess) -> tuple[int, float]:
    """Send SIGTERM; return the exit code and the seconds until the exit."""
    start = time.monotonic()
    code = server.stop(3 * (SHUTDOWN_TIMEOUT + EXIT_GRACE))
    return code, time.monotonic() - start


def resilience_report(
    quiet: Sequence[float], attacked: Sequence[float], memory: MemoryPeak, stop: tuple[int, float]
) -> dict[str, object]:
    """Return the metrics of an attack, with failed bars in `faults`; times are in seconds."""
    p99 = [1e3 * float(np.percentile(times, 99)) for times in (quiet, attacked)]
    bounds = memory.bounds
    exit_bar = SHUTDOWN_TIMEOUT + EXIT_GRACE
    checks = {
        f"p99 was {p99[1] / p99[0]:.1f} times the quiet one": p99[1] >= MAX_SLOWDOWN * p99[0],
        f"the service had {memory.service:.0f} MiB": memory.service > bounds[0],
        f"its helpers had {memory.helpers:.0f} MiB": memory.helpers > bounds[1],
        f"exit code {stop[0]} after SIGTERM": stop[0] != 0,
        f"the exit took {stop[1]:.1f} s": stop[1] > exit_bar,
    }
    return {
        "response time, ms (p99: quiet, under attack)": [round(value, 1) for value in p99],
        "MiB of the service (start, peak, bound)": [
            round(value) for value in (memory.start, memory.service, bounds[0])
        ],
        "MiB of its helpers (peak, bound)": [round(memory.helpers), round(bounds[1])],
        "exit after SIGTERM, s (time, bar)": [round(stop[1], 1), exit_bar],
        "faults": [fault for fault, failed in checks.items() if failed],
    }
