"""Training of a judge: epochs over the training images, then a test on the held-out ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ganport_models.resolution import Resolution, resolution_to_json, to_size
from ganport_runtime.images.format import ImageFormat
from ganport_train.backend.device import is_out_of_memory, random_stream, resolve_precision
from ganport_train.data import Dataset
from ganport_train.data.images import progress_bar
from ganport_train.evaluation.judge import resume_state, storage
from ganport_train.evaluation.judge.accuracy import assess
from ganport_train.evaluation.judge.judge import extract_features, outputs_from_features
from ganport_train.evaluation.judge.network import (
    RESIZE_FILTER,
    JudgeNetwork,
    prepare_images,
    random_mirror,
    random_shift,
)
from ganport_train.evaluation.judge.storage import JudgeError
from ganport_train.methods.losses import classification_loss
from ganport_train.runs.checkpoint_manager import ModelState
from ganport_train.runs.train_state import StopSignal

_ORDER, _AUGMENT = range(2)  # streams of random numbers
LABEL_SMOOTHING = 0.05
"""Fraction of a label's target that is spread over all labels: some tags are wrong."""
WARMUP = 0.1
"""Fraction of the steps in which the learning rate rises."""


@dataclass(frozen=True)
class JudgeSettings:
    """Settings of a judge; equal settings and data give the same judge."""

    resolution: Resolution = 64
    width: int = 32
    architecture: str = "residual"
    epochs: int = 14
    batch_size: int = 64
    learning_rate: float = 3e-3
    """Peak of the one-cycle schedule (Smith and Topin 2017)."""
    val_fraction: float = 0.05
    seed: int = 0
    mirror: bool = True
    max_shift: int = 2
    """Largest random shift of an image, in pixels per axis."""

    def to_json(self) -> dict[str, Any]:
        """Return the settings as plain JSON."""
        return asdict(self) | {"resolution": resolution_to_json(self.resolution)}


