"""LitServe with the baseline; run in the virtual environment of the competitors."""

from __future__ import annotations

from typing import Any

import litserve
from asgi_baseline import Baseline, ServerSettings
from starlette.responses import Response


class ImageAPI(litserve.LitAPI):  # type: ignore[misc]
    """An API with dynamic batching that returns raw pixels."""

    def setup(self, device: str) -> None:
        settings = ServerSettings.from_environment()
        self._baseline = Baseline(settings.folder, settings.threads)
        self._batched = settings.max_batch > 1

    def batch(self, inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return inputs

    def predict(self, inputs: Any) -> Any:
        if self._batched:
            return self._baseline.generate(inputs)
        return self._baseline.generate([inputs])[0]

    def unbatch(self, output: list[bytes]) -> list[bytes]:
        return output

    def encode_response(self, output: bytes) -> Response:
        return Response(output, media_type="application/octet-stream")


if __name__ == "__main__":
    server_settings = ServerSettings.from_environment()
    server = litserve.LitServer(
        ImageAPI(
            max_batch_size=server_settings.max_batch, batch_timeout=server_settings.batch_wait
        ),
        accelerator="cpu",
        workers_per_device=server_settings.workers,
        fast_queue=True,
    )
    server.run(
        host="127.0.0.1",
        port=server_settings.port,
        num_api_servers=1,
        log_level="error",
        generate_client_file=False,
    )
