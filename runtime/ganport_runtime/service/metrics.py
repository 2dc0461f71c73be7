"""Metrics of a service for Prometheus, its access log, and the limit of its other messages."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from time import monotonic, perf_counter
from typing import Literal
from weakref import WeakKeyDictionary

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import Scope

from ganport_runtime.batcher import GenerationResult
from ganport_runtime.service.registry import ModelRegistry, ServedBundle
from ganport_runtime.service.settings import METRICS_VARIABLE
from ganport_runtime.values import sanitize

MEDIA_TYPE = CONTENT_TYPE_LATEST
CLIENT_CLOSED_REQUEST = 499
"""The status that is counted for a request whose client disconnected (as nginx does)."""
GaugeMode = Literal["livesum", "livemin", "livemax"]
_MAX_KINDS = 100
_REASONS = ("rejected", "expired", "cancelled", "failed")
_BUCKETS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
"""Upper bounds of the histograms in seconds."""


class LogLimit(logging.Filter):
    """Passes `burst` messages of one kind per `seconds`, and then the number of the others.

    Anyone can cause warnings, so their number must not depend on the number of requests.
    """

    def __init__(self, burst: int = 5, seconds: float = 60.0) -> None:
        super().__init__()
        self._burst = burst
        self._seconds = seconds
        self._counts: dict[str, int] = {}
        self._end = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is logged."""
        if (now := monotonic()) > self._end:
            dropped = sum(max(0, count - self._burst) for count in self._counts.values())
            self._counts, self._end = {}, now + self._seconds
            if dropped:
                record.msg = f"{record.msg} (after {dropped} messages that were not logged)"
        kind = str(record.msg)[:100]
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return self._counts[kind] <= self._burst and len(self._counts) <= _MAX_KINDS


class AccessLog:
    """One line on standard output for each request, as text or JSON."""

    def __init__(self, form: str) -> None:
        self._is_json = form == "json"

    def write(self, scope: Scope, request_id: bytes, status: int, sent: int, start: float) -> None:
        """Write the line of a request that began at `start` (`time.perf_counter`)."""
        client = scope.get("client") or ("-", 0)
        fields = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "client": client[0],
            "method": scope["method"],
            "path": sanitize(scope["path"], 200),
            "status": status,
            "bytes": sent,
            "milliseconds": round(1e3 * (perf_counter() - start), 3),
            "id": request_id.decode(),
        }
        line = json.dumps(fields) if self._is_json else " ".join(map(str, fields.values()))
        print(line, flush=True)


class ServiceMetrics:
    """The metrics of one service in a collector registry of their own."""

    def __init__(self, registry: ModelRegistry) -> None:
        self._collectors = CollectorRegistry()
        requests = Counter(
            "ganport_requests",
            f"Requests by route and status; {CLIENT_CLOSED_REQUEST}: the client disconnected.",
            ("route", "status"),
            registry=self._collectors,
        )
        # Rows are kept, because a lookup costs more than an increment.
        self._requests = cache(requests.labels)
        self._queue = self._histogram("queue", "Seconds between a request and its run.")
        self._compute = self._histogram("compute", "Seconds in the network.")
        self._encode = self._histogram("encode", "Seconds from pixels to the response body.")
        self._images = self._counter("images", "Images sent.")
        self._batches = self._counter("batches", "Runs of the network by batch size.", "size")
        self._unanswered = self._counter("unanswered", "Requests without images.", "reason")
        self._queued = self._gauge("queued_images", "Waiting images.", "livesum")
        self._running = self._gauge("running_images", "Images in the current run.", "livesum")
        self._healthy = self._gauge("healthy", "1 if the bundle can generate images.", "livemin")
        self._device = self._gauge("device_info", "Device of the bundle.", "livemax", "device")
        if METRICS_VARIABLE not in os.environ:
            ProcessCollector(registry=self._collectors)
        self._registry = registry
        self._totals: WeakKeyDictionary[ServedBundle, dict[Counter, int]] = WeakKeyDictionary()
        self.refresh()

    def count_request(self, route: str, status: int) -> None:
        """Count a finished request of a route."""
        self._requests(route, status).inc()

    def record_result(self, bundle: str, result: GenerationResult, encode_seconds: float) -> None:
        """Count the images of a response and observe its times."""
        self._queue(bundle).observe(result.queue_seconds)
        self._compute(bundle).observe(result.compute_seconds)
        self._encode(bundle).observe(encode_seconds)
        self._images(bundle).inc(len(result.images))

    def refresh(self) -> None:
        """Copy the counts and levels of the batchers; call it after bundles were replaced."""
        for served in self._registry:
            name, stats = served.name, served.batcher.stats()
            for row in (self._queue, self._compute, self._encode, self._images):
                row(name)
            self._device(name, served.generator.device).set(1)
            self._queued(name).set(stats.queued_images)
            self._running(name).set(stats.running_images)
            self._healthy(name).set(served.batcher.healthy())
            counts = {self._unanswered(name, key): getattr(stats, key) for key in _REASONS}
            counts |= {self._batches(name, size): n for size, n in stats.batch_sizes.items()}
            totals = self._totals.setdefault(served, {})
            for counter, total in counts.items():
                counter.inc(total - totals.get(counter, 0))
                totals[counter] = total

    def render(self) -> bytes:
        """Return all metrics in the text format, summed over the processes of the service."""
        self.refresh()
        collectors = self._collectors
        if METRICS_VARIABLE in os.environ:
            collectors = CollectorRegistry()
            MultiProcessCollector(collectors)  # type: ignore[no-untyped-call]
        return generate_latest(collectors)

    def _histogram(self, name: str, text: str) -> Callable[[str], Histogram]:
        name = f"ganport_{name}_seconds"
        labels, registry = ("bundle",), self._collectors
        return cache(Histogram(name, text, labels, registry=registry, buckets=_BUCKETS).labels)

    def _counter(self, name: str, text: str, *labels: str) -> Callable[..., Counter]:
        name, labels = f"ganport_{name}", ("bundle", *labels)
        return cache(Counter(name, text, labels, registry=self._collectors).labels)

    def _gauge(self, name: str, text: str, mode: GaugeMode, *labels: str) -> Callable[..., Gauge]:
        name, labels = f"ganport_{name}", ("bundle", *labels)
        registry = self._collectors
        return cache(Gauge(name, text, labels, registry=registry, multiprocess_mode=mode).labels)
