"""What was measured, as Markdown: medians of the rounds, of each peer its best setting."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from service.contenders import LITSERVE, MOSEC, OURS
from service.load import Figures

Key = tuple[str, str, int, int]
"""Name, setting, count of a request, connections."""


@dataclass(frozen=True)
class Row:
    """One figure: how it is read, written and compared."""

    title: str
    connections: int
    read: Callable[[Figures, int], float]
    """From the figures and the count of a request."""
    unit: str
    smaller: bool

    def better(self, a: float, b: float) -> float:
        """How many times as good `a` is as `b`."""
        return b / a if self.smaller else a / b


def rows(many: int) -> tuple[Row, ...]:
    """The figures of one count: of a lone client, and of `many` at once."""
    load = f"{many} at once"
    return (
        Row("alone: p50", 1, lambda f, _: 1e3 * f.p50, "ms", True),
        Row("alone: p99", 1, lambda f, _: 1e3 * f.p99, "ms", True),
        Row(f"{load}: requests/s", many, lambda f, _: f.rate, "", False),
        Row(f"{load}: images/s", many, lambda f, count: f.rate * count, "", False),
        Row(f"{load}: p50", many, lambda f, _: 1e3 * f.p50, "ms", True),
        Row(f"{load}: p99", many, lambda f, _: 1e3 * f.p99, "ms", True),
        Row(f"{load}: CPU a request", many, lambda f, _: 1e6 * f.cpu, "µs", True),
    )


@dataclass
class Results:
    """The figures of one graph, round by round."""

    graph: str
    many: int
    figures: dict[Key, list[Figures]] = field(default_factory=lambda: defaultdict(list))

    def add(self, name: str, setting: str, count: int, connections: int, found: Figures) -> None:
        self.figures[name, setting, count, connections].append(found)

    def best(self, name: str, count: int, row: Row) -> tuple[float, str]:
        """The best median among the settings of `name`, and that setting."""
        medians = [
            (statistics.median(row.read(figure, count) for figure in found), setting)
            for (who, setting, many, connections), found in self.figures.items()
            if (who, many, connections) == (name, count, row.connections)
        ]
        return min(medians) if row.smaller else max(medians)

    def lines(self) -> Iterator[str]:
        """The table."""
        peers = [peer for peer in (LITSERVE, MOSEC) if any(key[0] == peer for key in self.figures)]
        heads = [f"{peer} | times better" for peer in peers]
        yield f"| {' | '.join([self.graph, OURS, *heads])} |"
        yield "|---|---|" + "---|---|" * len(peers)
        for count in sorted({key[2] for key in self.figures}):
            for row in rows(self.many):
                mine, _ = self.best(OURS, count, row)
                cells = [f"count {count}, {row.title}", _written(mine, row)]
                for peer in peers:
                    theirs, setting = self.best(peer, count, row)
                    cells += [
                        f"{_written(theirs, row)} ({setting})",
                        f"{row.better(mine, theirs):.2f}",
                    ]
                yield f"| {' | '.join(cells)} |"


def _written(value: float, row: Row) -> str:
    number = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{number} {row.unit}".rstrip()
