"""The routes of the Open Inference Protocol, version 2, under /v2."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from importlib.metadata import version
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

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
    encode_response,
)
from ganport_runtime.service.inference_model import InferenceModel, ParsedRequest, parse_request
from ganport_runtime.service.outputs import ResponseBody
from ganport_runtime.service.registry import ModelRegistry, ServedBundle
from ganport_runtime.service.requests import DisconnectGuard, is_quick_to_parse, remaining_time
from ganport_runtime.service.responses import MediaTypeError, UnknownBundleError, json_response
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
    registry = service.registry

    async def ready(request: Request) -> Response:
        return json_response(Ready(registry.ready), _ready_status(registry.ready))

    async def model_ready(request: Request) -> Response:
        served = _find(registry, request.path_params)
        healthy = served.batcher.healthy()
        return json_response(ModelReady(served.name, healthy), _ready_status(healthy))

    async def model_metadata(request: Request) -> Response:
        return json_response(_find(registry, request.path_params).model.metadata())

    server = ServerMetadata("ganport", version("ganport"), ["binary_tensor_data"])
    routes = [
        Route("/v2", json_response(server), methods=["GET"]),
        Route("/v2/health/live", json_response(Live(True)), methods=["GET"]),
        Route("/v2/health/ready", ready, methods=["GET"]),
    ]
    for path in ("/v2/models/{name}", "/v2/models/{name}/versions/{version}"):
        routes += [
            Route(path, model_metadata, methods=["GET"]),
            Route(f"{path}/ready", model_ready, methods=["GET"]),
            Route(f"{path}/infer", _Infer(service), methods=["POST"]),
        ]
    return routes


class _Infer:
    """`POST /v2/models/NAME/infer`: images of input tensors."""

    def __init__(self, service: GenerationService) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = perf_counter()
        headers = dict(scope["headers"])
        _check_media_type(headers)
        service = self._service
        served = _find(service.registry, scope["path_params"])
        model = served.model
        served.batcher.check_capacity()
        parsed = await self._read(model, receive, headers)
        encoded = model.prepare(parsed)
        seconds = remaining_time(self._time_limit(parsed.request), start)
        async with DisconnectGuard(receive, seconds):
            if parsed.texts is not None:
                encoded = await service.encode_conditions(served, encoded, parsed.texts)
            result = await served.batcher.asubmit(encoded, timeout=seconds)
            encoding = self._encode(parsed.request, model, result.images)
            await service.finish(model.name, result, encoding, send)

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

    async def _encode(
        self, request: InferenceRequest, model: InferenceModel, images: NDArray[np.uint8]
    ) -> ResponseBody:
        arguments = (request, model.name, model.version, images)
        if images.nbytes <= _INLINE_BYTES or request.is_binary(IMAGE_OUTPUT):
            return encode_response(*arguments)
        return await self._service.encoders.run(ResponseBody, encode_response, *arguments)


def _find(registry: ModelRegistry, parameters: Mapping[str, str]) -> ServedBundle:
    """Return the bundle of a path; raises `UnknownBundleError`."""
    served = registry[parameters["name"]]
    requested = parameters.get("version", served.model.version)
    if requested != served.model.version:
        expected, found = served.model.version, repr_short(requested)
        raise UnknownBundleError("version", expected, found, "Remove it.")
    return served


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
