"""A generator that is ready to draw, on disk: weights, shape, conditions and where it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ganport_models.network import Generator, Shape
from ganport_models.registry import build_generator
from ganport_runtime import strictjson
from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import GanportError
from ganport_runtime.files import sha256_of
from ganport_runtime.strictjson import Fields
from ganport_runtime.values import printable

SCHEMA_VERSION = 1
CARD = "checkpoint.json"
WEIGHTS = "generator.safetensors"
FOLDER = "checkpoints"
"""The folder of a run in which its checkpoints lie, one folder each, named by step."""
_ANOTHER = "Name the run's folder, and the newest whole checkpoint is taken."
_MOST = 2**63 - 1
_DTYPES = {torch.float32: "F32", torch.int64: "I64"}
"""What the tensors of networks are, as safetensors calls it."""


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

        Raises CheckpointError when there is none, when a file is torn or altered, when the
        schema is newer than this program, or when the weights are not those of the network that
        the card names; they are compared before any of them is read.
        """
        folder, card = newest(path) if (path / FOLDER).is_dir() else (path, read_card(path))
        with _as_fault_of(folder / CARD) as place:
            known = Fields(card, place)
            architecture = known.text("architecture")
            conditions = Conditions.from_json(known.value("conditions"), f"{place}: conditions")
            shape = _shape(known, conditions)
            recipe = known.mapping("recipe")
        _check_weights(folder / WEIGHTS, architecture, shape)
        return cls(
            path=folder,
            architecture=architecture,
            shape=shape,
            conditions=conditions,
            recipe=recipe,
            step=card["step"],
            images=card["images"],
            weights=read_tensors(folder / WEIGHTS),
            digest=sha256_of(folder / CARD),
        )

    def generator(self) -> Generator:
        """The generator, built, with its weights, in eval mode."""
        generator = build_generator(self.architecture, self.shape)
        generator.load_state_dict(dict(self.weights))
        return generator.eval()


def describe_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and sha256 of every file of a folder, for its card."""
    return {
        file.name: {"size": file.stat().st_size, "sha256": sha256_of(file)}
        for file in sorted(folder.iterdir())
        if file.name != CARD
    }


def newest(run: Path) -> tuple[Path, dict[str, Any]]:
    """The newest good checkpoint folder of a run, and its card.

    Raises CheckpointError, naming what is wrong with each, when there is none.
    """
    faults: list[str] = []
    for folder in sorted((run / FOLDER).glob("[0-9]*"), reverse=True):
        try:
            return folder, read_card(folder)
        except CheckpointError as error:
            faults.append(f"{error.place}: {error.found}")
    raise CheckpointError(
        str(run / FOLDER),
        expected="a whole checkpoint",
        found="; ".join(faults) or "none",
        fix="Put a good copy of one back, or train again with another --out."
        if faults
        else "Train first: train-gan RECIPE --data PATH --out RUN.",
    )


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a checkpoint, once every file it names has the size and digest it states.

    Its `schema_version`, `step` and `images` are whole numbers in range, and its `files` name
    the weights. Raises CheckpointError.
    """
    path = folder / CARD
    with _as_fault_of(path) as place:
        card = strictjson.parse(_read(path), place)
        known = Fields(card, place)
        assert isinstance(card, dict)
        version = known.integer("schema_version", 1, _MOST)
        if version > SCHEMA_VERSION:
            raise CheckpointError(
                place,
                expected=f"schema version {SCHEMA_VERSION} or lower",
                found=f"version {version}",
                fix="Use a newer ganport.",
            )
        for name in ("step", "images"):
            known.integer(name, 0, _MOST)
        files = known.object("files")
        files.object(WEIGHTS)
        for name in card["files"]:
            _check_file(folder, name, files)
        return card


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file; raises CheckpointError when it is torn."""
    try:
        return safetensors.torch.load_file(path)
    except (OSError, SafetensorError) as error:
        raise _torn(path, str(error)) from None


def _read(card: Path) -> bytes:
    try:
        if not card.is_file():
            raise _torn(card, "no such file")
        size = card.stat().st_size
        if size > strictjson.MAX_BYTES:
            raise _torn(card, f"a file of {size:,} bytes")
        return card.read_bytes()
    except OSError as error:
        raise _torn(card, error.strerror or str(error)) from None


def _check_file(folder: Path, name: str, files: Fields) -> None:
    place = folder / printable(name)
    if place.name != name:  # a path, or a name that no message could show
        raise _torn(place, "no plain name of a file")
    try:
        if not place.is_file():
            raise _torn(place, "no such file")
        stated = files.object(name)
        size = place.stat().st_size
        if size != stated.integer("size", 0, _MOST):
            raise _torn(place, f"{size} bytes")
        if sha256_of(place) != stated.value("sha256"):
            raise _torn(place, "another sha256 than its card states")
    except OSError as error:
        raise _torn(place, error.strerror or str(error)) from None


def _check_weights(path: Path, architecture: str, shape: Shape) -> None:
    """Compares the header of the weights with a network that takes no memory."""
    with _as_fault_of(path.with_name(CARD)), torch.device("meta"):
        network = build_generator(architecture, shape).state_dict()
    expected = {name: (_DTYPES[value.dtype], list(value.shape)) for name, value in network.items()}
    try:
        with safe_open(path, framework="pt") as file:
            parts = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            found = {name: (part.get_dtype(), part.get_shape()) for name, part in parts.items()}
    except (OSError, SafetensorError) as error:
        raise _torn(path, str(error)) from None
    wrong = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    if wrong:
        raise CheckpointError(
            str(path),
            expected=f"the weights of {architecture} in this shape",
            found=f"{len(wrong)} tensors that differ, the first {printable(wrong[0])}",
            fix="Take another checkpoint of the run.",
        )


def _torn(place: Path, found: str) -> CheckpointError:
    return CheckpointError(
        str(place),
        expected="a whole, unaltered checkpoint file",
        found=found,
        fix=_ANOTHER,
    )


def _shape(card: Fields, conditions: Conditions) -> Shape:
    numbers = card.object("shape")
    shape = Shape(**{entry.name: numbers.integer(entry.name, 0, _MOST) for entry in fields(Shape)})
    if card.mapping("shape").keys() != shape.to_json().keys():
        raise _torn(Path(card.place), "a shape with numbers that this ganport does not know")
    if shape.condition_size != conditions.size:
        raise _torn(
            Path(card.place),
            f"a condition_size of {shape.condition_size} beside conditions of {conditions.size}",
        )
    return shape


@contextmanager
def _as_fault_of(card: Path) -> Iterator[str]:
    """Gives the card's place; what anything else refuses in it becomes a CheckpointError."""
    place = str(card)
    try:
        yield place
    except CheckpointError:
        raise
    except GanportError as error:
        where = error.place if error.place.startswith(place) else f"{place}: {error.place}"
        raise CheckpointError(
            where, expected=error.expected, found=error.found, fix=_ANOTHER
        ) from None
