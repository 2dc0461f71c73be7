"""The routes of the Open Inference Protocol, version 2, under /v2."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from time import perf_counter
from typing import TypeVar

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ganport_runtime.batcher import GenerationResult
from ganport_runtime.errors import RequestError
from ganport_runtime.generation.request import EncodedRequest
from ganport_runtime.service.inference_messages import (
    LENGTH_HEADER,
    InferenceMessage,
    InferenceRequest,
    decode_message,
    encode_response,
)
from ganport_runtime.service.inference_model import InferenceModel
from ganport_runtime.service.metrics import ServiceMetrics
from ganport_runtime.service.registry import ModelRegistry, ServedBundle
from ganport_runtime.service.requests import media_type_of, read_body, unsupported_type
from ganport_runtime.service.responses import (
    MediaTypeError,
    StaticJSON,
    UnknownBundleError,
    result_headers,
    send_json,
    send_response,
)
from ganport_runtime.service.settings import Settings
from ganport_runtime.service.timeouts import DisconnectGuard, remaining_time
from ganport_runtime.values import repr_short

_MEDIA_TYPES = ("", "application/json", "application/octet-stream")
"""Accepted content types; tritonclient sends none."""
_INLINE_BYTES = 1 << 16
"""Bytes that are converted on the event loop; more would delay other requests."""
_EXTENSIONS = ["binary_tensor_data"]
Result = TypeVar("Result")


def inference_routes(
    registry: ModelRegistry, settings: Settings, metrics: ServiceMetrics
) -> list[Route]:
    """Return the routes for health, metadata and inference of every bundle."""
    models = {served.name: InferenceModel(served) for served in registry}
    context = _Context(registry, settings, metrics, models)
    server = {"name": "ganport", "version": version("ganport"), "extensions": _EXTENSIONS}
    routes = [
        Route("/v2", StaticJSON(server), methods=["GET"]),
        Route("/v2/health/live", StaticJSON({"live": True}), methods=["GET"]),
        Route("/v2/health/ready", _Ready(context), methods=["GET"]),
    ]
    for path in ("/v2/models/{name}", "/v2/models/{name}/versions/{version}"):
        routes += [
            Route(path, _Metadata(context), methods=["GET"]),
            Route(f"{path}/ready", _ModelReady(context), methods=["GET"]),
            Route(f"{path}/infer", _Infer(context), methods=["POST"]),
        ]
    return routes


@dataclass(frozen=True)
class _Context:
    """The shared parts of the routes."""

    registry: ModelRegistry
    settings: Settings
    metrics: ServiceMetrics
    models: Mapping[str, InferenceModel]

    def find(self, scope: Scope) -> tuple[ServedBundle, InferenceModel]:
        """Return the bundle and the model of a path; raises `UnknownBundleError`."""
        parameters = scope["path_params"]
        served = self.registry[parameters["name"]]
        model = self.models[served.name]
        requested = parameters.get("version", model.version)
        if requested != model.version:
            raise UnknownBundleError("version", model.version, repr_short(requested), "Remove it.")
        return served, model


@dataclass(frozen=True)
class _Ready:
    """Readiness of the service."""

    context: _Context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ready = self.context.registry.ready
        await send_json(send, {"ready": ready}, _ready_status(ready))


@dataclass(frozen=True)
class _ModelReady:
    """Readiness of one bundle."""

    context: _Context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        served, model = self.context.find(scope)
        ready = served.batcher.healthy()
        await send_json(send, {"name": model.name, "ready": ready}, _ready_status(ready))


@dataclass(frozen=True)
class _Metadata:
    """The tensors of one bundle."""

    context: _Context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _, model = self.context.find(scope)
        await send_json(send, model.metadata())


@dataclass(frozen=True)
class _Infer:
    """Images of input tensors."""

    context: _Context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = perf_counter()
        headers = dict(scope["headers"])
        _check_media_type(headers)
        served, model = self.context.find(scope)
        served.batcher.check_capacity()
        body = await read_body(receive, self.context.settings.timeout)
        message, encoded = await _run_maybe_threaded(
            lambda: self._prepare(model, body, headers), len(body)
        )
        seconds = remaining_time(self._time_limit(message.request), start)
        async with DisconnectGuard(receive, seconds):
            result = await served.batcher.asubmit(encoded, timeout=seconds)
            await self._respond(message.request, model, result, send)

    def _prepare(
        self, model: InferenceModel, body: bytes, headers: Mapping[bytes, bytes]
    ) -> tuple[InferenceMessage, EncodedRequest]:
        length = headers.get(LENGTH_HEADER.encode())
        message = decode_message(body, None if length is None else length.decode("latin-1"))
        return message, model.prepare(message, self.context.settings.max_images)

    def _time_limit(self, request: InferenceRequest) -> float:
        """Return the time limit in seconds; the parameter is in microseconds (Triton)."""
        settings = self.context.settings
        timeout = request.parameters.get("timeout")
        if timeout is None:
            return settings.timeout
        maximum = round(settings.max_timeout * 1e6)
        if type(timeout) is not int or not 0 < timeout <= maximum:
            expected = f"an integer number of microseconds from 1 to {maximum}"
            fix = "Choose a timeout in that range."
            raise RequestError("timeout", expected, repr_short(timeout), fix)
        return timeout / 1e6

    async def _respond(
        self,
        request: InferenceRequest,
        model: InferenceModel,
        result: GenerationResult,
        send: Send,
    ) -> None:
        start = perf_counter()
        images = result.images
        body = await _run_maybe_threaded(
            lambda: encode_response(request, model.name, model.version, images), images.nbytes
        )
        encode_seconds = perf_counter() - start
        self.context.metrics.record_result(model.name, result, encode_seconds)
        headers = result_headers(result, body.media_type, encode_seconds, body.headers)
        await send_response(send, HTTPStatus.OK, headers, body.data)


async def _run_maybe_threaded(work: Callable[[], Result], size: int) -> Result:
    """Return the result of `work` on `size` bytes; a large `work` runs in a thread."""
    return work() if size <= _INLINE_BYTES else await asyncio.to_thread(work)


def _ready_status(ready: bool) -> HTTPStatus:
    return HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE


def _check_media_type(headers: Mapping[bytes, bytes]) -> None:
    # A web page may send forms and plain text to any origin without a preflight request.
    if (found := media_type_of(headers)) not in _MEDIA_TYPES:
        raise unsupported_type(found, "application/json or application/octet-stream")
    coding = headers.get(b"content-encoding", b"identity").decode("latin-1")
    if coding != "identity":
        fix = "Send the body without compression."
        raise MediaTypeError("Content-Encoding", "identity", repr_short(coding), fix)
