"""What one would write by hand to serve a bundle's graph: a session, numpy noise, one-hot labels.

The peers run it in their own virtual environment, so it needs numpy and onnxruntime alone.
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

SETTING = "GANPORT_BENCHMARK_PEER"


@dataclass(frozen=True)
class Setting:
    """How a peer is to serve; it comes as JSON in an environment variable."""

    folder: str
    """With `model.onnx` and `labels.json`."""
    port: int
    batch: int
    """Requests merged into one run at most; 1 merges none."""
    wait: float
    """How long the first request waits for others, in seconds."""
    workers: int
    threads: int
    """Of each worker's session."""

    @classmethod
    def read(cls) -> Setting:
        return cls(**json.loads(os.environ[SETTING]))


class Bare:
    """Pictures of requests like {"conditions": {"hair": "pink"}, "seed": 7, "count": 1}."""

    def __init__(self, folder: str, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        model = str(Path(folder) / "model.onnx")
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        labels = json.loads((Path(folder) / "labels.json").read_text())
        self._noise: int = labels["noise"]
        self._default = np.array(labels["default"], np.float32)
        self._groups: dict[str, tuple[int, list[str]]] = labels["groups"]

    def draw(self, requests: list[dict[str, Any]]) -> list[bytes]:
        """The raw pixels of each request, all of them drawn in one run."""
        counts = [request["count"] for request in requests]
        feeds = {"z": self._noises(requests)}
        if self._default.size:
            vectors = [self._vector(request["conditions"]) for request in requests]
            feeds["condition"] = np.repeat(vectors, counts, axis=0)
        images = self._session.run(None, feeds)[0]
        ends = np.cumsum(counts)
        return [
            images[end - count : end].tobytes() for end, count in zip(ends, counts, strict=True)
        ]

    def _noises(self, requests: list[dict[str, Any]]) -> NDArray[np.float32]:
        seeds = [request["seed"] + i for request in requests for i in range(request["count"])]
        noise = np.empty((len(seeds), self._noise), np.float32)
        for row, seed in zip(noise, seeds, strict=True):
            generator = np.random.Generator(np.random.Philox(key=seed))
            generator.standard_normal(dtype=np.float32, out=row)
        return noise

    def _vector(self, asked: dict[str, str]) -> NDArray[np.float32]:
        vector = self._default.copy()
        for group, label in asked.items():
            start, labels = self._groups[group]
            vector[start : start + len(labels)] = 0
            vector[start + labels.index(label)] = 1
        return vector
