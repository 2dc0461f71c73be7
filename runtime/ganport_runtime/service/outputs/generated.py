"""Pictures and what they were drawn of, told as `sample-gan` tells it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions.encoder import ConditionInput
from ganport_runtime.generator import Generator


@dataclass(frozen=True)
class Drawing:
    """Pictures, uint8 (N, H, W, 3), with the seed (none for translations) and request of each."""

    images: NDArray[np.uint8]
    seeds: Sequence[int]
    requests: ConditionInput
    generator: Generator
    temperature: float | None = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def name(self) -> str:
        return self.generator.manifest.name

    @property
    def digest(self) -> str:
        return self.generator.bundle.digest

    @cached_property
    def recipes(self) -> list[dict[str, Any]]:
        """How to draw each picture again; seeds are text, since JSON is safe to 2^53 only."""
        extra = {} if self.temperature is None else {"temperature": self.temperature}
        return [
            ({"seed": str(self.seeds[index])} if len(self.seeds) else {})
            | {"condition": condition}
            | extra
            for index, condition in enumerate(self._conditions())
        ]

    def texts(self, recipes: Sequence[dict[str, Any]]) -> dict[str, str]:
        """The metadata of a picture file; `pictures.metadata` reads it."""
        return {
            "ganport.bundle": self.name,
            "ganport.digest": self.digest,
            "ganport.pictures": json.dumps(recipes),
        }

    def _conditions(self) -> list[dict[str, Any]]:
        complete = self.generator.conditions.complete
        if isinstance(self.requests, list | tuple):
            return [complete(request) for request in self.requests]
        request: Any = self.requests
        return [complete(request)] * len(self)
