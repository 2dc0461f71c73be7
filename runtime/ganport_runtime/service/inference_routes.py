"""The routes of the Open Inference Protocol, version 2, under /v2."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from importlib.metadata import version
from time import perf_counter
from weakref import WeakKeyDictionary

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ganport_runtime.batcher import GenerationResult
from ganport_runtime.errors import RequestError
from ganport_runtime.service.bodies import media_type_of, unsupported_type
from ganport_runtime.service.generate_routes import GenerationService
from ganport_runtime.service.inference_messages import (
    IMAGE_OUTPUT,
    LENGTH_HEADER,
    InferenceRequest,
    Live,
    ModelReady,
    Ready,
    ServerMetadata,
    encode_buffer,
    encode_response,
)
from ganport_runtime.service.inference_model import InferenceModel, ParsedRequest, parse_request
from ganport_runtime.service.outputs import ResponseBody
from ganport_runtime.service.registry import ModelRegistry, ServedBundle
from ganport_runtime.service.requests import DisconnectGuard, is_quick_to_parse, remaining_time
from ganport_runtime.service.responses import (
    MediaTypeError,
    UnknownBundleError,
    json_response,
    result_headers,
    send_response,
)
from ganport_runtime.service.settings import MAX_JSON_BYTES
from ganport_runtime.values import repr_short

_MEDIA_TYPES = ("", "application/json", "application/octet-stream")
"""Accepted content types; tritonclient sends none."""
_INLINE_BYTES = 1 << 16
"""Bytes of images that are encoded on the event loop; more would delay other requests."""
_BYTES_PER_NUMBER = 64
"""Bytes of a number in JSON at most, with the spaces around it."""


def inference_routes(service: GenerationService) -> list[Route]:
    """Return the routes for health, metadata and inference of every bundle."""
    context = _Context(service.registry)
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
            Route(f"{path}/infer", _Infer(context, service), methods=["POST"]),
        ]
    return routes


class _Context:
    """The models, and the routes without a body."""

    def __init__(self, registry: ModelRegistry) -> None:
        self.registry = registry
        self._models: WeakKeyDictionary[ServedBundle, InferenceModel] = WeakKeyDictionary()

    def find(self, parameters: Mapping[str, str]) -> tuple[ServedBundle, InferenceModel]:
        """Return the bundle and the model of a path; raises `UnknownBundleError`."""
        served = self.registry[parameters["name"]]
        model = self._models.get(served)
        if model is None:  # the bundle is new
            self._models[served] = model = InferenceModel(served)
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

    def __init__(self, context: _Context, service: GenerationService) -> None:
        self._context = context
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = perf_counter()
        headers = dict(scope["headers"])
        _check_media_type(headers)
        service = self._service
        served, model = self._context.find(scope["path_params"])
        served.batcher.check_capacity()
        parsed = await self._read(model, receive, headers)
        encoded = model.prepare(parsed)
        seconds = remaining_time(self._time_limit(parsed.request), start)
        async with DisconnectGuard(receive, seconds):
            if parsed.texts is not None:
                encoded = await service.encode_conditions(served, encoded, parsed.texts)
            result = await served.batcher.asubmit(encoded, timeout=seconds)
            await self._respond(parsed.request, model, result, send)

    async def _read(
        self, model: InferenceModel, receive: Receive, headers: Mapping[bytes, bytes]
    ) -> ParsedRequest:
        settings = self._service.settings
        max_numbers = model.max_numbers(settings.max_images)
        largest = min(settings.max_body, MAX_JSON_BYTES + _BYTES_PER_NUMBER * max_numbers)
        length = headers.get(LENGTH_HEADER.encode())
        json_length = None if length is None else length.decode("latin-1")
        arguments = (model.specs, json_length, settings.max_images, max_numbers)
        with self._service.bodies.reserve() as reservation:
            body = await reservation.read(receive, headers, settings.timeout, largest)
            if is_quick_to_parse(body):
                return parse_request(body, *arguments)
            async with DisconnectGuard(receive, settings.timeout):
                run = self._service.helpers.run
                return await run(ParsedRequest, parse_request, body, *arguments)

    def _time_limit(self, request: InferenceRequest) -> float:
        """Return the time limit in seconds; the parameter is in microseconds (Triton)."""
        settings = self._service.settings
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
        self, request: InferenceRequest, model: InferenceModel, result: GenerationResult, send: Send
    ) -> None:
        start = perf_counter()
        images = result.images
        if images.nbytes <= _INLINE_BYTES or request.is_binary(IMAGE_OUTPUT):
            body = encode_response(request, model.name, model.version, images)
        else:
            data, names = images.data.cast("B"), (model.name, model.version)
            run = self._service.encoders.run
            body = await run(ResponseBody, encode_buffer, data, images.shape, request, *names)
        encode_seconds = perf_counter() - start
        self._service.metrics.record_result(model.name, result, encode_seconds)
        headers = result_headers(result, body.media_type, encode_seconds, body.headers)
        await send_response(send, HTTPStatus.OK, headers, body.data)


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
