"""What the condition groups whose values are labels have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ganport_runtime.conditions.base import ConditionGroup, lerp
from ganport_runtime.conditions.colors import closest_color_label, is_hex
from ganport_runtime.errors import ConditionError
from ganport_runtime.strictjson import JsonObject, check_text
from ganport_runtime.values import check_distinct, format_choices

MAX_LABELS = 16384


@dataclass(frozen=True)
class LabelGroup(ConditionGroup):
    name: str
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "labels", check_distinct(self.name, self.labels))

    @property
    def size(self) -> int:
        return len(self.labels)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {label: index for index, label in enumerate(self.labels)}

    def from_word(self, word: str) -> Any:
        self._refuse_colour(word)

    def _refuse_colour(self, value: object) -> None:
        """Raise `ConditionError` where a colour stands for a label, naming the label most like."""
        if not is_hex(value) or value in self._index:
            return
        near = closest_color_label(str(value), self.labels) or self.labels[0]
        raise ConditionError(
            f"condition {self.name!r}",
            expected=f"one of {format_choices(self.labels)}",
            found=f"the colour {value}",
            fix=f"It takes labels: ask for {near!r}.",
        )

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "kind": self.kind, "labels": list(self.labels)}


def lerp_weights(
    first: Mapping[str, float], second: Mapping[str, float], share: float
) -> dict[str, float]:
    """Weights `share` of the way from one to another, those of 0 left out."""
    weights = {
        label: lerp(first.get(label, 0.0), second.get(label, 0.0), share)
        for label in (*first, *second)
    }
    return {label: weight for label, weight in weights.items() if weight > 0.0}


def format_weights(weights: Mapping[str, float]) -> list[str]:
    return [
        label if weight == 1.0 else f"{100 * weight:.3g}% {label}"
        for label, weight in weights.items()
    ]


def read_labels(fields: JsonObject) -> tuple[str, ...]:
    entries = enumerate(fields.items("labels", limit=MAX_LABELS))
    return tuple(
        check_text(label, f"{fields.place}.labels[{i}]", limit=100) for i, label in entries
    )
