"""The ASGI application: routes, middleware and lifespan."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from ganport_runtime.errors import GanportError
from ganport_runtime.service.generate_routes import Generate, GenerationService, Translate
from ganport_runtime.service.inference_routes import inference_routes
from ganport_runtime.service.metrics import MEDIA_TYPE, ServiceMetrics
from ganport_runtime.service.middleware import RequestGuardMiddleware
from ganport_runtime.service.openapi import build_document
from ganport_runtime.service.page import page_routes
from ganport_runtime.service.registry import ModelRegistry, ServedBundle
from ganport_runtime.service.responses import EXPOSED_HEADERS, error_body, json_response
from ganport_runtime.service.schemas import (
    Bundle,
    Bundles,
    Health,
    ImageDescription,
    NoiseDescription,
    Readiness,
)
from ganport_runtime.service.settings import METRICS_VARIABLE, Settings
from ganport_runtime.values import sanitize

_CLOSE_TIMEOUT = 1.0
"""Seconds to close the batchers; the server has already waited for the requests."""
_REFRESH_INTERVAL = 1.0
"""Seconds between updates of the metrics that worker processes share."""
_ALLOWED_HEADERS = ("Authorization", "Content-Type", "X-API-Key", "X-Request-Id")


def create_app(registry: ModelRegistry, settings: Settings) -> Starlette:
    """Return the application for any ASGI server; its shutdown closes the registry."""
    service = GenerationService(registry, settings)
    image_routes: dict[str, ASGIApp] = {
        "/v1/generate": Generate(service),
        "/v1/translate": Translate(service),
    }
    middleware = [Middleware(RequestGuardMiddleware, service=service, fast_routes=image_routes)]
    if settings.origins:
        # Outside the guard, because the preflight request of a browser carries no key.
        cors = Middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST"],
            allow_headers=_ALLOWED_HEADERS,
            expose_headers=EXPOSED_HEADERS,
        )
        middleware.insert(0, cors)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        shares_metrics = METRICS_VARIABLE in os.environ
        refresh = asyncio.create_task(_refresh(service.metrics)) if shares_metrics else None
        try:
            yield
        finally:
            if refresh is not None:
                refresh.cancel()
            service.helpers.close()
            service.encoders.close()
            service.encoder_pool.shutdown(wait=False, cancel_futures=True)
            await asyncio.to_thread(registry.close, _CLOSE_TIMEOUT)

    app = Starlette(
        routes=_routes(service, image_routes),
        middleware=middleware,
        exception_handlers={HTTPException: _http_exception},
        lifespan=lifespan,
    )
    app.state.registry, app.state.metrics = registry, service.metrics
    app.router.redirect_slashes = False  # a redirect would contain the Host of the request
    return app


def describe_bundle(served: ServedBundle, settings: Settings) -> Bundle:
    """Return the description of a bundle: capabilities, image format, conditions and limits."""
    generator, manifest = served.generator, served.generator.manifest
    form = generator.image
    image = ImageDescription(
        form.width, form.height, form.mode, form.pixelated, form.palette, form.alpha_levels
    )
    noise = manifest.noise
    return Bundle(
        name=served.name,
        title=manifest.name,
        version=manifest.version,
        family=manifest.family,
        license=manifest.license,
        digest=generator.bundle.digest,
        device=generator.device,
        abilities=served.capabilities,
        image=image,
        noise=None if noise is None else NoiseDescription(generator.z_shape, noise.temperature),
        conditions=manifest.conditions.to_json(),
        max_images=settings.max_images,
    )


def _routes(service: GenerationService, image_routes: Mapping[str, ASGIApp]) -> list[BaseRoute]:
    registry, settings, metrics = service.registry, service.settings, service.metrics

    async def bundle(request: Request) -> Response:
        served = registry[request.path_params["name"]]
        return json_response(describe_bundle(served, settings))

    async def readiness(request: Request) -> Response:
        ready, failing = registry.ready, registry.unhealthy()
        state = "ready" if ready else "failing" if failing else "closing"
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return json_response(Readiness(state, failing), status)

    async def render_metrics(request: Request) -> Response:
        return Response(metrics.render(), media_type=MEDIA_TYPE)

    @lru_cache(1)
    def bundles(version: int) -> Response:
        return json_response(Bundles([describe_bundle(served, settings) for served in registry]))

    @lru_cache(1)
    def document(version: int) -> Response:
        return json_response(build_document(registry, settings))

    async def list_bundles(request: Request) -> Response:
        return bundles(registry.version)

    async def describe_service(request: Request) -> Response:
        return document(registry.version)

    endpoints: dict[str, Any] = {
        "/v1/bundles": list_bundles,
        "/v1/bundles/{name}": bundle,
        "/healthz": json_response(Health()),
        "/readyz": readiness,
        "/metrics": render_metrics,
        "/openapi.json": describe_service,
    }
    return [
        *(Route(path, endpoint, methods=["POST"]) for path, endpoint in image_routes.items()),
        *(Route(path, endpoint, methods=["GET"]) for path, endpoint in endpoints.items()),
        *inference_routes(service),
        *(page_routes() if settings.page else ()),
    ]


async def _refresh(metrics: ServiceMetrics) -> None:
    while True:
        metrics.refresh()
        await asyncio.sleep(_REFRESH_INTERVAL)


async def _http_exception(request: Request, error: Exception) -> Response:
    """Return the response for an unknown path or method."""
    assert isinstance(error, HTTPException)
    path = request.url.path
    allowed = (error.headers or {}).get("Allow")
    public = GanportError(
        sanitize(path, 200),
        expected=f"the method {allowed}" if allowed else "a path listed by /openapi.json",
        found=sanitize(request.method) if allowed else HTTPStatus(error.status_code).phrase,
        fix="See /openapi.json.",
    )
    body = error_body(public, error.status_code, path)
    return Response(body, error.status_code, error.headers, "application/json")
