"""More processes or machines than one: Ray Serve spreads requests over replicas and batches them.

    python examples/ray_serve.py --replicas 2              # or: serve run ray_serve:app
    curl -o face.npy 'localhost:8000/?asked=pink+hair+blue+eyes&seed=7&count=4'

Each replica owns a generator. Ray's batching stands in place of our batcher, which would only make
a second queue behind the first: a request becomes an `EncodedRequest`, and `run_rows` runs the
requests of a batch in one run. Same seed, same bytes, whichever replica draws. The answer is a
.npy file, uint8
(count, H, W, 3), or status 400 and the reason.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ray import serve
from starlette.requests import Request
from starlette.responses import Response

from ganport_runtime import Generator
from ganport_runtime.errors import GanportError
from ganport_runtime.generation.request import EncodedRequest
from ganport_runtime.noise import check_integer

MOST = 64
"""Pictures that Ray puts into one run, and most that one request may ask for."""


def pictures_in(jobs: Sequence[EncodedRequest]) -> int:
    """How large a batch of requests is: pictures count, not requests."""
    return sum(len(job) for job in jobs)


@serve.deployment(max_ongoing_requests=4 * MOST, ray_actor_options={"num_cpus": 1})
class Faces:
    """One replica: a generator, and the requests that Ray sends it."""

    def __init__(self, bundle: str, device: str) -> None:
        self.generator = Generator.load(bundle, device)

    # No timer: a lone request goes at once, and those that come meanwhile share the next run.
    @serve.batch(max_batch_size=MOST, batch_wait_timeout_s=0.0, batch_size_fn=pictures_in)
    async def draw(self, jobs: list[EncodedRequest]) -> list[NDArray[np.uint8]]:
        parts = [(job, slice(len(job))) for job in jobs]
        images = await asyncio.to_thread(self.generator.run_rows, parts)
        return np.split(images, np.cumsum([len(job) for job in jobs])[:-1])

    async def __call__(self, request: Request) -> Response:
        try:
            job = self.job(request.query_params)
        except GanportError as error:
            return Response(f"{error}\n", 400, media_type="text/plain")
        buffer = io.BytesIO()
        np.save(buffer, await self.draw(job))
        seeds = ",".join(map(str, job.seed_list))
        return Response(buffer.getvalue(), headers={"ganport-seeds": seeds})

    def job(self, query: Mapping[str, str]) -> EncodedRequest:
        """What a query asks for; raises `RequestError` or `ConditionError`."""
        count = check_integer("count", _whole(query.get("count", "1")), 1, MOST)
        seed = _whole(query["seed"]) if "seed" in query else None
        return self.generator.prepare(query.get("asked", ""), seed=seed, count=count)


def _whole(text: str) -> Any:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 20 else text


app = Faces.bind("starter", "cpu")  # what `serve run ray_serve:app` looks for


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description="Serve a bundle from several replicas.")
    parser.add_argument("bundle", nargs="?", default="starter")
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args(arguments)
    serve.start(http_options={"port": options.port})
    faces = Faces.options(num_replicas=options.replicas)
    serve.run(faces.bind(options.bundle, options.device), blocking=True)


if __name__ == "__main__":
    main(sys.argv[1:])
