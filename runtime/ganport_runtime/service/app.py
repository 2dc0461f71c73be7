"""The service as an ASGI application."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from ganport_runtime.errors import GanportError
from ganport_runtime.service.auth import Keys
from ganport_runtime.service.generate_routes import Generate, Translate
from ganport_runtime.service.generation_service import EXPOSED, Studio
from ganport_runtime.service.info_routes import (
    ABundle,
    Figures,
    Ready,
    Told,
    described,
)
from ganport_runtime.service.metrics import FOLDER_VARIABLE, Meter
from ganport_runtime.service.middleware import Front
from ganport_runtime.service.open_inference import routes as protocol_routes
from ganport_runtime.service.openapi import document
from ganport_runtime.service.registry import Shelf
from ganport_runtime.service.responses import error_body
from ganport_runtime.service.settings import Settings
from ganport_runtime.values import sanitize

# By the time a server lets go of an application no request is left that could be waited for.
_LAST_RUN = 1.0
# How often a process leaves its figures for the others of the same service.
_TICK = 1.0
_MAY_SEND = ("Authorization", "Content-Type", "X-API-Key", "X-Request-Id")


def create_app(shelf: Shelf, settings: Settings) -> Starlette:
    """The application that serves `shelf`, for any ASGI server; it closes the shelf at its end."""
    meter = Meter(shelf)
    studio = Studio(shelf, settings, meter)
    drawing: dict[str, ASGIApp] = {
        "/v1/generate": Generate(studio),
        "/v1/translate": Translate(studio),
    }
    app = Starlette(
        routes=_routes(studio, meter, drawing),
        middleware=_middleware(settings, meter, drawing),
        exception_handlers={HTTPException: _unrouted},
        lifespan=_life(studio, meter),
    )
    app.state.shelf = shelf
    return app


def _routes(studio: Studio, meter: Meter, drawing: Mapping[str, ASGIApp]) -> list[BaseRoute]:
    shelf, settings = studio.shelf, studio.settings
    bundles = [described(served, settings) for served in shelf]
    return [
        *(Route(path, endpoint, methods=["POST"]) for path, endpoint in drawing.items()),
        Route("/v1/bundles", Told({"bundles": bundles}), methods=["GET"]),
        Route("/v1/bundles/{name}", ABundle(shelf, settings), methods=["GET"]),
        Route("/healthz", Told({"status": "alive"}), methods=["GET"]),
        Route("/readyz", Ready(shelf), methods=["GET"]),
        Route("/metrics", Figures(meter), methods=["GET"]),
        Route("/openapi.json", Told(document(shelf, settings)), methods=["GET"]),
        *protocol_routes(shelf, settings, meter),
    ]


def _middleware(
    settings: Settings, meter: Meter, drawing: Mapping[str, ASGIApp]
) -> list[Middleware]:
    front = Middleware(
        Front,
        direct=drawing,
        keys=Keys(settings.keys),
        max_body=settings.max_body,
        meter=meter,
    )
    if not settings.origins:
        return [front]
    # Outside the front: a browser asks without a key whether it may ask with one.
    cors = Middleware(
        CORSMiddleware,
        allow_origins=settings.origins,
        allow_methods=["GET", "POST"],
        allow_headers=_MAY_SEND,
        expose_headers=EXPOSED,
    )
    return [cors, front]


def _life(studio: Studio, meter: Meter) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        clock = asyncio.create_task(_refresh(meter)) if FOLDER_VARIABLE in os.environ else None
        try:
            yield
        finally:
            if clock is not None:
                clock.cancel()
            studio.pool.shutdown(wait=False, cancel_futures=True)
            await asyncio.to_thread(studio.shelf.close, _LAST_RUN)

    return life


async def _refresh(meter: Meter) -> None:
    while True:
        meter.refresh()
        await asyncio.sleep(_TICK)


async def _unrouted(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path
    allowed = (error.headers or {}).get("Allow")
    shown = GanportError(
        sanitize(path, 200),
        expected=f"the method {allowed}" if allowed else "a path that /openapi.json lists",
        found=sanitize(request.method) if allowed else HTTPStatus(error.status_code).phrase,
        fix="See /openapi.json.",
    )
    body = error_body(shown, error.status_code, path)
    return Response(body, error.status_code, error.headers, "application/json")
