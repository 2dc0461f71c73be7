"""LitServe around the bare session: run in the peers' virtual environment."""

from __future__ import annotations

from typing import Any

import litserve
from bare import Bare, Setting
from starlette.responses import Response


class Pictures(litserve.LitAPI):  # type: ignore[misc]
    """Merges requests as they come; the answer is raw pixels."""

    def setup(self, device: str) -> None:
        setting = Setting.read()
        self._bare = Bare(setting.folder, setting.threads)
        self._alone = setting.batch == 1

    def batch(self, inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return inputs

    def predict(self, asked: Any) -> Any:
        return self._bare.draw([asked])[0] if self._alone else self._bare.draw(asked)

    def unbatch(self, output: list[bytes]) -> list[bytes]:
        return output

    def encode_response(self, output: bytes) -> Response:
        return Response(output, media_type="application/octet-stream")


if __name__ == "__main__":
    chosen = Setting.read()
    server = litserve.LitServer(
        Pictures(max_batch_size=chosen.batch, batch_timeout=chosen.wait),
        accelerator="cpu",
        workers_per_device=chosen.workers,
        fast_queue=True,
    )
    server.run(
        host="127.0.0.1",
        port=chosen.port,
        num_api_servers=1,
        log_level="error",
        generate_client_file=False,
    )
