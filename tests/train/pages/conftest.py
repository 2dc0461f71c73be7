"""Clients of local pages: called through ASGI, as a browser of this machine would."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

ORIGIN = "http://127.0.0.1:8000"


class PageClient:
    """A client of an application, with the headers of its own page unless others are given."""

    def __init__(self, app: Starlette) -> None:
        self._app = app

    def get(self, path: str, **options: Any) -> httpx.Response:
        return asyncio.run(self._request("GET", path, **options))

    def post(self, path: str, body: Any, **options: Any) -> httpx.Response:
        options = {"headers": {"origin": ORIGIN}} | options
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        return asyncio.run(self._request("POST", path, **content, **options))

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return asyncio.run(self._request(method, path, **options))

    async def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            return await client.request(method, path, **options)


@pytest.fixture(scope="session")
def client_of() -> type[PageClient]:
    return PageClient
