"""How far a run has come, and the figures of the steps that its next record will hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ganport_train.runs.step_metrics import Figures


@dataclass
class Progress:
    """How far a run has come: all of it a function of its steps, but for the time."""

    batch: int
    """Pictures a step."""
    pictures: int
    """Pictures an epoch."""
    step: int = 0
    seconds: float = 0.0
    """Time spent training, resumed parts counted in."""
    window: list[Figures] = field(default_factory=list)
    """Figures of the steps since the last tick."""

    @property
    def images(self) -> int:
        """Real pictures seen."""
        return self.step * self.batch

    def advance(self, figures: Figures) -> None:
        """Counts a step, and keeps its figures for the next record."""
        self.window.append(figures)
        self.step += 1

    def ticked(self) -> list[Figures]:
        """The figures since the last tick; from here on those of the next are gathered."""
        window, self.window = self.window, []
        return window

    def taken_up(self, step: int, seconds: float) -> None:
        """Goes to a step, as a checkpoint has it, after so much time, and forgets all figures."""
        self.step, self.seconds, self.window = step, seconds, []

    def place(self) -> dict[str, Any]:
        """How far the run has come, as its records say it."""
        return {
            "step": self.step,
            "images": self.images,
            "epoch": round(self.images / self.pictures, 4),
            "seconds": round(self.seconds, 2),
        }
