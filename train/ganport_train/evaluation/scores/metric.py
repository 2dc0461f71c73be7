"""One figure of a report, with its interval and what real pictures get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ganport_train.evaluation.metrics.intervals import of_mean

Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Figure:
    """A figure under a title, in a section of the report.

    `low` and `high` bound its 95 % interval where it was measured in several rounds; `real` is what
    real pictures get in the place of drawn ones; `note` says what else must be known.
    """

    title: str
    section: str
    value: float
    better: Better | None = None
    low: float | None = None
    high: float | None = None
    real: float | None = None
    unit: str = ""
    note: str = ""

    @classmethod
    def over_rounds(cls, title: str, section: str, values: Sequence[float], **more: Any) -> Figure:
        """The mean of a figure's values, one a round, with Student's interval of that mean, which
        ends at 0 and 1 for shares (unit "%")."""
        mean, low, high = of_mean(values)
        if len(values) < 2:
            return cls(title, section, mean, **more)
        if more.get("unit") == "%":
            # The share of something else's spread may be over 1.
            low, high = max(0.0, low), min(max(1.0, *values), high)
        return cls(title, section, mean, low=low, high=high, **more)

    def to_json(self) -> dict[str, Any]:
        """The figure as plain JSON."""
        return asdict(self)
