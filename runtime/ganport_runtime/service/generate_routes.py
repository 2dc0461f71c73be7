"""`POST /v1/generate` and `POST /v1/translate`: from the request to the encoded images."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from pathlib import Path
from time import perf_counter

import msgspec
import numpy as np
from numpy.typing import NDArray
from starlette.types import Receive, Scope, Send

from ganport_runtime.devices.cpu_count import available_cpu_count
from ganport_runtime.errors import RequestError
from ganport_runtime.generation.request import EncodedRequest
from ganport_runtime.images.decode import decode_image
from ganport_runtime.service.encoding import GeneratedImages, encode
from ganport_runtime.service.metrics import ServiceMetrics
from ganport_runtime.service.outputs import OutputOptions, ResponseBody
from ganport_runtime.service.registry import ModelRegistry, ServedBundle
from ganport_runtime.service.requests import (
    DisconnectGuard,
    check_json,
    decode_json,
    decode_query,
    media_type_of,
    parse_seed,
    read_body,
    remaining_time,
    unsupported_type,
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
from ganport_runtime.service.settings import Settings

_GENERATE = msgspec.json.Decoder(GenerateBody)
_TRANSLATE = msgspec.json.Decoder(TranslateBody)
_CONDITIONS: msgspec.json.Decoder[ConditionsField] = msgspec.json.Decoder(ConditionsField)
_SEED_BITS = 48
"""Bits of a random seed; every language can represent it (JavaScript: 53 bits)."""
_INLINE_BYTES = {"raw": 1 << 20, "npy": 1 << 20, "png": 64 * 64 * 3}
"""Pixel bytes that are encoded on the event loop: a thread switch costs more than that."""


class GenerationService:
    """The shared parts of the image routes: bundles, limits, metrics and encoder threads."""

    def __init__(
        self, registry: ModelRegistry, settings: Settings, metrics: ServiceMetrics
    ) -> None:
        self.registry = registry
        self.settings = settings
        self.metrics = metrics
        self.encoder_pool = ThreadPoolExecutor(available_cpu_count(), "ganport-encode")

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
        options.check(len(encoded), served.generator.manifest.image.size)
        result = await served.batcher.asubmit(encoded, timeout=seconds)
        start = perf_counter()
        images = GeneratedImages(
            result.images, result.seeds, conditions, served.generator, temperature
        )
        body = await self._encode(images, options)
        encode_seconds = perf_counter() - start
        self.metrics.record_result(served.name, result, encode_seconds)
        headers = result_headers(result, body.media_type, encode_seconds, body.headers)
        await send_response(send, HTTPStatus.OK, headers, body.data)

    async def _encode(self, images: GeneratedImages, options: OutputOptions) -> ResponseBody:
        if images.pixels.nbytes <= _INLINE_BYTES.get(options.output, 0):
            return encode(images, options)
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
        service.registry.check_capacity()
        body = decode_json(_GENERATE, await read_body(receive, service.settings.timeout))
        body.check_count(service.settings.max_images)
        time_limit = body.time_limit(service.settings)
        served = service.registry.get(body.bundle)
        encoded = _prepare(served, body)
        options = body.output_options(headers.get(b"accept", b""))
        seconds = remaining_time(time_limit, start)
        async with DisconnectGuard(receive, seconds):
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
        service.registry.check_capacity()
        fields, files = await self._read(scope, receive, headers)
        check_count("images", len(files), service.settings.max_images)
        time_limit = fields.time_limit(service.settings)
        served = service.registry.get(fields.bundle)
        served.require("translate")
        conditions = _parse_conditions(fields.conditions)
        options = fields.output_options(headers.get(b"accept", b""))
        async with DisconnectGuard(receive, remaining_time(time_limit, start)):
            images = await self._decode(served, files, fields.whole)
            encoded = served.generator.prepare_translation(images, conditions)
            seconds = remaining_time(time_limit, start)
            await service.respond(served, encoded, conditions, options, seconds, send)

    async def _read(
        self, scope: Scope, receive: Receive, headers: Mapping[bytes, bytes]
    ) -> tuple[TranslateBody | TranslateQuery, Sequence[bytes]]:
        timeout = self._service.settings.timeout
        media_type = media_type_of(headers)
        if media_type.startswith("image/"):
            query = decode_query(TranslateQuery, scope["query_string"])
            return query, [await read_body(receive, timeout)]
        if media_type != "application/json":
            expected = "image/png, image/jpeg, image/webp or application/json"
            raise unsupported_type(media_type, expected)
        _check_no_query(scope)
        body = decode_json(_TRANSLATE, await read_body(receive, timeout))
        return body, body.images

    async def _decode(
        self, served: ServedBundle, files: Sequence[bytes], whole: bool
    ) -> NDArray[np.uint8]:
        loop, pool = asyncio.get_running_loop(), self._service.encoder_pool
        size = served.generator.manifest.image.size
        max_pixels = self._service.settings.max_pixels
        decode = partial(decode_image, size=size, crop=not whole, max_pixels=max_pixels)
        images = np.empty((len(files), *size, 3), np.uint8)
        # One image at a time, so that a disconnect or the deadline can end the work in between.
        for index, data in enumerate(files):
            place = Path(f"images[{index}]")
            images[index] = await loop.run_in_executor(pool, partial(decode, data, place))
        return images


def _prepare(served: ServedBundle, body: GenerateBody) -> EncodedRequest:
    served.require("generate")
    seed = None if body.seed is None else parse_seed("seed", body.seed)
    if seed is None and body.seeds is None:
        seed = secrets.randbits(_SEED_BITS)
    return served.generator.prepare(
        body.conditions,
        seed=seed,
        seeds=_parse_seeds(body.seeds),
        count=body.count,
        temperature=body.temperature,
    )


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
