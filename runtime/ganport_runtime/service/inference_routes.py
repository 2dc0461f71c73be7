"""The routes of the Open Inference Protocol, version 2, under /v2."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from importlib.metadata import version
from time import perf_counter
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ganport_runtime.batcher import GenerationResult
from ganport_runtime.errors import RequestError
from ganport_runtime.generation.request import EncodedRequest
from ganport_runtime.service.inference_messages import (
    LENGTH_HEADER,
    InferenceMessage,
    InferenceRequest,
    Live,
    ModelReady,
    Ready,
    ServerMetadata,
    decode_message,
    encode_response,
)
from ganport_runtime.service.inference_model import InferenceModel
from ganport_runtime.service.metrics import ServiceMetrics
from ganport_runtime.service.registry import ModelRegistry, ServedBundle
from ganport_runtime.service.requests import (
    DisconnectGuard,
    media_type_of,
    read_body,
    remaining_time,
    unsupported_type,
)
from ganport_runtime.service.responses import (
    MediaTypeError,
    UnknownBundleError,
    json_response,
    result_headers,
    send_response,
)
from ganport_runtime.service.settings import Settings
from ganport_runtime.values import repr_short

_MEDIA_TYPES = ("", "application/json", "application/octet-stream")
"""Accepted content types; tritonclient sends none."""
_INLINE_BYTES = 1 << 16
"""Bytes that are converted on the event loop; more would delay other requests."""
Result = TypeVar("Result")


def inference_routes(
    registry: ModelRegistry, settings: Settings, metrics: ServiceMetrics
) -> list[Route]:
    """Return the routes for health, metadata and inference of every bundle."""
    context = _Context(registry, settings, metrics)
    server = ServerMetadata("ganport", version("ganport"), ["binary_tensor_data"])
    routes = [
        Route("/v2", json_response(server), methods=["GET"]),
        Route("/v2/health/live", json_response(Live(True)), methods=["GET"]),
        Route("/v2/health/ready", context.ready, methods=["GET"]),
    ]
    for path in ("/v2/models/{name}", "/v2/models/{name}/versions/{version}"):
        routes += [
            Route(path, context.model_metadata, methods=["GET"]),
            Route(f"{path}/ready", context.model_ready, methods=["GET"]),
            Route(f"{path}/infer", _Infer(context), methods=["POST"]),
        ]
    return routes


class _Context:
    """The shared parts of the routes, and the routes without a body."""

    def __init__(
        self, registry: ModelRegistry, settings: Settings, metrics: ServiceMetrics
    ) -> None:
        self.registry = registry
        self.settings = settings
        self.metrics = metrics
        self._models = {served.name: InferenceModel(served) for served in registry}

    def find(self, parameters: Mapping[str, str]) -> tuple[ServedBundle, InferenceModel]:
        """Return the bundle and the model of a path; raises `UnknownBundleError`."""
        served = self.registry[parameters["name"]]
        model = self._models[served.name]
        requested = parameters.get("version", model.version)
        if requested != model.version:
            raise UnknownBundleError("version", model.version, repr_short(requested), "Remove it.")
        return served, model

    async def ready(self, request: Request) -> Response:
        ready = self.registry.ready
        return json_response(Ready(ready), _ready_status(ready))

    async def model_ready(self, request: Request) -> Response:
        served, model = self.find(request.path_params)
        ready = served.batcher.healthy()
        return json_response(ModelReady(model.name, ready), _ready_status(ready))

    async def model_metadata(self, request: Request) -> Response:
        return json_response(self.find(request.path_params)[1].metadata())


class _Infer:
    """`POST /v2/models/NAME/infer`: images of input tensors."""

    def __init__(self, context: _Context) -> None:
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = perf_counter()
        headers = dict(scope["headers"])
        _check_media_type(headers)
        served, model = self._context.find(scope["path_params"])
        served.batcher.check_capacity()
        body = await read_body(receive, self._context.settings.timeout)
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
        return message, model.prepare(message, self._context.settings.max_images)

    def _time_limit(self, request: InferenceRequest) -> float:
        """Return the time limit in seconds; the parameter is in microseconds (Triton)."""
        settings = self._context.settings
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
        self._context.metrics.record_result(model.name, result, encode_seconds)
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
