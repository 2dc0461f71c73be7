"""The measured servers: ganport, and each competitor at several settings."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from service.asgi_baseline import SETTINGS_VARIABLE, ServerSettings
from service.client import responds
from service.processes import ServerProcess, find_free_port, run_server

from ganport_runtime.devices.onnxruntime_session import available_cpu_count

GANPORT, LITSERVE, MOSEC = "ganport", "LitServe", "mosec"
_SCRIPTS = {LITSERVE: ("litserve_server.py", "/predict"), MOSEC: ("mosec_server.py", "/inference")}


@dataclass(frozen=True)
class Competitor:
    """A server at one setting.

    `path` is its route for images; `fields` are its request fields in addition to conditions, seed
    and count. The port in `settings` is ignored.
    """

    name: str
    setting: str
    path: str
    fields: dict[str, Any]
    command: tuple[str, ...]
    settings: ServerSettings | None = None

    def start(self, request: dict[str, Any]) -> AbstractContextManager[ServerProcess]:
        """Start the server and wait until it responds to `request`."""
        port = find_free_port()
        value = request | self.fields | {"seed": 0}
        environment = {}
        if self.settings:
            environment[SETTINGS_VARIABLE] = json.dumps(asdict(self.settings) | {"port": port})
        return run_server(
            [part.format(port=port) for part in self.command],
            port,
            lambda: responds(port, self.path, value),
            environment,
        )


def competitors(
    bundle: Path, baseline: Path, python: Path, devices: Sequence[str]
) -> Iterator[Competitor]:
    """Yield ganport on each device, with one process and with one per core, then the others.

    `python` runs the others from the folder `baseline`.
    """
    cores = available_cpu_count()
    for device in devices:
        yield ganport_server(bundle, device=device)
        if cores > 1:
            yield ganport_server(bundle, "--workers", str(cores), device=device)
    for name in _SCRIPTS:
        for max_batch, batch_wait, workers in _settings(available_cpu_count()):
            yield _competitor(name, python, baseline, max_batch, batch_wait, workers)


def ganport_server(bundle: Path | str, *options: str, device: str = "cpu") -> Competitor:
    """Return `serve-gan` with a bundle, a device and further `options`."""
    # In the folder of the interpreter, or where `pip install --target` wrote it.
    folders = (str(Path(sys.executable).parent), os.environ.get("PATH", ""))
    command = shutil.which("serve-gan", path=os.pathsep.join(folders))
    if command is None:
        raise RuntimeError("the command serve-gan is not installed")
    named = () if device == "cpu" else (f"--device {device}",)
    return Competitor(
        GANPORT,
        " ".join((*named, *options)) or "defaults",
        "/v1/generate",
        {"output": "raw"},
        (command, str(bundle), "--device", device, "--port", "{port}", *options),
    )


def _settings(cores: int) -> list[tuple[int, float, int]]:
    """Return max_batch, batch_wait and workers: with and without batching, one or all cores."""
    return [(1, 0.0, 1), (32, 0.001, 1), (1, 0.0, cores), (32, 0.001, cores)]


def _competitor(
    name: str, python: Path, baseline: Path, max_batch: int, batch_wait: float, workers: int
) -> Competitor:
    script, path = _SCRIPTS[name]
    threads = max(1, available_cpu_count() // workers)
    batching = f"batch {max_batch}, wait {1e3 * batch_wait:g} ms" if max_batch > 1 else "no batch"
    return Competitor(
        name,
        f"{batching}, {workers} x {threads} threads",
        path,
        {},
        (str(python), str(Path(__file__).with_name(script))),
        ServerSettings(str(baseline), 0, max_batch, batch_wait, workers, threads),
    )
