"""Tests of the Ray Serve example, with a real Ray."""

import io
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import numpy as np
import pytest

from ganport_runtime import Generator

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

EXAMPLE = Path(__file__).parents[2] / "examples" / "ray_serve.py"


def find_port() -> int:
    """Return a free port that no client gets: Ray binds it seconds later."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = find_port()
    log = tmp_path_factory.mktemp("ray") / "log"
    line = [sys.executable, str(EXAMPLE), "--port", str(port), "--replicas", "2"]
    environment = os.environ | {"RAY_USAGE_STATS_ENABLED": "0"}
    with log.open("w") as out:
        # SIGINT must end it, also if the shell of the tests makes its jobs ignore SIGINT.
        process = subprocess.Popen(
            line,
            stdout=out,
            stderr=out,
            env=environment,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    try:
        wait_for(f"http://127.0.0.1:{port}", process, log)
        yield f"http://127.0.0.1:{port}"
        process.send_signal(signal.SIGINT)
        process.wait(60)
    finally:
        process.kill()  # if it did not end by itself
        process.wait()


def wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 180
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(url, timeout=30).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    raise AssertionError(log.read_text())


def test_same_seed_gives_same_bytes_on_every_replica(url: str) -> None:
    generator = Generator.load("starter", "cpu")

    def fetch(seed: int) -> bytes:
        query = {"request": "pink hair blue eyes", "seed": str(seed), "count": str(1 + seed % 5)}
        return httpx.get(url, params=query, timeout=60).raise_for_status().content

    with ThreadPoolExecutor(8) as pool:
        bodies = list(pool.map(fetch, range(40)))
    for seed, body in enumerate(bodies):
        expected = generator.generate("pink hair blue eyes", seed=seed, count=1 + seed % 5)
        assert np.array_equal(np.load(io.BytesIO(body)), expected)


def test_response_header_contains_the_seeds(url: str) -> None:
    first = httpx.get(url, params={"count": "2"}, timeout=60)
    seeds = [int(seed) for seed in first.headers["ganport-seeds"].split(",")]
    again = httpx.get(url, params={"count": "2", "seed": str(seeds[0])}, timeout=60)
    assert len(seeds) == 2
    assert again.content == first.content


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"request": "pnk hair"}, "Did you mean 'pink'?"),
        ({"count": "65"}, "count: "),
        ({"count": "many"}, "count: "),
        ({"seed": "-1"}, "seed: "),
        ({"seed": "9" * 5000}, "seed: "),
    ],
)
def test_invalid_query_returns_400(url: str, query: dict[str, str], message: str) -> None:
    response = httpx.get(url, params=query, timeout=60)
    assert response.status_code == 400
    assert message in response.text
