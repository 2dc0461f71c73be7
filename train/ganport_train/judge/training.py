"""The making of a judge: epochs over the training pictures, then a look at those held out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ganport_runtime.files import whole_directory, write_whole
from ganport_train.data import Dataset
from ganport_train.data.progress import bar
from ganport_train.judge import file
from ganport_train.judge.assessment import assess
from ganport_train.judge.augmentation import mirrored, moved
from ganport_train.judge.file import JudgeError
from ganport_train.judge.judge import features_of, outputs_of, prepare
from ganport_train.judge.losses import loss
from ganport_train.judge.network import JudgeNetwork
from ganport_train.loop.device import precision
from ganport_train.loop.feed import random_stream
from ganport_train.loop.interrupt import Interrupt
from ganport_train.loop.snapshots import State

STATE = "training"
"""The folder of a judge in which an unfinished training waits."""
_PROGRESS = "progress.json"
_ORDER, _AUGMENT = range(2)


@dataclass(frozen=True)
class Settings:
    """What a judge is made with; the same settings and data give the same judge."""

    resolution: int = 64
    width: int = 32
    epochs: int = 14
    batch: int = 64
    rate: float = 3e-3
    """The largest learning rate of a single cycle (Smith and Topin 2017)."""
    held_out: float = 0.1
    seed: int = 0
    mirror: bool = True
    shift: int = 2
    """Pixels a picture is moved by at most, to each side."""


@dataclass
class _Progress:
    epoch: int = 0
    losses: list[float] = field(default_factory=list)


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
        _check(dataset, len(self.train_rows), len(self.held_rows))
        torch.manual_seed(settings.seed)
        self.network = JudgeNetwork(dataset.conditions.size, settings.width)
        self.network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.AdamW(_groups(self.network), betas=(0.9, 0.99), lr=0.0)
        self.half = precision("auto", device) == "bf16"
        self.steps = max(1, len(self.train_rows) // settings.batch)
        self.progress = _Progress()

    def resume(self) -> None:
        """Take up an unfinished training with these settings; raises JudgeError for others."""
        place = self.folder / STATE / _PROGRESS
        if not place.is_file():
            return
        saved = _read_progress(place)
        wanted = self._identity()
        changed = [name for name in wanted if saved["made_from"].get(name) != wanted[name]]
        if changed:
            raise JudgeError(
                str(self.folder),
                expected="the data set and settings that its training began with",
                found=f"another {', another '.join(changed)}",
                fix="Run the command as before, or name another --out.",
            )
        self._state().load(self.folder / STATE)
        self.progress = _Progress(saved["epoch"], saved["losses"])
        self.say(f"going on after epoch {self.progress.epoch}")

    def train(self, interrupt: Interrupt) -> bool:
        """Train to the last epoch or until somebody interrupts; True when it is complete."""
        while self.progress.epoch < self.settings.epochs and not interrupt.asked:
            mean = self._epoch(interrupt)
            if mean is None:
                break
            self.progress.epoch += 1
            self.progress.losses.append(round(mean, 5))
            self.save()
            self.say(f"epoch {self.progress.epoch} of {self.settings.epochs}: loss {mean:.4f}")
        return self.progress.epoch >= self.settings.epochs

    def save(self) -> None:
        """Keep the state after an epoch, so that the training can go on from it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        progress = {"made_from": self._identity(), **asdict(self.progress)}
        with whole_directory(self.folder / STATE) as state:
            self._state().save(state)
            write_whole(state / _PROGRESS, json.dumps(progress).encode())

    def finish(self, about: Mapping[str, Any]) -> Mapping[str, Any]:
        """Write the judge with its accuracy on held-out pictures; returns its card.

        `about` says more of the data set. What the training kept is removed.
        """
        card = {
            **about,
            "conditions": self.dataset.conditions.to_json(),
            "resolution": self.settings.resolution,
            "width": self.settings.width,
            "settings": asdict(self.settings),
            "losses": self.progress.losses,
            "training": len(self.train_rows),
            "held_out": len(self.held_rows),
            "accuracy": self._accuracy(),
        }
        file.save(self.folder, self.network, card)
        shutil.rmtree(self.folder / STATE, ignore_errors=True)
        return card

    def _accuracy(self) -> Mapping[str, Any]:
        network = self.network.eval()
        images = self.dataset.images[self.held_rows]
        features = features_of(network, images, self.settings.resolution, self.device)
        outputs = outputs_of(network, features, self.device)
        return assess(self.dataset.conditions, outputs, self.dataset.vectors[self.held_rows])

    def _identity(self) -> dict[str, Any]:
        conditions = self.dataset.conditions.to_json()
        return {"data": self.dataset.digest, "conditions": conditions, **asdict(self.settings)}

    def _state(self) -> State:
        return State({"network": self.network}, {"optimizer": self.optimizer})

    def _epoch(self, interrupt: Interrupt) -> float | None:
        """The mean loss of an epoch; None when it was interrupted half-way."""
        self.network.train()
        settings, epoch = self.settings, self.progress.epoch
        order = random_stream(settings.seed, _ORDER, epoch).permutation(self.train_rows)
        total = 0.0
        with bar(f"epoch {epoch + 1}", self.steps, "steps", shown=True) as done:
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
        value = loss(self.dataset.conditions, outputs.float(), vectors)
        self.optimizer.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return _finite(float(value.detach()), step)


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


def _finite(value: float, step: int) -> float:
    if not np.isfinite(value):
        raise JudgeError(
            f"judge training, step {step}",
            expected="a finite loss",
            found=f"{value}",
            fix="Give --rate a smaller number and another --out.",
        )
    return value


def _check(dataset: Dataset, train: int, held: int) -> None:
    if not dataset.conditions.groups:
        raise JudgeError(
            "data set",
            expected="conditions that a judge can learn",
            found="none: its pictures have no labels",
            fix="Take a labelled data set.",
        )
    if not train or not held:
        raise JudgeError(
            "data set",
            expected="pictures to train on and pictures to hold out",
            found=f"{train} and {held}",
            fix="Bring more pictures, or another --held-out share.",
        )


def _read_progress(place: Path) -> Mapping[str, Any]:
    try:
        saved = json.loads(place.read_bytes())
        if isinstance(saved["epoch"], int) and isinstance(saved["losses"], list):
            return {**saved, "made_from": dict(saved["made_from"])}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise JudgeError(
        str(place),
        expected="the progress of an unfinished training",
        found="a damaged file",
        fix=f"Remove the folder {place.parent} and train again.",
    )