class JudgeTrainer:
    """The training of a judge in its folder; raises JudgeError for a data set that is too small."""

    def __init__(
        self,
        folder: Path,
        dataset: Dataset,
        settings: JudgeSettings,
        device: torch.device,
        log: Callable[[str], None],
    ) -> None:
        self.folder, self.dataset, self.settings = folder, dataset, settings
        self.device, self.log = device, log
        self.train_rows, self.val_rows = dataset.split(settings.val_fraction)
        self._check_dataset()
        torch.manual_seed(settings.seed)
        self.image = ImageFormat(to_size(settings.resolution), dataset.image.mode)
        self.network = JudgeNetwork(
            dataset.conditions.size, settings.width, self.image.channels, settings.architecture
        )
        self.network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.AdamW(_param_groups(self.network), betas=(0.9, 0.99), lr=0.0)
        self.bf16 = resolve_precision("auto", device) == "bf16"
        self.steps_per_epoch = max(1, len(self.train_rows) // settings.batch_size)
        self.losses: list[float] = []
        """Mean loss of each complete epoch."""

    def resume(self) -> None:
        """Continue an unfinished training in the folder; raise JudgeError for other settings."""
        resume_state.prepare_folder(self.folder)
        latest = resume_state.read_latest(self.folder)
        if latest is None:
            return
        if changed := _differences(latest.made_from, self._made_from()):
            raise JudgeError(
                str(self.folder),
                "the data set and settings that its training started with",
                f"another {', another '.join(changed)}",
                "Run the original command, or name another --out.",
            )
        self._state().load(latest.folder)
        self.losses = list(latest.losses)
        self.log(f"resuming after epoch {len(self.losses)}")
        for name in _differences(latest.made_on, self._made_on()):
            self.log(f"note: another {name}; the judge will not be bit-identical")

    def train(self, stop: StopSignal) -> bool:
        """Train until the last epoch or a stop signal; return whether the training is complete.

        Raises JudgeError for a loss or weight that is not finite, for lack of memory, and for a
        full disk.
        """
        epochs, made_on = self.settings.epochs, self._made_on()
        self.log(
            f"training on {len(self.train_rows):,} images, {len(self.val_rows):,} held out; "
            f"{made_on['device']}, {made_on['precision']}, {made_on['threads']} threads"
        )
        while len(self.losses) < epochs and not stop.requested:
            with oom_as_judge_error():
                mean_loss = self._train_epoch(stop)
            if mean_loss is None:
                break
            self.losses.append(round(mean_loss, 5))
            self.save_epoch()
            self.log(f"epoch {len(self.losses)} of {epochs}: loss {mean_loss:.4f}")
        return len(self.losses) >= epochs

    def save_epoch(self) -> None:
        """Save the state after an epoch; raise JudgeError for weights that are not finite."""
        # The loss shows such weights only one step later.
        if name := storage.first_non_finite(self.network.state_dict()):
            raise _diverged(f"epoch {len(self.losses)}", f"NaN or infinity in weights {name}")
        made = {"made_from": self._made_from(), "made_on": self._made_on()}
        resume_state.save_epoch(self.folder, self._state(), self.losses, made)

    def finish(self, about: Mapping[str, Any]) -> Mapping[str, Any]:
        """Write the judge with its accuracy on held-out images; return the metadata.

        `about` is added to the metadata. The saved epochs are removed.
        """
        fields = {
            **about,
            "conditions": self.dataset.conditions.to_json(),
            "image": self.image.to_json(),
            "resized_with": RESIZE_FILTER,
            "width": self.settings.width,
            "settings": self.settings.to_json(),
            "made_on": self._made_on(),
            "losses": self.losses,
            "training": len(self.train_rows),
            "held_out": len(self.val_rows),
            "accuracy": self._accuracy(),
        }
        with storage.disk_errors(self.folder):
            storage.save_judge(self.folder, self.network, fields)
        resume_state.remove_state(self.folder)
        return fields

    def _check_dataset(self) -> None:
        if not self.dataset.conditions.groups:
            found = "images without labels"
            raise JudgeError("data set", "labeled images", found, "Use a labeled data set.")
        train, held_out = len(self.train_rows), len(self.val_rows)
        # Batch norm needs two images: a single one has no variance.
        if train < 2 or not held_out:
            raise JudgeError(
                "data set",
                "at least two training images and one held-out image",
                f"{train} and {held_out}",
                "Add images, or change --val-fraction.",
            )

    def _accuracy(self) -> dict[str, Any]:
        network, images = self.network.eval(), self.dataset.images[self.val_rows]
        features = extract_features(network, images, self.image, self.device)
        outputs = outputs_from_features(network, features, self.device)
        return assess(self.dataset.conditions, outputs, self.dataset.vectors[self.val_rows])

    def _made_from(self) -> dict[str, Any]:
        conditions = self.dataset.conditions.to_json()
        return {
            "data set": self.dataset.digest,
            "conditions": conditions,
            **self.settings.to_json(),
        }

    def _made_on(self) -> dict[str, Any]:
        return {
            "device": str(self.device),
            "precision": "bf16" if self.bf16 else "fp32",
            "threads": torch.get_num_threads(),
            "torch": str(torch.__version__),
        }

    def _state(self) -> ModelState:
        return ModelState({"network": self.network}, {"optimizer": self.optimizer})

    def _train_epoch(self, stop: StopSignal) -> float | None:
        """Return the mean loss of an epoch, or None if a stop signal came before its end."""
        self.network.train()
        size, steps, epoch = self.settings.batch_size, self.steps_per_epoch, len(self.losses)
        order = random_stream(self.settings.seed, _ORDER, epoch).permutation(self.train_rows)
        total = 0.0
        with progress_bar(f"epoch {epoch + 1}", steps, "steps") as done:
            for step in range(steps):
                rows = np.sort(order[step * size : (step + 1) * size])
                total += self._train_step(rows, epoch * steps + step)
                done.update()
                if stop.requested:
                    return None
        return total / steps

    def _train_step(self, rows: NDArray[np.int64], step: int) -> float:
        settings = self.settings
        random = random_stream(settings.seed, _AUGMENT, step)
        torch.manual_seed(settings.seed * 1_000_003 + step)  # for dropout
        for group in self.optimizer.param_groups:
            total_steps = settings.epochs * self.steps_per_epoch
            group["lr"] = settings.learning_rate * one_cycle(step, total_steps)
        images = prepare_images(self.dataset.images[rows], self.image, self.device)
        images = random_mirror(images, random) if settings.mirror else images
        images = random_shift(images, settings.max_shift, random)
        vectors = torch.from_numpy(self.dataset.vectors[rows]).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            outputs = self.network(images)
        loss = classification_loss(
            self.dataset.conditions,
            outputs.float(),
            vectors,
            smoothing=LABEL_SMOOTHING,
            per_label=False,
        )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise _diverged(f"step {step}", f"a loss of {value}")
        return value


def one_cycle(step: int, steps: int) -> float:
    """Return a step's fraction of the peak learning rate: a linear warmup, then a cosine."""
    progress = (step + 1) / steps
    if progress < WARMUP:
        return progress / WARMUP
    return float(0.5 + 0.5 * np.cos(np.pi * (progress - WARMUP) / (1 - WARMUP)))


@contextmanager
def oom_as_judge_error() -> Iterator[None]:
    """Raise JudgeError instead of an out-of-memory error."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise JudgeError(
            "judge training",
            "enough memory for a step",
            " ".join(str(error).split())[:200] or "none left",
            "Choose a smaller --batch-size, --width, or --resolution, and another --out.",
        ) from None


def _diverged(place: str, found: str) -> JudgeError:
    fix = "Choose a smaller --learning-rate and another --out."
    return JudgeError(f"judge training, {place}", "finite numbers", found, fix)


def _param_groups(network: nn.Module) -> list[dict[str, Any]]:
    # Biases and norms have no weight decay (He et al. 2019, section 3.1).
    weights = [value for value in network.parameters() if value.ndim > 1]
    others = [value for value in network.parameters() if value.ndim <= 1]
    return [{"params": weights, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [name.replace("_", " ") for name in after if before.get(name) != after[name]]
