"""`POST /v1/generate` and `POST /v1/translate`: what is asked for, checked and handed on."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter

import msgspec
import numpy as np
from numpy.typing import NDArray
from starlette.types import Receive, Scope, Send

from ganport_runtime.errors import RequestError
from ganport_runtime.generation.request import EncodedRequest
from ganport_runtime.images.decode import decode_image
from ganport_runtime.service.generation_service import Studio
from ganport_runtime.service.registry import Served
from ganport_runtime.service.request_body import (
    check_json,
    media_type_of,
    parsed,
    parsed_query,
    read_body,
    unknown_type,
)
from ganport_runtime.service.requests import (
    Conditions,
    GenerateBody,
    Seed,
    TranslateBody,
    TranslateQuery,
    check_many,
    seed_of,
)
from ganport_runtime.service.timeouts import Watch, left_of

_GENERATE = msgspec.json.Decoder(GenerateBody)
_TRANSLATE = msgspec.json.Decoder(TranslateBody)
_CONDITIONS: msgspec.json.Decoder[Conditions] = msgspec.json.Decoder(Conditions)
# Every language can count this far: JavaScript's numbers end at 2^53.
_SEED_BITS = 48


class Generate:
    """Pictures of seeds and conditions."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = perf_counter()
        headers = dict(scope["headers"])
        check_json(headers)
        _check_no_query(scope)
        studio = self._studio
        studio.shelf.check_capacity()
        asked = parsed(_GENERATE, await read_body(receive, studio.settings.timeout))
        asked.check_count(studio.settings.max_images)
        seconds = asked.seconds(studio.settings)
        served = studio.shelf.pick(asked.bundle)
        job = _job(served, asked)
        accept = headers.get(b"accept", b"")
        order = studio.order(served, job, asked, asked.conditions, accept, asked.temperature)
        left = left_of(seconds, start)
        with Watch(receive, left):
            await studio.draw(order, left, send)


class Translate:
    """Pictures brought to other conditions: one as the body itself, or several inside JSON."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = perf_counter()
        studio = self._studio
        headers = dict(scope["headers"])
        studio.shelf.check_capacity()
        asked, files = await self._asked(scope, receive, headers)
        check_many("images", len(files), studio.settings.max_images)
        seconds = asked.seconds(studio.settings)
        served = studio.shelf.pick(asked.bundle)
        served.need("translate")
        conditions = _conditions_of(asked.conditions)
        with Watch(receive, left_of(seconds, start)):
            images = await self._decoded(served, files, asked.whole)
            job = served.generator.prepare_translation(images, conditions)
            order = studio.order(served, job, asked, conditions, headers.get(b"accept", b""))
            await studio.draw(order, left_of(seconds, start), send)

    async def _asked(
        self, scope: Scope, receive: Receive, headers: Mapping[bytes, bytes]
    ) -> tuple[TranslateBody | TranslateQuery, Sequence[bytes]]:
        kind = media_type_of(headers)
        if kind.startswith("image/"):
            query = parsed_query(TranslateQuery, scope["query_string"])
            return query, [await read_body(receive, self._studio.settings.timeout)]
        if kind != "application/json":
            raise unknown_type(kind, "image/png, image/jpeg, image/webp or application/json")
        _check_no_query(scope)
        body = parsed(_TRANSLATE, await read_body(receive, self._studio.settings.timeout))
        return body, body.images

    async def _decoded(
        self, served: Served, files: Sequence[bytes], whole: bool
    ) -> NDArray[np.uint8]:
        loop, pool = asyncio.get_running_loop(), self._studio.pool
        size = served.generator.manifest.image.size
        decode = partial(
            decode_image, size=size, whole=whole, max_pixels=self._studio.settings.max_pixels
        )
        images = np.empty((len(files), *size, 3), np.uint8)
        # One by one: between two of them a client may leave, and its time may end.
        for index, data in enumerate(files):
            place = Path(f"images[{index}]")
            images[index] = await loop.run_in_executor(pool, partial(decode, data, place))
        return images


def _job(served: Served, asked: GenerateBody) -> EncodedRequest:
    served.need("generate")
    seed = None if asked.seed is None else seed_of("seed", asked.seed)
    if seed is None and asked.seeds is None:
        seed = secrets.randbits(_SEED_BITS)
    return served.generator.prepare(
        asked.conditions,
        seed=seed,
        seeds=_seeds_of(asked.seeds),
        count=asked.count,
        temperature=asked.temperature,
    )


def _seeds_of(seeds: list[Seed] | None) -> list[int] | None:
    if seeds is None:
        return None
    return [seed_of(f"seeds[{index}]", seed) for index, seed in enumerate(seeds)]


def _conditions_of(conditions: Conditions) -> Conditions:
    """Conditions, those that a query holds as JSON included."""
    if isinstance(conditions, str) and conditions.lstrip()[:1] in ("{", "["):
        return parsed(_CONDITIONS, conditions.encode())
    return conditions


def _check_no_query(scope: Scope) -> None:
    if scope["query_string"]:
        raise RequestError(
            "query",
            expected="none beside a body in JSON",
            found="one",
            fix="Put its fields into the body.",
        )
