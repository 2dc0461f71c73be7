"""Compare the service with LitServe and mosec; all serve one graph to the same clients.

`python benchmarks/compare_servers.py --python competitors/bin/python` (see `competitors.txt`)
prints Markdown. Each round starts, warms up, loads and stops every server in turn, first with one
client, then with many. Clients and servers share the cores of one machine. With `--devices cpu
openvino`, ganport also runs on OpenVINO, which computes the same float32 graph.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from service import bundles
from service.competitors import Competitor, competitors
from service.load import measure, require_wrk
from service.tables import Results
from system_info import describe_system

from ganport_runtime.bundle import Bundle

_WARM_UP = 3.0
"""Seconds; the first responses of a full queue arrive together and late."""


def main() -> None:
    """Measure all servers and print a table per graph."""
    arguments = _parse_arguments()
    require_wrk()
    with tempfile.TemporaryDirectory() as folder:
        graphs = {name: _open_graph(name, Path(folder)) for name in arguments.graphs}
        results = {name: Results(name, arguments.connections) for name in arguments.graphs}
        for index in range(arguments.rounds):
            for name, path in graphs.items():
                baseline = Path(folder) / f"baseline-{name}"
                print(f"round {index + 1} of {arguments.rounds}: {name}", file=sys.stderr)
                _run_round(path, baseline, results[name], arguments, index)
    print(f"{describe_system()}; medians of {arguments.rounds} rounds of {arguments.seconds:g} s")
    for result in results.values():
        print("", *result.lines(), sep="\n")


def _run_round(
    path: Path | str, baseline: Path, results: Results, arguments: argparse.Namespace, index: int
) -> None:
    bundle = Bundle.open(path)
    if not baseline.exists():
        bundles.write_baseline(bundle, baseline)
    servers = list(competitors(Path(path), baseline, arguments.python, arguments.devices))
    # Rotate the order, so that no server always runs first on an idle machine.
    first = index * len(servers) // arguments.rounds
    request = {"conditions": bundles.sample_conditions(bundle), "count": 1}
    for competitor in servers[first:] + servers[:first]:
        _measure_server(competitor, request, results, arguments)


def _measure_server(
    competitor: Competitor,
    request: dict[str, Any],
    results: Results,
    arguments: argparse.Namespace,
) -> None:
    path, most = competitor.path, arguments.connections
    with competitor.start(request) as server:
        for count in arguments.counts:
            value = request | competitor.fields | {"count": count}
            measure(server, path, value, most, _WARM_UP)
            for connections in (1, most):
                metrics = measure(server, path, value, connections, arguments.seconds)
                results.add(competitor.name, competitor.setting, count, connections, metrics)


def _open_graph(name: str, folder: Path) -> Path | str:
    """Return the path of `noop`, `width-N`, a built-in bundle or any bundle."""
    if name == "noop":
        return bundles.write_noop(folder / "noop.onnx")
    if name.startswith("width-"):
        path, width = folder / f"{name}.ganport", int(name.removeprefix("width-"))
        bundles.write_random(path, width, polyphase=True)
        return path
    return name


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", type=Path, required=True, help="Python of the competitors")
    parser.add_argument("--graphs", nargs="+", default=["noop", "starter", "width-64"])
    parser.add_argument("--devices", nargs="+", default=["cpu"], help="devices of ganport")
    parser.add_argument("--counts", nargs="+", type=int, default=[1, 16])
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of one measurement")
    return parser.parse_args()


if __name__ == "__main__":
    main()
