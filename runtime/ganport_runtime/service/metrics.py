"""What a service counts, in the form that Prometheus reads."""

from __future__ import annotations

import os
from typing import Literal

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

from ganport_runtime.batcher import GenerationResult
from ganport_runtime.service.registry import Served, Shelf

MEDIA_TYPE = CONTENT_TYPE_LATEST.encode()
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Where the processes of one service leave their figures for each other."""
LEFT = 499
"""Stands for the status of a request whose client did not wait for one."""
_SECONDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)


class Meter:
    """The figures of one service in a registry of its own."""

    def __init__(self, shelf: Shelf) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "ganport_requests",
            f"Requests by route and status; {LEFT} is a client that left.",
            ("route", "status"),
            registry=self._registry,
        )
        self._answers: dict[tuple[str, int], Counter] = {}
        families = _Families(self._registry)
        self._bundles = {one.name: _BundleMeter(one, families) for one in shelf}
        if FOLDER_VARIABLE not in os.environ:
            ProcessCollector(registry=self._registry)

    def answered(self, route: str, status: int) -> None:
        """Count a request of a route."""
        answers = self._answers.get((route, status))
        if answers is None:
            answers = self._requests.labels(route, str(status))
            self._answers[route, status] = answers
        answers.inc()

    def drawn(self, name: str, drawn: GenerationResult, encoded: float) -> None:
        """Count the pictures of an answer, and the seconds that went into it."""
        self._bundles[name].add(drawn, encoded)

    def refresh(self) -> None:
        """Take over what the batchers count by themselves."""
        for bundle in self._bundles.values():
            bundle.refresh()

    def text(self) -> bytes:
        """All figures, those of every process of the service together."""
        self.refresh()
        registry = self._registry
        if FOLDER_VARIABLE in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


class _Families:
    """The metrics that every bundle has rows of."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.queue = self._histogram("queue", "Seconds from asking to the start of drawing.")
        self.compute = self._histogram("compute", "Seconds in the network.")
        self.encode = self._histogram("encode", "Seconds from pixels to the body of an answer.")
        self.images = self._counter("images", "Pictures answered with.")
        self.batches = self._counter("batches", "Runs of the network, by pictures in each.", "size")
        self.unanswered = self._counter("unanswered", "Requests without pictures.", "reason")
        self.queued = self._gauge("queued_images", "Pictures that wait.", "livesum")
        self.running = self._gauge("running_images", "Pictures being drawn.", "livesum")
        self.healthy = self._gauge("healthy", "1 while it can be drawn.", "livemin")
        self.device = self._gauge("device_info", "What it is drawn on.", "livemax", "device")

    def _histogram(self, name: str, words: str) -> Histogram:
        name = f"ganport_{name}_seconds"
        return Histogram(name, words, ("bundle",), registry=self._registry, buckets=_SECONDS)

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(f"ganport_{name}", words, ("bundle", *labels), registry=self._registry)

    def _gauge(
        self, name: str, words: str, mode: Literal["livesum", "livemin", "livemax"], *labels: str
    ) -> Gauge:
        return Gauge(
            f"ganport_{name}",
            words,
            ("bundle", *labels),
            registry=self._registry,
            multiprocess_mode=mode,
        )


class _BundleMeter:
    """The rows of one bundle; looked up once, since each look-up costs more than counting."""

    def __init__(self, served: Served, families: _Families) -> None:
        self._served = served
        self._families = families
        self._queue = families.queue.labels(served.name)
        self._compute = families.compute.labels(served.name)
        self._encode = families.encode.labels(served.name)
        self._images = families.images.labels(served.name)
        self._counted: dict[tuple[str, str], int] = {}
        families.device.labels(served.name, served.generator.device).set(1)

    def add(self, drawn: GenerationResult, encoded: float) -> None:
        self._queue.observe(drawn.queue_seconds)
        self._compute.observe(drawn.compute_seconds)
        self._encode.observe(encoded)
        self._images.inc(len(drawn.images))

    def refresh(self) -> None:
        name, families = self._served.name, self._families
        stats = self._served.batcher.stats()
        families.queued.labels(name).set(stats.queued_images)
        families.running.labels(name).set(stats.running_images)
        families.healthy.labels(name).set(self._served.batcher.healthy())
        for reason in ("rejected", "expired", "cancelled", "failed"):
            self._count_on(families.unanswered, reason, getattr(stats, reason))
        for size, count in stats.batch_sizes.items():
            self._count_on(families.batches, str(size), count)

    def _count_on(self, counter: Counter, label: str, total: int) -> None:
        """Bring a counter to a total that is kept elsewhere."""
        key = (counter._name, label)
        counter.labels(self._served.name, label).inc(total - self._counted.get(key, 0))
        self._counted[key] = total
