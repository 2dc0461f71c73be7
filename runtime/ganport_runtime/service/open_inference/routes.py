"""The routes under /v2."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from time import perf_counter
from typing import Any, TypeVar

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ganport_runtime.batcher import GenerationResult
from ganport_runtime.errors import RequestError
from ganport_runtime.generation.request import EncodedRequest
from ganport_runtime.service.errors import MediaTypeError, UnknownBundleError
from ganport_runtime.service.generation_service import drawn_headers
from ganport_runtime.service.info_routes import Told
from ganport_runtime.service.metrics import Meter
from ganport_runtime.service.open_inference.messages import (
    LENGTH_HEADER,
    InferenceRequest,
    Message,
    message_of,
)
from ganport_runtime.service.open_inference.models import Model
from ganport_runtime.service.open_inference.responses import reply_to
from ganport_runtime.service.registry import Served, Shelf
from ganport_runtime.service.request_body import media_type_of, read_body, unknown_type
from ganport_runtime.service.responses import answer, answer_json
from ganport_runtime.service.settings import Settings
from ganport_runtime.service.timeouts import Watch, left_of
from ganport_runtime.values import repr_short

# tritonclient gives its bodies no type at all.
_TYPES = ("", "application/json", "application/octet-stream")
# Bytes that are turned over between two other requests without one noticing.
_SMALL = 1 << 16
_EXTENSIONS = ["binary_tensor_data"]
Result = TypeVar("Result")


def routes(shelf: Shelf, settings: Settings, meter: Meter) -> list[Route]:
    """Health, metadata and inference of every bundle; what is drawn is counted by `meter`."""
    models = {served.name: Model(served) for served in shelf}
    kept = _Kept(shelf, settings, meter, models)
    model = "/v2/models/{name}"
    versioned = f"{model}/versions/{{version}}"
    return [
        Route("/v2", Told(_server()), methods=["GET"]),
        Route("/v2/health/live", Told({"live": True}), methods=["GET"]),
        Route("/v2/health/ready", _Ready(kept), methods=["GET"]),
        *(Route(path, _Metadata(kept), methods=["GET"]) for path in (model, versioned)),
        *(
            Route(f"{path}/ready", _ModelReady(kept), methods=["GET"])
            for path in (model, versioned)
        ),
        *(Route(f"{path}/infer", _Infer(kept), methods=["POST"]) for path in (model, versioned)),
    ]


@dataclass(frozen=True)
class _Kept:
    """What the routes share."""

    shelf: Shelf
    settings: Settings
    meter: Meter
    models: Mapping[str, Model]

    def find(self, scope: Scope) -> tuple[Served, Model]:
        """The bundle and model a path names; raises `UnknownBundleError`."""
        named = scope["path_params"]
        served = self.shelf[named["name"]]
        model = self.models[served.name]
        asked = named.get("version", model.version)
        if asked != model.version:
            raise UnknownBundleError(
                "version", expected=model.version, found=repr_short(asked), fix="Leave it out."
            )
        return served, model


@dataclass(frozen=True)
class _Ready:
    """Whether every bundle can be drawn, and requests are still taken."""

    kept: _Kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ready = self.kept.shelf.ready
        await answer_json(send, {"ready": ready}, _status(ready))


@dataclass(frozen=True)
class _ModelReady:
    """Whether one bundle can be drawn."""

    kept: _Kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        served, model = self.kept.find(scope)
        ready = served.batcher.healthy()
        await answer_json(send, {"name": model.name, "ready": ready}, _status(ready))


@dataclass(frozen=True)
class _Metadata:
    """Which tensors a bundle takes and gives."""

    kept: _Kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await answer_json(send, self.kept.find(scope)[1].metadata())


@dataclass(frozen=True)
class _Infer:
    """Pictures of tensors."""

    kept: _Kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = perf_counter()
        headers = dict(scope["headers"])
        _check_type(headers)
        served, model = self.kept.find(scope)
        served.batcher.check_capacity()
        body = await read_body(receive, self.kept.settings.timeout)
        message, job = await _aside(lambda: self._asked(model, body, headers), len(body))
        left = left_of(self._seconds(message.request), start)
        with Watch(receive, left):
            drawn = await served.batcher.asubmit(job, timeout=left)
            await self._reply(message.request, model, drawn, send)

    def _asked(
        self, model: Model, body: bytes, headers: Mapping[bytes, bytes]
    ) -> tuple[Message, EncodedRequest]:
        length = headers.get(LENGTH_HEADER.encode())
        message = message_of(body, None if length is None else length.decode("latin-1"))
        return message, model.job(message, self.kept.settings.max_images)

    def _seconds(self, request: InferenceRequest) -> float:
        """The time a request gives itself, in microseconds as Triton has it, or the usual."""
        settings = self.kept.settings
        asked = request.parameters.get("timeout")
        if asked is None:
            return settings.timeout
        most = round(settings.max_timeout * 1e6)
        if type(asked) is not int or not 0 < asked <= most:
            expected = f"an integer of microseconds from 1 to {most}"
            fix = "Ask for a time in that range."
            raise RequestError("timeout", expected=expected, found=repr_short(asked), fix=fix)
        return asked / 1e6

    async def _reply(
        self, request: InferenceRequest, model: Model, drawn: GenerationResult, send: Send
    ) -> None:
        start = perf_counter()
        images = drawn.images
        encoded = await _aside(lambda: reply_to(request, model, images), images.nbytes)
        spent = perf_counter() - start
        self.kept.meter.drawn(model.name, drawn, spent)
        await answer(send, HTTPStatus.OK, drawn_headers(drawn, encoded, spent), encoded.body)


def _server() -> dict[str, Any]:
    return {"name": "ganport", "version": version("ganport"), "extensions": _EXTENSIONS}


async def _aside(work: Callable[[], Result], size: int) -> Result:
    """The result of `work` on `size` bytes; in a thread if others would have to wait for it."""
    return work() if size <= _SMALL else await asyncio.to_thread(work)


def _status(ready: bool) -> HTTPStatus:
    return HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE


def _check_type(headers: Mapping[bytes, bytes]) -> None:
    # Forms and plain text are what a web page may send anywhere without asking.
    if (found := media_type_of(headers)) not in _TYPES:
        raise unknown_type(found, "application/json or application/octet-stream")
    coding = headers.get(b"content-encoding", b"identity").decode("latin-1")
    if coding != "identity":
        fix = "Send the body as it is."
        raise MediaTypeError(
            "Content-Encoding", expected="identity", found=repr_short(coding), fix=fix
        )
