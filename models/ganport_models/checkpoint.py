"""A trained generator on disk: weights, network config, conditions and provenance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from ganport_models.metadata import (
    MAX_INTEGER,
    METADATA,
    WEIGHTS,
    CheckpointError,
    as_checkpoint_error,
    read_metadata,
)
from ganport_models.network import Generator, NetworkConfig, build_generator
from ganport_models.selection import BEST, FOLDER, Score, SelectedCheckpoint, select_checkpoint
from ganport_runtime.bundle.manifest import DIRECTIONS_NAME
from ganport_runtime.conditions import Conditions
from ganport_runtime.files import sha256_of
from ganport_runtime.images.format import CHANNELS, ImageFormat
from ganport_runtime.strictjson import JsonObject, check_integer
from ganport_runtime.values import sanitize


@dataclass(frozen=True)
class Checkpoint:
    """The generator's EMA weights with recalibrated batch-norm statistics.

    On disk it is a folder: `checkpoint.json`, which lists every other file with its size and
    digest, `generator.safetensors`, and `directions.safetensors` for a flow with latent
    directions. The folder also holds the training state.

    image: format of the images: size, color mode, palette and alpha.
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
    image: ImageFormat
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

        Raises `CheckpointError` for a missing, corrupt or altered file, a newer schema, weights of
        another network, and weights that are not finite.
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
            image = _image_format(known, config)
            recipe = known.mapping("recipe")
        weights = read_tensors(folder / WEIGHTS)
        with as_checkpoint_error(folder / METADATA), torch.device("meta"):
            network = build_generator(architecture, config).state_dict()
        what = f"the weights of {architecture} with this network config"
        check_tensors(folder / WEIGHTS, weights, network, what)
        return cls(
            path=folder,
            architecture=architecture,
            config=config,
            image=image,
            conditions=conditions,
            recipe=recipe,
            step=metadata["step"],
            images=metadata["images"],
            weights=weights,
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


def check_tensors(
    path: Path,
    found: Mapping[str, object],
    expected: Mapping[str, Tensor],
    what: str,
    fix: str = "Use another checkpoint of the run.",
) -> None:
    """Raise `CheckpointError` unless `found` has the names, dtypes and shapes of `expected`.

    Every tensor must also be dense, on the CPU and finite. The error states that `path` should hold
    `what`, names the first tensor that differs, and ends with `fix`. `expected` may be on the meta
    device.
    """
    different = []
    for name in sorted(expected.keys() | found.keys()):
        wanted = _form(expected[name]) if name in expected else "absent"
        form = _describe(found[name], wanted) if name in found else "absent"
        if form != wanted:
            different.append(f"{sanitize(name)}: {form}, not {wanted}")
    if different:
        text = f"{len(different)} different tensors, the first {different[0]}"
        raise CheckpointError(str(path), what, text, fix)


def _describe(value: object, wanted: str) -> str:
    """Return the form of a tensor that was read, or the reason why it is unusable."""
    if type(value) is not Tensor or value.layout != torch.strided or value.device.type != "cpu":
        return f"{type(value).__name__} that is not a dense tensor"
    # The check for NaN allocates memory by the shape, which may be wrong.
    if _form(value) == wanted and not bool(value.isfinite().all()):
        return "NaN or infinity"
    return _form(value)


def _form(value: Tensor) -> str:
    return f"{value.dtype} {tuple(value.shape)}".removeprefix("torch.")


def _read_directions(folder: Path) -> dict[str, Tensor]:
    directions = read_tensors(folder / DIRECTIONS_NAME)
    for name, direction in directions.items():
        if direction.dtype != torch.float32:
            found = f"{sanitize(name)} in {direction.dtype}"
            raise CheckpointError.corrupt(folder / DIRECTIONS_NAME, found)
    return directions


def _network_config(metadata: JsonObject, conditions: Conditions) -> NetworkConfig:
    values = metadata.object("network_config")
    given = metadata.mapping("network_config").keys()
    # Metadata of an older ganport lacks newer fields, which then have their defaults.
    names = [f.name for f in fields(NetworkConfig) if f.name in given or f.default is MISSING]
    config = NetworkConfig(**{name: _read_number(values, name) for name in names})
    path = Path(metadata.place)
    if given - config.to_json().keys():
        raise CheckpointError.corrupt(path, "a network_config with unknown fields")
    if config.condition_size != conditions.size:
        found = f"a condition_size of {config.condition_size} and conditions of {conditions.size}"
        raise CheckpointError.corrupt(path, found)
    return config


def _read_number(values: JsonObject, name: str) -> Any:
    if name != "resolution" or not isinstance(values.value(name), list):
        return values.integer(name, 0, MAX_INTEGER)
    place = f"{values.place}: {name}"
    sides = [check_integer(side, place, 0, MAX_INTEGER) for side in values.items(name, limit=2)]
    if len(sides) != 2:
        raise CheckpointError(place, "a number or [height, width]", f"{len(sides)} numbers")
    return tuple(sides)


def _image_format(metadata: JsonObject, config: NetworkConfig) -> ImageFormat:
    modes = {channels: mode for mode, channels in CHANNELS.items()}
    expected = ImageFormat(config.size, modes[config.image_channels])
    if "image" not in metadata:  # older than schema 3
        return expected
    image = ImageFormat.from_json(metadata.value("image"), f"{metadata.place}: image")
    if (image.size, image.channels) != (expected.size, expected.channels):
        found = f"an image of {image.size} {image.mode}, and a network of {expected.size} "
        raise CheckpointError.corrupt(Path(metadata.place), found + expected.mode)
    return image
