"""Markdown tables: medians over the rounds, and the best setting of each server."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from service.competitors import GANPORT, LITSERVE, MOSEC
from service.load import LoadMetrics

Key = tuple[str, str, int, int]
"""Name, setting, count of a request, connections."""


@dataclass(frozen=True)
class Row:
    """One row: how to read a metric from a measurement and the count of its requests."""

    title: str
    connections: int
    read: Callable[[LoadMetrics, int], float]
    unit: str
    lower_is_better: bool

    def ratio(self, ours: float, other: float) -> float:
        """Return the ratio of two values; above 1, `ours` is better."""
        return other / ours if self.lower_is_better else ours / other


def metric_rows(connections: int) -> tuple[Row, ...]:
    """Return the rows of one count: for one client, and for `connections` clients."""
    load = f"{connections} clients"
    return (
        Row("one client: p50", 1, lambda m, _: 1e3 * m.p50, "ms", True),
        Row("one client: p99", 1, lambda m, _: 1e3 * m.p99, "ms", True),
        Row(f"{load}: requests/s", connections, lambda m, _: m.rate, "", False),
        Row(f"{load}: images/s", connections, lambda m, count: m.rate * count, "", False),
        Row(f"{load}: p50", connections, lambda m, _: 1e3 * m.p50, "ms", True),
        Row(f"{load}: p99", connections, lambda m, _: 1e3 * m.p99, "ms", True),
        Row(f"{load}: CPU per request", connections, lambda m, _: 1e6 * m.cpu, "µs", True),
    )


@dataclass
class Results:
    """The measurements of one graph."""

    graph: str
    connections: int
    measurements: dict[Key, list[LoadMetrics]] = field(default_factory=lambda: defaultdict(list))

    def add(
        self, name: str, setting: str, count: int, connections: int, metrics: LoadMetrics
    ) -> None:
        """Add one measurement."""
        self.measurements[name, setting, count, connections].append(metrics)

    def best(self, name: str, count: int, row: Row) -> tuple[float, str]:
        """Return the best median over the settings of `name`, and its setting."""
        medians = [
            (statistics.median(row.read(metrics, count) for metrics in rounds), setting)
            for (key_name, setting, key_count, connections), rounds in self.measurements.items()
            if (key_name, key_count, connections) == (name, count, row.connections)
        ]
        return min(medians) if row.lower_is_better else max(medians)

    def lines(self) -> Iterator[str]:
        """Yield the lines of the table."""
        measured = {key[0] for key in self.measurements}
        others = [name for name in (LITSERVE, MOSEC) if name in measured]
        titles = [f"{name} | ratio" for name in others]
        yield f"| {' | '.join([self.graph, GANPORT, *titles])} |"
        yield "|---|---|" + "---|---|" * len(others)
        for count in sorted({key[2] for key in self.measurements}):
            for row in metric_rows(self.connections):
                ours, setting = self.best(GANPORT, count, row)
                cells = [f"count {count}, {row.title}", f"{_format(ours, row)} ({setting})"]
                for name in others:
                    value, setting = self.best(name, count, row)
                    cells += [f"{_format(value, row)} ({setting})", f"{row.ratio(ours, value):.2f}"]
                yield f"| {' | '.join(cells)} |"


def _format(value: float, row: Row) -> str:
    number = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{number} {row.unit}".rstrip()
