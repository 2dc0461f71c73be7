"""The making of a judge: epochs over the training pictures, then a look at those held out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ganport_train.backend.device import precision, random_stream
from ganport_train.data import Dataset
from ganport_train.data.progress import progress_bar
from ganport_train.evaluation.judge import checks, file, resume_state
from ganport_train.evaluation.judge.assessment import assess
from ganport_train.evaluation.judge.augmentation import mirrored, moved
from ganport_train.evaluation.judge.file import JudgeError
from ganport_train.evaluation.judge.judge import (
    FILTER,
    features_of,
    outputs_of,
    prepare,
)
from ganport_train.evaluation.judge.network import JudgeNetwork
from ganport_train.methods.classification import classification_loss
from ganport_train.runs.checkpoint_io import State
from ganport_train.runs.stop_signal import Interrupt

_ORDER, _AUGMENT = range(2)

SMOOTHING = 0.05
"""Share of a label's target spread over all: tags are wrong now and then."""


@dataclass(frozen=True)
class Settings:
    """What a judge is made with; the same settings and data give the same judge."""

    resolution: int = 64
    width: int = 32
    epochs: int = 14
    batch: int = 64
    rate: float = 3e-3
    """The largest learning rate of a single cycle (Smith and Topin 2017)."""
    held_out: float = 0.05
    seed: int = 0
    mirror: bool = True
    shift: int = 2
    """Pixels a picture is moved by at most, to each side."""


