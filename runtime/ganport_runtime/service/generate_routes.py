"""`POST /v1/generate` and `POST /v1/translate`: from the request to the encoded images."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http import HTTPStatus
from time import perf_counter
from types import NoneType
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from starlette.types import Receive, Scope, Send

from ganport_runtime.batcher import GenerationResult
from ganport_runtime.conditions import ConditionRequest
from ganport_runtime.devices.onnxruntime_session import available_cpu_count
from ganport_runtime.errors import RequestError
from ganport_runtime.generation.request import EncodedRequest
from ganport_runtime.service.bodies import (
    BodyBudget,
    BodyReservation,
    check_json,
    media_type_of,
    unsupported_type,
)
from ganport_runtime.service.encoding import GeneratedImages, encode
from ganport_runtime.service.helpers import HelperPool
from ganport_runtime.service.metrics import ServiceMetrics
from ganport_runtime.service.outputs import OutputOptions, ResponseBody
from ganport_runtime.service.registry import ModelRegistry, ServedBundle
from ganport_runtime.service.requests import (
    DisconnectGuard,
    check_names,
    decode_json,
    decode_query,
    decode_upload,
    is_quick_to_parse,
    parse_seed,
    parse_translation,
    remaining_time,
)
from ganport_runtime.service.responses import result_headers, send_response
from ganport_runtime.service.schemas import (
    ConditionsField,
    GenerateBody,
    Seed,
    TranslateBody,
    TranslateQuery,
    check_count,
)
from ganport_runtime.service.settings import MAX_JSON_BYTES, Settings

_GENERATE = msgspec.json.Decoder(GenerateBody)
_CONDITIONS: msgspec.json.Decoder[ConditionsField] = msgspec.json.Decoder(ConditionsField)
_SEED_BITS = 48
"""Bits of a random seed; every language can represent it (JavaScript: 53 bits)."""
_COPIED_OUTPUTS = ("raw", "npy")
"""Outputs that are copies of the pixels."""
_INLINE_BYTES = {"raw": 1 << 20, "npy": 1 << 20, "png": 64 * 64 * 3}
"""Pixel bytes that are encoded on the event loop: a thread switch costs more than that."""
_THREAD_BYTES = 1 << 20
"""Pixel bytes that are encoded in a thread; more take seconds in some forms."""
_TURN = 0.002
"""Seconds of work on the event loop before other requests get a turn."""
_MAX_HELPERS = 4
_HELPER_BYTES, _BYTES_PER_PIXEL = 256 << 20, 40
"""Memory of a helper process: itself and a body, and the copies of an image that it decodes."""
_HELPER_NICENESS = 10
"""Uploads may take seconds to decode; other requests go first when all cores are busy."""
_ENCODER_BYTES = 4 << 30


class GenerationService:
    """The shared parts of the routes: bundles, limits, metrics, encoder threads and helpers."""

    def __init__(self, registry: ModelRegistry, settings: Settings) -> None:
        self.registry = registry
        self.settings = settings
        self.metrics = ServiceMetrics(registry)
        self.encoder_pool = ThreadPoolExecutor(available_cpu_count(), "ganport-encode")
        memory = _HELPER_BYTES + _BYTES_PER_PIXEL * settings.max_pixels
        self.bodies = BodyBudget(max(settings.max_receiving, settings.max_body))
        helpers = min(available_cpu_count(), _MAX_HELPERS)
        self.helpers = HelperPool(helpers, memory, _HELPER_NICENESS)
        self.encoders = HelperPool(available_cpu_count(), _ENCODER_BYTES)
        self._encoding = asyncio.Lock()

    async def encode_conditions(
        self, served: ServedBundle, encoded: EncodedRequest, requests: Sequence[ConditionRequest]
    ) -> EncodedRequest:
        """Return `encoded` with the vectors of `requests`, one for each image.

        Other requests get turns in between. One list is encoded at a time, otherwise several large
        ones would delay other requests. Raises `ConditionError`.
        """
        rows: list[NDArray[np.float32]] = []
        async with self._encoding:
            await asyncio.sleep(0)  # decoding the body was a turn of its own
            start = perf_counter()
            for request in requests:
                rows.append(served.generator.conditions.encode(request))
                if perf_counter() - start > _TURN:
                    await asyncio.sleep(0)
                    start = perf_counter()
        return replace(encoded, conditions=np.stack(rows))

    async def respond(
        self,
        served: ServedBundle,
        encoded: EncodedRequest,
        conditions: ConditionsField,
        options: OutputOptions,
        seconds: float,
        send: Send,
        temperature: float | None = None,
    ) -> None:
        """Run a request, encode its images and send them; `seconds` is the remaining time.

        Raises `RequestError` before the run if the options do not fit the images, and what
        `Batcher.asubmit` raises.
        """
        options.check(len(encoded), served.generator.image.size)
        result = await served.batcher.asubmit(encoded, timeout=seconds)
        images = GeneratedImages.of(
            result.images, result.seeds, conditions, served.generator, temperature
        )
        await self.finish(served.name, result, self._encode(images, options), send)

    async def finish(
        self, name: str, result: GenerationResult, encoding: Awaitable[ResponseBody], send: Send
    ) -> None:
        """Encode the images of bundle `name`, count them and send them."""
        start = perf_counter()
        body = await encoding
        seconds = perf_counter() - start
        self.metrics.record_result(name, result, seconds)
        await send_response(send, HTTPStatus.OK, result_headers(result, body, seconds), body.data)

    async def _encode(self, images: GeneratedImages, options: OutputOptions) -> ResponseBody:
        pixels = images.pixels
        if pixels.nbytes <= _INLINE_BYTES.get(options.output, 0):
            return encode(images, options)
        if pixels.nbytes > _THREAD_BYTES and options.output not in _COPIED_OUTPUTS:
            # A process can be ended with its request, unlike a thread.
            return await self.encoders.run(ResponseBody, encode, images, options)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.encoder_pool, encode, images, options)


class Generate:
    """`POST /v1/generate`: images of seeds and conditions."""

    def __init__(self, service: GenerationService) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = perf_counter()
        service = self._service
        headers = dict(scope["headers"])
        check_json(headers)
        _check_no_query(scope)
        service.registry.check_capacity("generate")
        with service.bodies.reserve() as reservation:
            largest = min(MAX_JSON_BYTES, service.settings.max_body)
            data = await reservation.read(receive, headers, service.settings.timeout, largest)
            inline = is_quick_to_parse(data)
            body = decode_json(_GENERATE, data, names=inline)
            if not inline:
                async with DisconnectGuard(receive, service.settings.timeout):
                    await service.helpers.run(NoneType, check_names, data)
        body.check_count(service.settings.max_images)
        time_limit = body.time_limit(service.settings)
        served = service.registry.get(body.bundle)
        encoded = _prepare(served, body)
        options = body.output_options(headers.get(b"accept", b""))
        seconds = remaining_time(time_limit, start)
        async with DisconnectGuard(receive, seconds):
            if isinstance(body.conditions, list):
                encoded = await service.encode_conditions(served, encoded, body.conditions)
            await service.respond(
                served, encoded, body.conditions, options, seconds, send, body.temperature
            )


class Translate:
    """`POST /v1/translate`: images changed to other conditions.

    The body is one image, with the fields in the query, or JSON with several images.
    """

    def __init__(self, service: GenerationService) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = perf_counter()
        service = self._service
        headers = dict(scope["headers"])
        service.registry.check_capacity("translate")
        with service.bodies.reserve() as reservation:
            fields, files = await self._read(scope, receive, headers, reservation)
            check_count("images", len(files), service.settings.max_images)
            time_limit = fields.time_limit(service.settings)
            served = service.registry.get(fields.bundle)
            served.require("translate")
            conditions = _parse_conditions(fields.conditions)
            options = fields.output_options(headers.get(b"accept", b""))
            async with DisconnectGuard(receive, remaining_time(time_limit, start)):
                images = await self._decode(served, files, fields)
            files.clear()  # the memory that the reservation returns
        async with DisconnectGuard(receive, remaining_time(time_limit, start)):
            encoded = served.generator.prepare_translation(images, _placeholders(conditions))
            if isinstance(conditions, list):
                encoded = await service.encode_conditions(served, encoded, conditions)
            seconds = remaining_time(time_limit, start)
            await service.respond(served, encoded, conditions, options, seconds, send)

    async def _read(
        self,
        scope: Scope,
        receive: Receive,
        headers: Mapping[bytes, bytes],
        reservation: BodyReservation,
    ) -> tuple[TranslateBody | TranslateQuery, list[Any]]:
        settings = self._service.settings
        timeout = settings.timeout
        media_type = media_type_of(headers)
        if media_type.startswith("image/"):
            query = decode_query(TranslateQuery, scope["query_string"])
            return query, [await reservation.read(receive, headers, timeout, settings.max_body)]
        if media_type != "application/json":
            expected = "image/png, image/jpeg, image/webp or application/json"
            raise unsupported_type(media_type, expected)
        _check_no_query(scope)
        data = await reservation.read(receive, headers, timeout, settings.max_body)
        if is_quick_to_parse(data):
            body = parse_translation(data)
        else:
            async with DisconnectGuard(receive, timeout):
                body = await self._service.helpers.run(TranslateBody, parse_translation, data)
        return body, body.images

    async def _decode(
        self, served: ServedBundle, files: Sequence[bytes], fields: TranslateBody | TranslateQuery
    ) -> NDArray[np.uint8]:
        service = self._service
        form = served.generator.image
        max_pixels = service.settings.max_pixels
        images = np.empty((len(files), *form.size, form.channels), np.uint8)
        # One image at a time, so that requests with many images take turns with others.
        for index, data in enumerate(files):
            pixels = await service.helpers.run(
                bytes, decode_upload, data, index, form, not fields.whole, max_pixels
            )
            images[index] = np.frombuffer(pixels, np.uint8).reshape(images.shape[1:])
        return images


def _prepare(served: ServedBundle, body: GenerateBody) -> EncodedRequest:
    served.require("generate")
    seed = None if body.seed is None else parse_seed("seed", body.seed)
    if seed is None and body.seeds is None:
        seed = secrets.randbits(_SEED_BITS)
    return served.generator.prepare(
        _placeholders(body.conditions),
        seed=seed,
        seeds=_parse_seeds(body.seeds),
        count=body.count,
        temperature=body.temperature,
    )


def _placeholders(conditions: ConditionsField) -> ConditionsField:
    """Return a list of default conditions for a list, whose vectors follow later."""
    return [{}] * len(conditions) if isinstance(conditions, list) else conditions


def _parse_seeds(seeds: list[Seed] | None) -> list[int] | None:
    if seeds is None:
        return None
    return [parse_seed(f"seeds[{index}]", seed) for index, seed in enumerate(seeds)]


def _parse_conditions(conditions: ConditionsField) -> ConditionsField:
    """Return conditions; a query may hold them as JSON text."""
    if isinstance(conditions, str) and conditions.lstrip()[:1] in ("{", "["):
        return decode_json(_CONDITIONS, conditions.encode())
    return conditions


def _check_no_query(scope: Scope) -> None:
    if scope["query_string"]:
        fix = "Move its fields into the body."
        raise RequestError("query", "no query with a JSON body", "a query", fix)
