"""mosec with the baseline; run in the virtual environment of the competitors."""

from __future__ import annotations

import sys
from typing import Any

import mosec
from asgi_baseline import Baseline, ServerSettings
from msgspec import json


class ImageWorker(mosec.Worker):  # type: ignore[misc]
    """A worker with dynamic batching that returns raw pixels."""

    def __init__(self) -> None:
        super().__init__()
        settings = ServerSettings.from_environment()
        self._baseline = Baseline(settings.folder, settings.threads)
        self._batched = settings.max_batch > 1
        self._decoder = json.Decoder()
        self.resp_mime_type = "application/octet-stream"

    def deserialize(self, data: bytes) -> Any:
        return self._decoder.decode(data)

    def forward(self, inputs: Any) -> Any:
        if self._batched:
            return self._baseline.generate(inputs)
        return self._baseline.generate([inputs])[0]

    def serialize(self, data: bytes) -> bytes:
        return data


if __name__ == "__main__":
    server_settings = ServerSettings.from_environment()
    milliseconds = max(1, round(1e3 * server_settings.batch_wait))  # 0 selects a default of 10
    sys.argv[1:] = [
        *("--address", "127.0.0.1", "--port", str(server_settings.port), "--log-level", "error"),
        *("--timeout", "60000", "--capacity", "4096"),
    ]
    server = mosec.Server()
    server.append_worker(
        ImageWorker,
        num=server_settings.workers,
        max_batch_size=server_settings.max_batch,
        max_wait_time=milliseconds,
    )
    server.run()
