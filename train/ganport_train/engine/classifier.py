"""The classifier of `method.classifier`: a judge from whose loss the generator learns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from ganport_runtime.conditions import Conditions
from ganport_train.config.parsing import RecipeError
from ganport_train.data import Dataset

_FIX = "Train another one: eval-gan judge --data DATA --resolution SIZE --out FOLDER."

_MIRRORED = (
    "the classifier learned from mirrored images, and data.mirror is false: it may miss what only "
    "one side shows. Train it with eval-gan judge --no-mirror."
)


def load_classifier(
    folder: str,
    dataset: Dataset,
    device: torch.device,
    mirror: bool = True,
    log: Callable[[str], None] = print,
) -> nn.Module | None:
    """Load the network of the judge in a folder; return None for no folder.

    It maps images (N, C, H, W) of the data set, in [-1, 1], to outputs (N, condition_size). Judge
    the generator by another judge, with another seed: it learns what this one likes. Logs a warning
    if the judge learned from mirrored images and the run does not `mirror`.

    Raises JudgeError for a folder without a judge, and RecipeError for a judge of other conditions
    or of images with another size or mode.
    """
    if not folder:
        return None
    # Imports torchvision, which takes a second.
    from ganport_train.evaluation.judge.judge import Judge

    judge = Judge.load(Path(folder), device)
    place = f"method.classifier = {folder}"
    if judge.conditions != dataset.conditions:
        expected = f"a judge of the data set's groups: {_names(dataset.conditions)}"
        raise RecipeError(place, expected, _names(judge.conditions), _FIX)
    expected, found = (
        f"{image.mode} images of {image.height} x {image.width} pixels"
        for image in (dataset.image, judge.metadata.image)
    )
    if expected != found:
        raise RecipeError(place, f"a judge of {expected}", found, _FIX)
    if not mirror and judge.metadata.fields["settings"].get("mirror"):
        log(f"warning: {place}: {_MIRRORED}")
    return judge.network


def _names(conditions: Conditions) -> str:
    return ", ".join(f"{group.name} ({group.size})" for group in conditions.groups) or "none"
