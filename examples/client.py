"""Ask a service for pictures and lay them into a folder, with the standard library alone.

    serve-gan starter &
    python examples/client.py "pink hair blue eyes" --seed 7 --count 16 --out faces

While the service has more to do than it can, it says when to come back, and this waits.
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

BUSY = (429, 503)
PATIENCE = 60.0  # seconds of waiting in all


def ask(address: str, fields: dict[str, Any], key: str = "") -> bytes:
    """The body of the answer to `POST /v1/generate`; ends in the service's words if it refuses."""
    request = urllib.request.Request(f"{address}/v1/generate", json.dumps(fields).encode())
    request.add_header("Content-Type", "application/json")
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                body: bytes = answer.read()
                return body
        except urllib.error.HTTPError as error:
            pause = float(error.headers.get("Retry-After", 1))
            if error.code not in BUSY or time.monotonic() + pause > end:
                raise SystemExit(words(error)) from None
            time.sleep(pause)
        except OSError as error:
            raise SystemExit(f"error: {address}: {error}") from None


def words(error: urllib.error.HTTPError) -> str:
    """What the service says is wrong, and what to do."""
    try:
        said = "{place}: expected {expected}; found {found}. {fix}"
        return f"error: {said.format(**json.loads(error.read())['error'])}"
    except (ValueError, LookupError, TypeError):
        return f"error: {error}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw pictures by a service into a folder.")
    parser.add_argument("conditions", nargs="?", default="", help='as in "pink hair blue eyes"')
    parser.add_argument("--address", default="http://127.0.0.1:8000")
    parser.add_argument("--bundle", help="which, where the service has several")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("faces"))
    asked = parser.parse_args()
    fields = {name: getattr(asked, name) for name in ("conditions", "bundle", "seed", "count")}
    body = ask(asked.address, fields | {"container": "zip"}, os.environ.get("GANPORT_API_KEY", ""))
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        archive.extractall(asked.out)
        index = json.loads(archive.read("index.json"))
    for picture in index["pictures"]:
        print(f"{asked.out / picture['image']}: seed {picture['seed']}")


if __name__ == "__main__":
    main()
