"""Services of the tiny bundles: called through ASGI, at a real port, and in a process."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from ganport_runtime import Generator
from ganport_runtime.batcher import Batcher
from ganport_runtime.service.app import create_app
from ganport_runtime.service.registry import ModelRegistry, ServedBundle
from ganport_runtime.service.settings import Settings

BUNDLES = {"faces": "tiny.ganport", "changer": "tiny-translator.ganport"}
INFERENCE_BUNDLES = ("tiny.ganport", "tiny-translator.ganport", "tiny-unconditional.onnx")
INFERENCE_SETTINGS = Settings(max_images=16, max_body=1 << 20)
SLOW_SERVICE = Path(__file__).with_name("slow_service.py")


class ASGIClient:
    """A client that calls an application, each time in a new event loop."""

    def __init__(self, app: Starlette) -> None:
        self.app = app

    def __call__(self, method: str, path: str, **options: Any) -> httpx.Response:
        return asyncio.run(self._request(method, path, **options))

    def generate(self, **fields: Any) -> httpx.Response:
        return self("POST", "/v1/generate", json={"bundle": "faces"} | fields)

    async def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, **options)


class ServiceProcess:
    """A running `slow_service.py`: the seed of a request is its delay in milliseconds."""

    def __init__(self, process: Any, address: str) -> None:
        self.process = process
        self.client = httpx.Client(base_url=address, timeout=30.0)
        self.port = int(address.rpartition(":")[2])

    def generate(self, milliseconds: int, **fields: Any) -> httpx.Response:
        return self.client.post("/v1/generate", json={"seed": milliseconds} | fields)

    def metric(self, name: str) -> float:
        lines = self.client.get("/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    def start_run(self, milliseconds: int) -> tuple[threading.Thread, list[httpx.Response]]:
        """Request an image in a thread and return when its run has started."""
        responses: list[httpx.Response] = []
        thread = threading.Thread(target=lambda: responses.append(self.generate(milliseconds)))
        thread.start()
        self.wait_until(lambda: self.metric("ganport_running_images{") == 1)
        return thread, responses

    @staticmethod
    def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.02)


class BlockingGenerator(Generator):
    """A generator whose runs wait for `gate`."""

    gate: threading.Event

    def run_rows(self, parts: Any) -> Any:
        self.gate.wait(30.0)
        return super().run_rows(parts)


def registry_of(generators: dict[str, Generator], **options: Any) -> ModelRegistry:
    return ModelRegistry(
        [
            ServedBundle(name, generator, Batcher(generator, **options))
            for name, generator in generators.items()
        ]
    )


@pytest.fixture(scope="session")
def make_client() -> type[ASGIClient]:
    return ASGIClient


@pytest.fixture(scope="session")
def generators(data: Path) -> dict[str, Generator]:
    return {name: Generator.load(data / file, "cpu") for name, file in BUNDLES.items()}


@pytest.fixture
def registry(generators: dict[str, Generator]) -> Iterator[ModelRegistry]:
    """Yield a registry that a test may close."""
    registry = registry_of(generators)
    yield registry
    registry.close(5.0)


@pytest.fixture
def blocking_registry(data: Path) -> Iterator[ModelRegistry]:
    """Yield a registry whose only bundle, `faces`, waits for its gate; its queue holds 8 images."""
    generator = BlockingGenerator.load(data / BUNDLES["faces"], "cpu")
    generator.gate = threading.Event()
    registry = registry_of({"faces": generator}, max_queue=8, stall_timeout=0.2)
    yield registry
    generator.gate.set()
    registry.close(5.0)


@pytest.fixture(scope="session")
def client(generators: dict[str, Generator]) -> Iterator[ASGIClient]:
    """Yield the client of a service that all tests share."""
    registry = registry_of(generators)
    settings = Settings(max_images=16, max_body=1 << 16, max_pixels=64 * 64)
    yield ASGIClient(create_app(registry, settings))
    registry.close(5.0)


@pytest.fixture(scope="session")
def inference_registry(data: Path) -> Iterator[ModelRegistry]:
    files = {Path(name).stem: data / name for name in INFERENCE_BUNDLES}
    registry = registry_of({name: Generator.load(file, "cpu") for name, file in files.items()})
    yield registry
    registry.close(5.0)


@pytest.fixture(scope="session")
def address(inference_registry: ModelRegistry) -> Iterator[str]:
    """HOST:PORT of a service of `inference_registry`."""
    app = create_app(inference_registry, INFERENCE_SETTINGS)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(10.0)


@pytest.fixture(scope="session")
def run_service() -> Callable[..., AbstractContextManager[ServiceProcess]]:
    """Return a function that runs `slow_service.py` with a bundle."""

    @contextmanager
    def run(
        bundle: Path, *, shutdown_delay: float = 0.0, shutdown_timeout: float = 20.0
    ) -> Iterator[ServiceProcess]:
        command = [sys.executable, SLOW_SERVICE, bundle, str(shutdown_delay), str(shutdown_timeout)]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen(command, **pipes) as process:
            try:
                service = ServiceProcess(process, process.stdout.readline().strip())
                with service.client:
                    yield service
            finally:
                process.kill()

    return run
