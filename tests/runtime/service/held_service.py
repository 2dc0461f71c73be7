"""A service whose pictures take as long as they are told to: run by the tests in a process.

The seed of the first picture of a run is how many milliseconds the run takes besides.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from ganport_runtime import Generator
from ganport_runtime.batcher import Batcher
from ganport_runtime.service.registry import Served, Shelf
from ganport_runtime.service.server import address_of, listen, run
from ganport_runtime.service.settings import Settings


class SlowGenerator(Generator):
    def run_rows(self, parts: Any) -> Any:
        time.sleep(parts[0][0].seeds[0] / 1000)
        return super().run_rows(parts)


def main(bundle: str, notice: str, drain: str) -> None:
    generator = SlowGenerator.load(bundle, "cpu")
    shelf = Shelf([Served("faces", generator, Batcher(generator, max_batch=1, stall_timeout=0.5))])
    settings = Settings(port=0, notice=float(notice), drain=float(drain))
    with listen(settings.host, settings.port) as listener:
        address = address_of(listener)
        run(shelf, settings, listener, started=lambda: print(address, flush=True))
    print("ended", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
