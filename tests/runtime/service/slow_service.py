"""A service for tests in its own process: the first seed of a run is its delay in milliseconds."""

from __future__ import annotations

import sys
import time
from typing import Any

from ganport_runtime import Generator
from ganport_runtime.batcher import Batcher
from ganport_runtime.service.registry import ModelRegistry, ServedBundle
from ganport_runtime.service.server import run
from ganport_runtime.service.settings import Settings
from ganport_runtime.service.workers import address_of, listen


class SlowGenerator(Generator):
    def run_rows(self, parts: Any) -> Any:
        time.sleep(parts[0][0].seed_list[0] / 1000)
        return super().run_rows(parts)


def main(bundle: str, shutdown_delay: str, shutdown_timeout: str) -> None:
    def load() -> list[ServedBundle]:
        generator = SlowGenerator.load(bundle, "cpu")
        batcher = Batcher(generator, max_batch=1, stall_timeout=0.5)
        return [ServedBundle("faces", generator, batcher)]

    registry = ModelRegistry(load(), load)
    settings = Settings(
        port=0, shutdown_delay=float(shutdown_delay), shutdown_timeout=float(shutdown_timeout)
    )
    with listen(settings.host, settings.port) as listener:
        address = address_of(listener)
        run(registry, settings, listener, on_ready=lambda: print(address, flush=True))
    print("ended", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
