"""A generator that is ready to draw, on disk: weights, shape, conditions and where it came from."""

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
    CARD,
    MOST,
    WEIGHTS,
    CheckpointError,
    as_fault_of,
    read_card,
    torn,
)
from ganport_models.network import Generator, NetworkConfig
from ganport_models.registry import build_generator
from ganport_models.selection import (
    BEST,
    FOLDER,
    Choice,
    Score,
    choose,
)
from ganport_runtime.bundle.manifest import DIRECTIONS_NAME
from ganport_runtime.conditions import Conditions
from ganport_runtime.files import sha256_of
from ganport_runtime.strictjson import JsonObject
from ganport_runtime.values import sanitize

_DTYPES = {torch.float32: "F32", torch.int64: "I64"}
"""What the tensors of networks are, as safetensors calls it."""


@dataclass(frozen=True)
class Checkpoint:
    """The generator's running average with its batch-norm statistics re-estimated.

    On disk it is a folder: `checkpoint.json`, which names every other file with its size and
    digest, `generator.safetensors`, and `directions.safetensors` for a flow whose training worked
    them out. Training keeps its own state beside them.
    """

    path: Path
    architecture: str
    config: NetworkConfig
    conditions: Conditions
    recipe: Mapping[str, Any]
    """The resolved recipe the run was made from, as plain JSON."""
    step: int
    images: int
    """Real pictures seen."""
    weights: Mapping[str, Tensor]
    digest: str
    """sha256 of checkpoint.json, which itself covers every file."""
    reason: str = ""
    """Why it was taken among those of its run, in words; empty when its own folder was named."""
    score: float | None = None
    """Its light score, 0 to 1, if it has one."""
    directions: Mapping[str, Tensor] = field(default_factory=dict)
    """The latent direction of each attribute, float32 (*z_shape); empty where there are none."""

    @classmethod
    def load(cls, path: Path, take: str = BEST) -> Checkpoint:
        """The checkpoint in a folder, or one of a run's folder, as `choice.choose` takes it.

        Raises CheckpointError when there is none, when a file is torn or altered, when the
        schema is newer than this program, or when the weights are not those of the network that
        the card names; they are compared before any of them is read.
        """
        whole_run = (path / FOLDER).is_dir()
        choice = choose(path, take) if whole_run else Choice(path, read_card(path), "")
        folder, card = choice.folder, choice.card
        with as_fault_of(folder / CARD) as place:
            known = JsonObject(card, place)
            architecture = known.text("architecture")
            conditions = Conditions.from_json(known.value("conditions"), f"{place}: conditions")
            config = _network_config(known, conditions)
            recipe = known.mapping("recipe")
        _check_weights(folder / WEIGHTS, architecture, config)
        return cls(
            path=folder,
            architecture=architecture,
            config=config,
            conditions=conditions,
            recipe=recipe,
            step=card["step"],
            images=card["images"],
            weights=read_tensors(folder / WEIGHTS),
            digest=sha256_of(folder / CARD),
            reason=choice.reason,
            score=score.value if (score := Score.of(folder)) else None,
            directions=_read_directions(folder) if DIRECTIONS_NAME in card["files"] else {},
        )

    def generator(self) -> Generator:
        """The generator, built, with its weights, in eval mode."""
        generator = build_generator(self.architecture, self.config)
        generator.load_state_dict(dict(self.weights))
        return generator.eval()


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file; raises CheckpointError when it is torn."""
    try:
        return safetensors.torch.load_file(path)
    except (OSError, SafetensorError) as error:
        raise torn(path, str(error)) from None


def _read_directions(folder: Path) -> dict[str, Tensor]:
    directions = read_tensors(folder / DIRECTIONS_NAME)
    for name, direction in directions.items():
        if direction.dtype != torch.float32:
            found = f"{sanitize(name)} in {direction.dtype}"
            raise torn(folder / DIRECTIONS_NAME, found)
    return directions


def _check_weights(path: Path, architecture: str, config: NetworkConfig) -> None:
    """Compares the header of the weights with a network that takes no memory."""
    with as_fault_of(path.with_name(CARD)), torch.device("meta"):
        network = build_generator(architecture, config).state_dict()
    expected = {name: (_DTYPES[value.dtype], list(value.shape)) for name, value in network.items()}
    try:
        with safe_open(path, framework="pt") as file:
            parts = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            found = {name: (part.get_dtype(), part.get_shape()) for name, part in parts.items()}
    except (OSError, SafetensorError) as error:
        raise torn(path, str(error)) from None
    wrong = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    if wrong:
        raise CheckpointError(
            str(path),
            expected=f"the weights of {architecture} with these numbers",
            found=f"{len(wrong)} tensors that differ, the first {sanitize(wrong[0])}",
            fix="Take another checkpoint of the run.",
        )


def _network_config(card: JsonObject, conditions: Conditions) -> NetworkConfig:
    numbers = card.object("network_config")
    given = card.mapping("network_config").keys()
    # A card of an older ganport lacks the numbers that came later, and means what they start as.
    names = [
        one.name for one in fields(NetworkConfig) if one.name in given or one.default is MISSING
    ]
    config = NetworkConfig(**{name: numbers.integer(name, 0, MOST) for name in names})
    if given - config.to_json().keys():
        raise torn(Path(card.place), "a network_config with numbers that are unknown")
    if config.condition_size != conditions.size:
        raise torn(
            Path(card.place),
            f"a condition_size of {config.condition_size} beside conditions of {conditions.size}",
        )
    return config
