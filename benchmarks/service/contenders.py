"""Who is measured: ours, and each peer at several settings; its best counts for each row."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from service.bare import SETTING, Setting
from service.client import answers
from service.processes import Server, free_port, serving

from ganport_runtime.devices.cpu_count import available_cpu_count

OURS, LITSERVE, MOSEC = "ganport", "LitServe", "mosec"
_PEERS = {LITSERVE: ("litserve_server.py", "/predict"), MOSEC: ("mosec_server.py", "/inference")}


@dataclass(frozen=True)
class Contender:
    """A server at one setting."""

    name: str
    setting: str
    path: str
    """Where it takes requests."""
    extra: dict[str, Any]
    """What its requests say besides conditions, seed and count."""
    command: tuple[str, ...]
    peer: Setting | None = None
    """Without its port."""

    def start(self, request: dict[str, Any]) -> AbstractContextManager[Server]:
        """The server, once it has answered `request`."""
        port = free_port()
        value = request | self.extra | {"seed": 0}
        return serving(
            [part.format(port=port) for part in self.command],
            port,
            lambda: answers(port, self.path, value),
            {SETTING: json.dumps(asdict(self.peer) | {"port": port})} if self.peer else None,
        )


def contenders(bundle: Path, bare: Path, peers: Path) -> Iterator[Contender]:
    """Ours with what it does unasked, then the peers, which `peers`, a Python, runs from `bare`."""
    yield ours(bundle)
    for name in _PEERS:
        for batch, wait, workers in _settings(available_cpu_count()):
            yield _peer(name, peers, bare, batch, wait, workers)


def ours(bundle: Path | str, *options: str, device: str = "cpu") -> Contender:
    """`serve-gan` with a bundle on `device`, and more `options`."""
    command = str(Path(sys.executable).with_name("serve-gan"))
    return Contender(
        OURS,
        "as it comes",
        "/v1/generate",
        {"output": "raw"},
        (command, str(bundle), "--device", device, "--port", "{port}", *options),
    )


def _settings(cores: int) -> list[tuple[int, float, int]]:
    """Batch, wait in seconds and workers: quick alone, merging in one worker, merging in each."""
    return [(1, 0.0, 1), (32, 0.001, 1), (1, 0.0, cores), (32, 0.001, cores)]


def _peer(name: str, python: Path, bare: Path, batch: int, wait: float, workers: int) -> Contender:
    script, path = _PEERS[name]
    threads = max(1, available_cpu_count() // workers)
    merging = f"batch {batch}, wait {1e3 * wait:g} ms" if batch > 1 else "no batch"
    return Contender(
        name,
        f"{merging}, {workers} x {threads} threads",
        path,
        {},
        (str(python), str(Path(__file__).with_name(script))),
        Setting(str(bare), 0, batch, wait, workers, threads),
    )