class JudgeTrainer:
    """A judge in the making, in the folder in which it will lie."""

    def __init__(
        self,
        folder: Path,
        dataset: Dataset,
        settings: Settings,
        device: torch.device,
        say: Callable[[str], None],
    ) -> None:
        self.folder, self.dataset, self.settings = folder, dataset, settings
        self.device, self.say = device, say
        self.train_rows, self.held_rows = dataset.split(settings.held_out)
        checks.check_enough(dataset.conditions, len(self.train_rows), len(self.held_rows))
        torch.manual_seed(settings.seed)
        self.network = JudgeNetwork(dataset.conditions.size, settings.width)
        self.network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.AdamW(_groups(self.network), betas=(0.9, 0.99), lr=0.0)
        self.half = precision("auto", device) == "bf16"
        self.steps = max(1, len(self.train_rows) // settings.batch)
        self.losses: list[float] = []
        """The mean loss of each whole epoch."""

    def resume(self) -> None:
        """Take up an unfinished training with these settings; raises JudgeError for others."""
        resume_state.prepare(self.folder)
        kept = resume_state.newest(self.folder)
        if kept is None:
            return
        changed = _differences(kept.made_from, self._made_from())
        if changed:
            raise JudgeError(
                str(self.folder),
                expected="the data set and settings that its training began with",
                found=f"another {', another '.join(changed)}",
                fix="Run the command as before, or name another --out.",
            )
        self._state().load(kept.folder)
        self.losses = list(kept.losses)
        self.say(f"going on after epoch {len(self.losses)}")
        for name in _differences(kept.made_on, self._made_on()):
            self.say(f"note: another {name}; the judge will not be the same bit for bit")

    def train(self, interrupt: Interrupt) -> bool:
        """Train to the last epoch or until somebody interrupts; True when it is complete.

        Raises JudgeError when a loss or weight is no longer finite, when memory runs out, and
        when the disk is full.
        """
        epochs, on = self.settings.epochs, self._made_on()
        self.say(
            f"training on {len(self.train_rows):,} pictures, {len(self.held_rows):,} held out; "
            f"{on['device']}, {on['precision']}, {on['threads']} threads"
        )
        while len(self.losses) < epochs and not interrupt.asked:
            with checks.memory():
                mean = self._epoch(interrupt)
            if mean is None:
                break
            self.losses.append(round(mean, 5))
            self.save()
            self.say(f"epoch {len(self.losses)} of {epochs}: loss {mean:.4f}")
        return len(self.losses) >= epochs

    def save(self) -> None:
        """Keep the state after an epoch, so that the training can go on from it."""
        checks.check_weights(self.network.state_dict(), len(self.losses))
        made = {"made_from": self._made_from(), "made_on": self._made_on()}
        resume_state.keep(self.folder, self._state(), self.losses, made)

    def finish(self, about: Mapping[str, Any]) -> Mapping[str, Any]:
        """Write the judge with its accuracy on held-out pictures; returns its card.

        `about` says more of the data set. What the training kept is removed.
        """
        card = {
            **about,
            "conditions": self.dataset.conditions.to_json(),
            "resolution": self.settings.resolution,
            "resized_with": FILTER,
            "width": self.settings.width,
            "settings": asdict(self.settings),
            "made_on": self._made_on(),
            "losses": self.losses,
            "training": len(self.train_rows),
            "held_out": len(self.held_rows),
            "accuracy": self._accuracy(),
        }
        with resume_state.room(self.folder):
            file.save(self.folder, self.network, card)
        resume_state.remove(self.folder)
        return card

    def _accuracy(self) -> Mapping[str, Any]:
        network = self.network.eval()
        images = self.dataset.images[self.held_rows]
        features = features_of(
            network, images, self.settings.resolution, self.device, progress=True
        )
        outputs = outputs_of(network, features, self.device)
        return assess(self.dataset.conditions, outputs, self.dataset.vectors[self.held_rows])

    def _made_from(self) -> dict[str, Any]:
        conditions = self.dataset.conditions.to_json()
        return {"data set": self.dataset.digest, "conditions": conditions, **asdict(self.settings)}

    def _made_on(self) -> dict[str, Any]:
        return {
            "device": str(self.device),
            "precision": "bf16" if self.half else "fp32",
            "threads": torch.get_num_threads(),
            "torch": str(torch.__version__),
        }

    def _state(self) -> State:
        return State({"network": self.network}, {"optimizer": self.optimizer})

    def _epoch(self, interrupt: Interrupt) -> float | None:
        """The mean loss of an epoch; None when it was interrupted half-way."""
        self.network.train()
        settings, epoch = self.settings, len(self.losses)
        order = random_stream(settings.seed, _ORDER, epoch).permutation(self.train_rows)
        total = 0.0
        with progress_bar(f"epoch {epoch + 1}", self.steps, "steps", shown=True) as done:
            for step in range(self.steps):
                rows = np.sort(order[step * settings.batch : (step + 1) * settings.batch])
                total += self._step(rows, epoch * self.steps + step)
                done.update()
                if interrupt.asked:
                    return None
        return total / self.steps

    def _step(self, rows: NDArray[np.int64], step: int) -> float:
        settings = self.settings
        random = random_stream(settings.seed, _AUGMENT, step)
        torch.manual_seed(settings.seed * 1_000_003 + step)  # for dropout
        for group in self.optimizer.param_groups:
            group["lr"] = settings.rate * cycle(step, settings.epochs * self.steps)
        images = prepare(self.dataset.images[rows], settings.resolution, self.device)
        images = moved(
            mirrored(images, random) if settings.mirror else images, settings.shift, random
        )
        vectors = torch.from_numpy(self.dataset.vectors[rows]).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            outputs = self.network(images)
        value = classification_loss(
            self.dataset.conditions,
            outputs.float(),
            vectors,
            smoothing=SMOOTHING,
            per_label=False,
        )
        self.optimizer.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return checks.check_loss(float(value.detach()), step)


def cycle(step: int, steps: int) -> float:
    """The learning rate of a step as a share of its largest: up for a tenth, then down a cosine."""
    place = (step + 1) / steps
    if place < 0.1:
        return place / 0.1
    return float(0.5 + 0.5 * np.cos(np.pi * (place - 0.1) / 0.9))


def _groups(network: nn.Module) -> list[dict[str, Any]]:
    # No decay of biases and norms (He et al. 2019, section 3.1).
    weights = [value for value in network.parameters() if value.ndim > 1]
    others = [value for value in network.parameters() if value.ndim <= 1]
    return [{"params": weights, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [name.replace("_", " ") for name in after if before.get(name) != after[name]]
