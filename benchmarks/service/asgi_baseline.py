"""A hand-written server core for a bundle's graph: a session, NumPy noise and one-hot labels.

The competitors run it in their own virtual environment, so it needs only numpy and onnxruntime.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

SETTINGS_VARIABLE = "GANPORT_BENCHMARK_SETTINGS"
"""The environment variable that holds `ServerSettings` as JSON."""


@dataclass(frozen=True)
class ServerSettings:
    """The settings of a competing server; `folder` contains `model.onnx` and `labels.json`."""

    folder: str
    port: int
    max_batch: int
    """Requests per run; 1 disables batching."""
    batch_wait: float
    """Seconds that the first request of a batch waits for others."""
    workers: int
    threads: int
    """Threads of the session of each worker."""

    @classmethod
    def from_environment(cls) -> ServerSettings:
        """Return the settings in the environment."""
        return cls(**json.loads(os.environ[SETTINGS_VARIABLE]))


class Baseline:
    """Images for requests like {"conditions": {"hair": "pink"}, "seed": 7, "count": 1}."""

    def __init__(self, folder: str, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        model = str(Path(folder) / "model.onnx")
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        labels = json.loads((Path(folder) / "labels.json").read_text())
        self._noise_size: int = labels["noise"]
        self._default = np.array(labels["default"], np.float32)
        self._groups: dict[str, tuple[int, list[str]]] = labels["groups"]

    def generate(self, requests: list[dict[str, Any]]) -> list[bytes]:
        """Return the raw pixels of each request; one run generates all of them."""
        counts = [request["count"] for request in requests]
        feeds = {"z": self._noise(requests)}
        if self._default.size:
            vectors = [self._condition(request["conditions"]) for request in requests]
            feeds["condition"] = np.repeat(vectors, counts, axis=0)
        images = self._session.run(None, feeds)[0]
        stops = np.cumsum(counts)
        return [
            images[stop - count : stop].tobytes() for stop, count in zip(stops, counts, strict=True)
        ]

    def _noise(self, requests: list[dict[str, Any]]) -> NDArray[np.float32]:
        seeds = [request["seed"] + i for request in requests for i in range(request["count"])]
        noise = np.empty((len(seeds), self._noise_size), np.float32)
        for row, seed in zip(noise, seeds, strict=True):
            generator = np.random.Generator(np.random.Philox(key=seed))
            generator.standard_normal(dtype=np.float32, out=row)
        return noise

    def _condition(self, conditions: dict[str, str]) -> NDArray[np.float32]:
        vector = self._default.copy()
        for group, label in conditions.items():
            start, labels = self._groups[group]
            vector[start : start + len(labels)] = 0
            vector[start + labels.index(label)] = 1
        return vector
