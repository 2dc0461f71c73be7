"""Serve a bundle with Ray Serve, which distributes requests over replicas and batches them.

    python examples/ray_serve.py --replicas 2              # or: serve run ray_serve:app
    curl -o face.npy 'localhost:8000/?request=pink+hair+blue+eyes&seed=7&count=4'

Each replica has its own generator. Ray's batching replaces ganport's batcher, which would only add
a second queue: a request becomes an `EncodedRequest`, and `run_rows` runs a batch of them. The same
seed gives the same bytes on every replica. The response is a .npy file, uint8 (count, H, W, 3), or
status 400 with the error message.
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

MAX_IMAGES = 64
"""Largest number of images in one run, and in one request."""


def count_images(requests: Sequence[EncodedRequest]) -> int:
    """Return the size of a batch in images."""
    return sum(len(request) for request in requests)


@serve.deployment(max_ongoing_requests=4 * MAX_IMAGES, ray_actor_options={"num_cpus": 1})
class Faces:
    """A replica with its own generator."""

    def __init__(self, bundle: str, device: str) -> None:
        self.generator = Generator.load(bundle, device)

    # A timeout of 0: a single request runs at once, and later ones share the next run.
    @serve.batch(max_batch_size=MAX_IMAGES, batch_wait_timeout_s=0.0, batch_size_fn=count_images)
    async def run_batch(self, requests: list[EncodedRequest]) -> list[NDArray[np.uint8]]:
        """Return the images of each request."""
        rows = [(request, slice(len(request))) for request in requests]
        images = await asyncio.to_thread(self.generator.run_rows, rows)
        return np.split(images, np.cumsum([len(request) for request in requests])[:-1])

    async def __call__(self, http_request: Request) -> Response:
        try:
            request = self.parse_query(http_request.query_params)
        except GanportError as error:
            return Response(f"{error}\n", 400, media_type="text/plain")
        buffer = io.BytesIO()
        np.save(buffer, await self.run_batch(request))
        seeds = ",".join(map(str, request.seed_list))
        return Response(buffer.getvalue(), headers={"ganport-seeds": seeds})

    def parse_query(self, query: Mapping[str, str]) -> EncodedRequest:
        """Return the request of a query; raises `RequestError` or `ConditionError`."""
        count = check_integer("count", _parse_integer(query.get("count", "1")), 1, MAX_IMAGES)
        seed = _parse_integer(query["seed"]) if "seed" in query else None
        return self.generator.prepare(query.get("request", ""), seed=seed, count=count)


def _parse_integer(text: str) -> Any:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 20 else text


app = Faces.bind("starter", "cpu")  # used by `serve run ray_serve:app`


def main(arguments: Sequence[str]) -> None:
    """Parse the command line and serve until the process is interrupted."""
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
