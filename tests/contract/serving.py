"""A service in a process of its own, what is asked of it, and how its answers are read."""

from __future__ import annotations

import base64
import io
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import product
import renames
from PIL import Image

GENERATE, TRANSLATE = "/v1/generate", "/v1/translate"
BUNDLES = {"faces": "tiny.ganport", "changer": "tiny-translator.ganport"}
"""The bundles of the common service, by the names under which it serves them."""
MAX_IMAGES, MAX_BODY = 16, 65536
JSON = {"Content-Type": "application/json"}
_ERROR = dict.fromkeys(("place", "expected", "found", "fix"), "str") | {"status": "number"}


@contextmanager
def service(folder: Path, *options: object) -> Iterator[Service]:
    """Start `serve-gan` on a free port of the loopback; stop it at the end of the block."""
    script, *rest = product.words("serve-gan", *options, "--port", 0, "--device", "cpu")
    rest += renames.SERVE_OPTIONS
    log = (folder / "service.log").open("w+")
    with (
        log,
        subprocess.Popen(
            [product.SCRIPTS / script, *rest],
            cwd=folder,
            env=product.environment(folder),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            # The line that names the address is the first; its words do not matter.
            address = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
            assert address, (folder / "service.log").read_text()
            with httpx.Client(base_url=address[0], timeout=product.PATIENCE) as client:
                yield Service(process, client)
        finally:
            process.kill()


class Service(NamedTuple):
    """A service that runs."""

    process: subprocess.Popen[str]
    client: httpx.Client

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """Post JSON; keys of the body are named as at d7dd1f2."""
        return self.client.post(path, json=product.today(body, "request"), headers=headers)


def ask(service: Service, fields: Any, path: str = GENERATE, **headers: str) -> httpx.Response:
    """Post the fields of a request, with the bundle `faces` unless they name one."""
    return service.post(path, {"bundle": "faces"} | fields, **headers)


def pixels(data: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(data)))


def png(image: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def data_url(text: str) -> bytes:
    head, _, data = text.partition(",")
    assert head in ("data:image/png;base64", "data:image/webp;base64")
    return base64.b64decode(data)


def header(response: httpx.Response, name: str) -> str | None:
    return response.headers.get(renames.HEADERS[name])


def refused(response: httpx.Response, status: int, named: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = product.original(response.json(), "service")
    assert product.shape_of(body) == {"error": _ERROR}
    assert body["error"]["status"] == status
    assert named in body["error"]["place"]
    assert all(body["error"].values())
