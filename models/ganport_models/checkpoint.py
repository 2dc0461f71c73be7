"""A generator that is ready to draw, on disk: weights, shape, conditions and where it came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from ganport_models.network import Generator, Shape
from ganport_models.registry import build_generator
from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import GanportError
from ganport_runtime.files import sha256_of

SCHEMA_VERSION = 1
CARD = "checkpoint.json"
WEIGHTS = "generator.safetensors"
FOLDER = "checkpoints"
"""The folder of a run in which its checkpoints lie, one folder each, named by step."""
_MAX_CARD = 16 * 2**20


class CheckpointError(GanportError):
    """A checkpoint that is missing, torn, altered or of a newer version."""


@dataclass(frozen=True)
class Checkpoint:
    """The generator's running average with its batch-norm statistics re-estimated.

    On disk it is a folder: `checkpoint.json`, which names every other file with its size and
    digest, and `generator.safetensors`. Training keeps its own state beside them.
    """

    path: Path
    architecture: str
    shape: Shape
    conditions: Conditions
    recipe: Mapping[str, Any]
    """The resolved recipe the run was made from, as plain JSON."""
    step: int
    images: int
    """Real pictures seen."""
    weights: Mapping[str, Tensor]
    digest: str
    """sha256 of checkpoint.json, which itself covers every file."""

    @classmethod
    def load(cls, path: Path) -> Checkpoint:
        """The checkpoint in a folder, or the latest good one of a run's folder.

        Raises CheckpointError when there is none, when a file is torn or altered, or when the
        schema is newer than this program.
        """
        folder = latest(path) if (path / FOLDER).is_dir() else path
        card = read_card(folder)
        weights = read_tensors(folder / WEIGHTS)
        return cls(
            path=folder,
            architecture=_field(folder, card, "architecture", str),
            shape=_shape(folder, _field(folder, card, "shape", dict)),
            conditions=Conditions.from_json(card.get("conditions"), str(folder / CARD)),
            recipe=_field(folder, card, "recipe", dict),
            step=_field(folder, card, "step", int),
            images=_field(folder, card, "images", int),
            weights=weights,
            digest=sha256_of(folder / CARD),
        )

    def generator(self) -> Generator:
        """The generator, built, with its weights, in eval mode."""
        generator = build_generator(self.architecture, self.shape)
        try:
            generator.load_state_dict(dict(self.weights))
        except RuntimeError as error:
            raise CheckpointError(
                str(self.path / WEIGHTS),
                expected=f"the weights of {self.architecture} in this shape",
                found=" ".join(str(error).split())[:300],
                fix="Take another checkpoint of the run.",
            ) from None
        return generator.eval()


def describe_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and sha256 of every file of a folder, for its card."""
    return {
        file.name: {"size": file.stat().st_size, "sha256": sha256_of(file)}
        for file in sorted(folder.iterdir())
        if file.name != CARD
    }


def latest(run: Path) -> Path:
    """The newest good checkpoint folder of a run; raises CheckpointError when there is none."""
    reasons: list[str] = []
    for folder in sorted((run / FOLDER).glob("[0-9]*"), reverse=True):
        try:
            read_card(folder)
        except CheckpointError as error:
            reasons.append(str(error))
        else:
            return folder
    raise CheckpointError(
        str(run / FOLDER),
        expected="a whole checkpoint",
        found="; ".join(reasons) or "none",
        fix="Train first: train-gan RECIPE --data PATH --out RUN.",
    )


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a checkpoint, once every file it names has the size and digest it states."""
    place = folder / CARD
    try:
        if place.stat().st_size > _MAX_CARD:
            raise ValueError(f"a file of {place.stat().st_size} bytes")
        card: dict[str, Any] = json.loads(place.read_bytes())
        files = dict(card["files"])
        version = int(card["schema_version"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _torn(place, f"{type(error).__name__}: {error}") from None
    if version > SCHEMA_VERSION:
        raise CheckpointError(
            str(place),
            expected=f"schema version {SCHEMA_VERSION} or lower",
            found=str(version),
            fix="Use a newer ganport.",
        )
    for name, stated in files.items():
        _check_file(folder, name, stated)
    return card


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file; raises CheckpointError when it is torn."""
    try:
        return safetensors.torch.load_file(path)
    except (OSError, SafetensorError) as error:
        raise _torn(path, str(error)) from None


def _check_file(folder: Path, name: str, stated: Any) -> None:
    place = folder / name
    if Path(name).name != name or not place.is_file():
        raise _torn(place, "no such file")
    if not isinstance(stated, dict) or place.stat().st_size != stated.get("size"):
        raise _torn(place, f"{place.stat().st_size} bytes")
    if sha256_of(place) != stated.get("sha256"):
        raise _torn(place, "another sha256 than its card states")


def _torn(place: Path, found: str) -> CheckpointError:
    return CheckpointError(
        str(place),
        expected="a whole, unaltered checkpoint file",
        found=found,
        fix="Name the run's folder, and the newest whole checkpoint is taken.",
    )


def _field(folder: Path, card: dict[str, Any], name: str, kind: type[Any]) -> Any:
    value = card.get(name)
    if not isinstance(value, kind):
        raise _torn(folder / CARD, f"{name} = {value!r}")
    return value


def _shape(folder: Path, fields: dict[str, Any]) -> Shape:
    try:
        return Shape(**{name: int(value) for name, value in fields.items()})
    except (TypeError, ValueError) as error:
        raise _torn(folder / CARD, f"shape: {error}") from None
