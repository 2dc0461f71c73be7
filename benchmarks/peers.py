"""The service against LitServe and mosec, all serving one graph to one client load.

`python benchmarks/peers.py --peers-python peers/bin/python` (see `peers.txt`) prints Markdown. In
each round every server is started, warmed, loaded and stopped in turn. A lone client sends its next
request at the answer; then many do at once. All on one machine, so the load takes its share of the
cores from everybody alike.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from machine import machine
from service import bundles
from service.contenders import contenders
from service.load import measure, need_wrk
from service.tables import Results

from ganport_runtime.bundle import Bundle

_WARM = 3.0  # seconds: the first answers of a full queue come together, and late


def main() -> None:
    """Measure what was asked for and print a table for each graph."""
    asked = _arguments()
    need_wrk()
    with tempfile.TemporaryDirectory() as folder:
        served = {name: _bundle(name, Path(folder)) for name in asked.graphs}
        results = {name: Results(name, asked.connections) for name in asked.graphs}
        for number in range(asked.rounds):
            for name, path in served.items():
                _round(path, Path(folder) / f"bare-{name}", results[name], asked, number)
    print(f"{machine()}; medians of {asked.rounds} rounds of {asked.seconds:g} s")
    for result in results.values():
        print("", *result.lines(), sep="\n")


def _round(
    path: Path | str, bare: Path, results: Results, asked: argparse.Namespace, number: int
) -> None:
    bundle = Bundle.open(path)
    if not bare.exists():
        bundles.bare(bundle, bare)
    everybody = list(contenders(path, bare, asked.peers_python))
    # Who comes first moves on, so that no one is always measured on a machine just gone quiet.
    first = number * len(everybody) // asked.rounds
    for contender in everybody[first:] + everybody[:first]:
        request = {"conditions": bundles.asked(bundle), "count": 1}
        with contender.start(request) as server:
            for count in asked.counts:
                value: dict[str, Any] = request | contender.extra | {"count": count}
                measure(server, contender.path, value, asked.connections, _WARM)
                for connections in (1, asked.connections):
                    found = measure(server, contender.path, value, connections, asked.seconds)
                    results.add(contender.name, contender.setting, count, connections, found)


def _bundle(name: str, folder: Path) -> Path | str:
    """`noop`, `starter`, `width-64` and the like, or the path of any bundle."""
    if name == "noop":
        return bundles.noop(folder / "noop.onnx")
    if name.startswith("width-"):
        bundles.random(folder / f"{name}.ganport", int(name.removeprefix("width-")))
        return folder / f"{name}.ganport"
    return name


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers-python", type=Path, required=True)
    parser.add_argument("--graphs", nargs="+", default=["noop", "starter", "width-64"])
    parser.add_argument("--counts", nargs="+", type=int, default=[1, 16])
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each spell of load")
    return parser.parse_args()


if __name__ == "__main__":
    main()
