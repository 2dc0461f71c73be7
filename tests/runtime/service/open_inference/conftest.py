"""A service of the tiny bundles at a real port."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from ganport_runtime import Generator
from ganport_runtime.batcher import Batcher
from ganport_runtime.service.app import create_app
from ganport_runtime.service.registry import Served, Shelf
from ganport_runtime.service.settings import Settings

DATA = Path(__file__).parents[2] / "data"
BUNDLES = ("tiny.ganport", "tiny-translator.ganport", "tiny-unconditional.onnx")
SETTINGS = Settings(max_images=16, max_body=1 << 20)


@pytest.fixture(scope="package")
def shelf() -> Iterator[Shelf]:
    generators = {Path(name).stem: Generator.load(DATA / name, "cpu") for name in BUNDLES}
    shelf = Shelf([Served(name, one, Batcher(one)) for name, one in generators.items()])
    yield shelf
    shelf.close(5.0)


@pytest.fixture(scope="package")
def address(shelf: Shelf) -> Iterator[str]:
    """HOST:PORT of the service, as tritonclient takes it."""
    config = uvicorn.Config(create_app(shelf, SETTINGS), log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(10.0)
