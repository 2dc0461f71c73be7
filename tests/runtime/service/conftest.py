"""The tiny bundles on a shelf, asked over ASGI without a port between."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from ganport_runtime import Generator
from ganport_runtime.batcher import Batcher
from ganport_runtime.service.app import create_app
from ganport_runtime.service.registry import Served, Shelf
from ganport_runtime.service.settings import Settings

BUNDLES = {"faces": "tiny.ganport", "changer": "tiny-translator.ganport"}


class Asker:
    """Sends requests to an application, each in an event loop of its own."""

    def __init__(self, app: Starlette) -> None:
        self.app = app

    def __call__(self, method: str, path: str, **options: Any) -> httpx.Response:
        return asyncio.run(self._ask(method, path, **options))

    def generate(self, **fields: Any) -> httpx.Response:
        return self("POST", "/v1/generate", json={"bundle": "faces"} | fields)

    async def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, **options)


@pytest.fixture(scope="session")
def generators(data: Path) -> dict[str, Generator]:
    return {name: Generator.load(data / file, "cpu") for name, file in BUNDLES.items()}


class HeldGenerator(Generator):
    """Draws nothing until it is let go."""

    let_go: threading.Event

    def run_rows(self, parts: Any) -> Any:
        self.let_go.wait(30.0)
        return super().run_rows(parts)


def shelf_of(generators: dict[str, Generator], **options: Any) -> Shelf:
    return Shelf([Served(name, one, Batcher(one, **options)) for name, one in generators.items()])


@pytest.fixture
def asker() -> type[Asker]:
    return Asker


@pytest.fixture
def held(data: Path) -> Iterator[Shelf]:
    """A shelf whose one bundle, `faces`, is held; at most 8 pictures wait for it."""
    generator = HeldGenerator.load(data / BUNDLES["faces"], "cpu")
    generator.let_go = threading.Event()
    shelf = shelf_of({"faces": generator}, max_queue=8, stall_timeout=0.2)
    yield shelf
    generator.let_go.set()
    shelf.close(5.0)


@pytest.fixture
def tiny_shelf(generators: dict[str, Generator]) -> Iterator[Shelf]:
    """A shelf that a test may close."""
    shelf = shelf_of(generators)
    yield shelf
    shelf.close(5.0)


@pytest.fixture(scope="session")
def ask(generators: dict[str, Generator]) -> Iterator[Asker]:
    """A service that all tests share."""
    shelf = shelf_of(generators)
    yield Asker(create_app(shelf, Settings(max_images=16, max_body=1 << 16, max_pixels=64 * 64)))
    shelf.close(5.0)
