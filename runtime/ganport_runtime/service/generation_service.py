"""From a checked order to the body of its answer: drawn by the batcher, encoded beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from time import perf_counter

from starlette.types import Send

from ganport_runtime.batcher import GenerationResult
from ganport_runtime.devices.cpu_count import available_cpu_count
from ganport_runtime.generation.request import EncodedRequest
from ganport_runtime.service.metrics import Meter
from ganport_runtime.service.outputs import Encoded, check_output, container_of, encode
from ganport_runtime.service.registry import Served, Shelf
from ganport_runtime.service.requests import Asking, Conditions
from ganport_runtime.service.responses import Headers, answer
from ganport_runtime.service.settings import Settings

# Bytes of pixels that are encoded on the spot: a thread costs more than a copy, or a small PNG.
_QUICK = {"raw": 1 << 20, "npy": 1 << 20, "png": 64 * 64 * 3}
_LISTED = 100
"""Seeds that a header names one by one."""
EXPOSED = ("Ganport-Device", "Ganport-Seeds", "Ganport-Shape", "Server-Timing", "X-Request-Id")
"""Headers that a page of another origin may read where its origin is let in."""


@dataclass(frozen=True)
class Order:
    """Pictures asked for: what to draw, and in which form they are wanted."""

    served: Served
    job: EncodedRequest
    asking: Asking
    requests: Conditions
    container: str | None
    temperature: float | None = None


class Studio:
    """What the routes that draw share: the bundles, the limits, the counts, threads to encode."""

    def __init__(self, shelf: Shelf, settings: Settings, meter: Meter) -> None:
        self.shelf = shelf
        self.settings = settings
        self._meter = meter
        self.pool = ThreadPoolExecutor(available_cpu_count(), "ganport-encode")

    def order(
        self,
        served: Served,
        job: EncodedRequest,
        asking: Asking,
        requests: Conditions,
        accept: bytes,
        temperature: float | None = None,
    ) -> Order:
        """An order whose output fits its pictures; raises `RequestError` before they are drawn."""
        container = asking.container
        if container is None and accept:
            container = container_of(accept.decode("latin-1"), asking.output)
        size = served.generator.manifest.image.size
        check_output(
            asking.output,
            len(job),
            size,
            container=container,
            columns=asking.columns,
            quality=asking.quality,
        )
        return Order(served, job, asking, requests, container, temperature)

    async def draw(self, order: Order, seconds: float, send: Send) -> None:
        """Draw, encode and answer an order that has `seconds` left; raises as `asubmit`."""
        drawn = await order.served.batcher.asubmit(order.job, timeout=seconds)
        start = perf_counter()
        encoded = await self._encoded(order, drawn)
        spent = perf_counter() - start
        self._meter.drawn(order.served.name, drawn, spent)
        await answer(send, HTTPStatus.OK, drawn_headers(drawn, encoded, spent), encoded.body)

    async def _encoded(self, order: Order, drawn: GenerationResult) -> Encoded:
        work = partial(
            encode,
            order.asking.output,
            drawn.images,
            drawn.seeds,
            order.requests,
            generator=order.served.generator,
            container=order.container,
            columns=order.asking.columns,
            quality=order.asking.quality,
            temperature=order.temperature,
        )
        if drawn.images.nbytes <= _QUICK.get(order.asking.output, 0):
            return work()
        return await asyncio.get_running_loop().run_in_executor(self.pool, work)


def drawn_headers(drawn: GenerationResult, encoded: Encoded, spent: float) -> Headers:
    """How pictures were made, and `spent` seconds encoded; then what belongs to their form."""
    timing = (
        f"queue;dur={drawn.queue_seconds * 1e3:.3f}, "
        f"compute;dur={drawn.compute_seconds * 1e3:.3f}, encode;dur={spent * 1e3:.3f}"
    )
    headers = [
        (b"content-type", encoded.media_type.encode()),
        (b"server-timing", timing.encode()),
        (b"ganport-device", drawn.device.encode()),
    ]
    if seeds := spelled(drawn.seeds):
        headers.append((b"ganport-seeds", seeds.encode()))
    headers += [(name.lower().encode(), text.encode()) for name, text in encoded.headers.items()]
    return headers


def spelled(seeds: Sequence[int]) -> str:
    """Seeds in short: `7`, `7..22` for consecutive ones, else a list; "" for none and for over a
    hundred, which the caller chose and knows."""
    if len(seeds) == 1:
        return str(seeds[0])
    if not seeds:
        return ""
    first, last = seeds[0], seeds[-1]
    if all(seed == (first + index) % 2**64 for index, seed in enumerate(seeds)):
        return f"{first}..{last}"
    return ", ".join(map(str, seeds)) if len(seeds) <= _LISTED else ""
