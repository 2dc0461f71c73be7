"""A trained generator on disk: weights, network config, conditions and provenance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ganport_models.metadata import (
    MAX_INTEGER,
    METADATA,
    WEIGHTS,
    CheckpointError,
    as_checkpoint_error,
    read_metadata,
)
from ganport_models.network import Generator, NetworkConfig
from ganport_models.registry import build_generator
from ganport_models.selection import BEST, FOLDER, Score, SelectedCheckpoint, select_checkpoint
from ganport_runtime.bundle.manifest import DIRECTIONS_NAME
from ganport_runtime.conditions import Conditions
from ganport_runtime.files import sha256_of
from ganport_runtime.strictjson import JsonObject
from ganport_runtime.values import sanitize

_DTYPES = {torch.float32: "F32", torch.int64: "I64"}
"""Names of tensor types in safetensors."""


@dataclass(frozen=True)
class Checkpoint:
    """The generator's EMA weights with recalibrated batch-norm statistics.

    On disk it is a folder: `checkpoint.json`, which lists every other file with its size and
    digest, `generator.safetensors`, and `directions.safetensors` for a flow with latent
    directions. The folder also holds the training state.

    recipe: the resolved recipe of the run, as plain JSON.
    images: real images seen in training.
    digest: SHA-256 of `checkpoint.json`, which covers every file.
    reason: why the checkpoint was selected; empty if its own folder was given.
    score: validation score from 0 to 1, if there is one.
    directions: latent direction of each attribute, float32 `(*z_shape)`.
    """

    path: Path
    architecture: str
    config: NetworkConfig
    conditions: Conditions
    recipe: Mapping[str, Any]
    step: int
    images: int
    weights: Mapping[str, Tensor]
    digest: str
    reason: str = ""
    score: float | None = None
    directions: Mapping[str, Tensor] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path, which: str = BEST) -> Checkpoint:
        """Load a checkpoint folder, or the checkpoint of a run that `select_checkpoint` selects.

        Compares the tensors in the header of the weights with the network before it reads them.
        Raises `CheckpointError` for a missing, corrupt or altered file, a newer schema, and
        weights of another network.
        """
        if (path / FOLDER).is_dir():
            selected = select_checkpoint(path, which)
        else:
            selected = SelectedCheckpoint(path, read_metadata(path), "")
        folder, metadata = selected.folder, selected.metadata
        with as_checkpoint_error(folder / METADATA) as location:
            known = JsonObject(metadata, location)
            architecture = known.text("architecture")
            conditions = Conditions.from_json(known.value("conditions"), f"{location}: conditions")
            config = _network_config(known, conditions)
            recipe = known.mapping("recipe")
        _check_weights(folder / WEIGHTS, architecture, config)
        return cls(
            path=folder,
            architecture=architecture,
            config=config,
            conditions=conditions,
            recipe=recipe,
            step=metadata["step"],
            images=metadata["images"],
            weights=read_tensors(folder / WEIGHTS),
            digest=sha256_of(folder / METADATA),
            reason=selected.reason,
            score=score.value if (score := Score.read(folder)) else None,
            directions=_read_directions(folder) if DIRECTIONS_NAME in metadata["files"] else {},
        )

    def generator(self) -> Generator:
        """Build the generator with its weights, in eval mode."""
        generator = build_generator(self.architecture, self.config)
        generator.load_state_dict(dict(self.weights))
        return generator.eval()


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file; raises `CheckpointError` if it is corrupt."""
    try:
        return safetensors.torch.load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError.corrupt(path, str(error)) from None


def _read_directions(folder: Path) -> dict[str, Tensor]:
    directions = read_tensors(folder / DIRECTIONS_NAME)
    for name, direction in directions.items():
        if direction.dtype != torch.float32:
            found = f"{sanitize(name)} in {direction.dtype}"
            raise CheckpointError.corrupt(folder / DIRECTIONS_NAME, found)
    return directions


def _check_weights(path: Path, architecture: str, config: NetworkConfig) -> None:
    """Compare the header of the weights with a network on the meta device."""
    with as_checkpoint_error(path.with_name(METADATA)), torch.device("meta"):
        network = build_generator(architecture, config).state_dict()
    expected = {name: (_DTYPES[value.dtype], list(value.shape)) for name, value in network.items()}
    try:
        with safe_open(path, framework="pt") as file:
            parts = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            found = {name: (part.get_dtype(), part.get_shape()) for name, part in parts.items()}
    except (OSError, SafetensorError) as error:
        raise CheckpointError.corrupt(path, str(error)) from None
    different = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    if different:
        raise CheckpointError(
            str(path),
            f"the weights of {architecture} with this network config",
            f"{len(different)} different tensors, the first {sanitize(different[0])}",
            "Use another checkpoint of the run.",
        )


def _network_config(metadata: JsonObject, conditions: Conditions) -> NetworkConfig:
    values = metadata.object("network_config")
    given = metadata.mapping("network_config").keys()
    # Metadata of an older ganport lacks newer fields, which then have their defaults.
    names = [f.name for f in fields(NetworkConfig) if f.name in given or f.default is MISSING]
    config = NetworkConfig(**{name: values.integer(name, 0, MAX_INTEGER) for name in names})
    path = Path(metadata.place)
    if given - config.to_json().keys():
        raise CheckpointError.corrupt(path, "a network_config with unknown fields")
    if config.condition_size != conditions.size:
        found = f"a condition_size of {config.condition_size} and conditions of {conditions.size}"
        raise CheckpointError.corrupt(path, found)
    return config
