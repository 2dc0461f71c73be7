"""What a service tells of itself: its bundles, its health, its figures, its document."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.types import Receive, Scope, Send

from ganport_runtime.service.metrics import MEDIA_TYPE, Meter
from ganport_runtime.service.registry import Served, Shelf
from ganport_runtime.service.responses import answer, answer_json
from ganport_runtime.service.settings import Settings


class Told:
    """A value that stays what it is, as JSON."""

    def __init__(self, value: object) -> None:
        self._value = value

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await answer_json(send, self._value)


class ABundle:
    """`GET /v1/bundles/NAME`."""

    def __init__(self, shelf: Shelf, settings: Settings) -> None:
        self._shelf = shelf
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        served = self._shelf[scope["path_params"]["name"]]
        await answer_json(send, described(served, self._settings))


class Ready:
    """`GET /readyz`: 503 when new requests should go elsewhere, and why."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ready, failing = self._shelf.ready, self._shelf.failing()
        state = "ready" if ready else "failing" if failing else "closing"
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        await answer_json(send, {"status": state, "failing": failing}, status)


class Figures:
    """`GET /metrics`."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, HTTPStatus.OK, [(b"content-type", MEDIA_TYPE)], self._meter.text())


def described(served: Served, settings: Settings) -> Mapping[str, Any]:
    """What a client must know of a bundle: what it can do, and which conditions it takes."""
    generator, manifest = served.generator, served.generator.manifest
    height, width = manifest.image.size
    return {
        "name": served.name,
        "title": manifest.name,
        "version": manifest.version,
        "family": manifest.family,
        "license": manifest.license,
        "digest": generator.bundle.digest,
        "device": generator.device,
        "abilities": served.abilities,
        "image": {"width": width, "height": height},
        "conditions": manifest.conditions.to_json(),
        "max_images": settings.max_images,
    }
