"""Request images from a service and save them to a folder; standard library only.

    serve-gan starter &
    python examples/client.py "pink hair blue eyes" --seed 7 --count 16 --out faces

A busy service names the time of the next attempt, and the client waits for it.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

BUSY_STATUSES = (429, 503)
TIMEOUT = 60.0
"""Seconds to wait in total."""


def post_generate(address: str, fields: dict[str, Any], api_key: str = "") -> bytes:
    """Return the response body of `POST /v1/generate`; exit with the message of an error."""
    request = urllib.request.Request(f"{address}/v1/generate", json.dumps(fields).encode())
    request.add_header("Content-Type", "application/json")
    if api_key:
        request.add_header("Authorization", f"Bearer {api_key}")
    end = time.monotonic() + TIMEOUT
    while True:
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
                body: bytes = response.read()
                return body
        except urllib.error.HTTPError as error:
            pause = float(error.headers.get("Retry-After", 1))
            if error.code not in BUSY_STATUSES or time.monotonic() + pause > end:
                raise SystemExit(format_error(error)) from None
            time.sleep(pause)
        except OSError as error:
            raise SystemExit(f"error: {address}: {error}") from None


def format_error(error: urllib.error.HTTPError) -> str:
    """Return the error message of the service."""
    try:
        message = "{place}: expected {expected}; found {found}. {fix}"
        return f"error: {message.format(**json.loads(error.read())['error'])}"
    except (ValueError, LookupError, TypeError):
        return f"error: {error}"


def main() -> None:
    """Parse the command line, request the images and save them."""
    parser = argparse.ArgumentParser(description="Save images from a service to a folder.")
    parser.add_argument("conditions", nargs="?", default="", help='such as "pink hair blue eyes"')
    parser.add_argument("--address", default="http://127.0.0.1:8000")
    parser.add_argument("--bundle", help="required if the service has several bundles")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("faces"))
    options = parser.parse_args()
    names = ("conditions", "bundle", "seed", "count")
    fields = {name: getattr(options, name) for name in names} | {"container": "zip"}
    body = post_generate(options.address, fields, os.environ.get("GANPORT_API_KEY", ""))
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        archive.extractall(options.out)
        index = json.loads(archive.read("index.json"))
    for entry in index["pictures"]:
        print(f"{options.out / entry['image']}: seed {entry['seed']}")


if __name__ == "__main__":
    main()
