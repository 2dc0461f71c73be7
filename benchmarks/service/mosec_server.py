"""mosec around the bare session: run in the peers' virtual environment."""

from __future__ import annotations

import sys
from typing import Any

import mosec
from bare import Bare, Setting
from msgspec import json


class Pictures(mosec.Worker):  # type: ignore[misc]
    """Merges requests as they come; the answer is raw pixels."""

    def __init__(self) -> None:
        super().__init__()
        setting = Setting.read()
        self._bare = Bare(setting.folder, setting.threads)
        self._alone = setting.batch == 1
        self._decoder = json.Decoder()
        self.resp_mime_type = "application/octet-stream"

    def deserialize(self, data: bytes) -> Any:
        return self._decoder.decode(data)

    def forward(self, asked: Any) -> Any:
        return self._bare.draw([asked])[0] if self._alone else self._bare.draw(asked)

    def serialize(self, data: bytes) -> bytes:
        return data


if __name__ == "__main__":
    chosen = Setting.read()
    milliseconds = max(1, round(1e3 * chosen.wait))  # of mosec's, 0 means its default of 10
    sys.argv[1:] = [
        *("--address", "127.0.0.1", "--port", str(chosen.port), "--log-level", "error"),
        *("--timeout", "60000", "--capacity", "4096"),
    ]
    server = mosec.Server()
    server.append_worker(
        Pictures, num=chosen.workers, max_batch_size=chosen.batch, max_wait_time=milliseconds
    )
    server.run()
