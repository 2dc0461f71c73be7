"""A judge on disk: `judge.json` holds its metadata, `judge.safetensors` its weights."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from ganport_runtime import strictjson
from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import GanportError
from ganport_runtime.files import atomic_write, sha256_of
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.strictjson import JsonObject
from ganport_runtime.values import sanitize
from ganport_train.evaluation.judge.network import ARCHITECTURES, MIN_RESOLUTION, JudgeNetwork

SCHEMA_VERSION = 4
METADATA = "judge.json"
WEIGHTS = "judge.safetensors"
MAX_WEIGHTS = 1 << 29
"""Largest size of the weights, in bytes."""
MIN_WIDTH = 4
MAX_WIDTH = 128
MAX_RESOLUTION = 1024
_SETTINGS_OF_SCHEMA_1 = {
    "batch": "batch_size",
    "held_out": "val_fraction",
    "rate": "learning_rate",
    "shift": "max_shift",
}


class JudgeError(GanportError):
    """A judge that is missing, corrupt, too new, or trained on other conditions."""

    default_fix = "Name the folder that eval-gan judge --out made, or train the judge again."


@dataclass(frozen=True)
class JudgeMetadata:
    """The checked content of `judge.json`; `fields` is all of it as plain JSON."""

    conditions: Conditions
    image: ImageFormat
    """Size and color mode of the images that it sees."""
    width: int
    architecture: str
    val_fraction: float
    """Fraction of the data set that was held out from the judge's training."""
    accuracy: Mapping[str, float]
    """Accuracy on held-out images, by group."""
    weights_size: int
    """Size of the weights, in bytes."""
    weights_sha256: str
    digest: str
    """SHA-256 of `judge.json`."""
    fields: Mapping[str, Any]


def save_judge(folder: Path, network: JudgeNetwork, fields: Mapping[str, Any]) -> None:
    """Write the weights, then the metadata: `fields` and the digest of the weights."""
    state = {name: value.cpu().contiguous() for name, value in network.state_dict().items()}
    weights = safetensors.torch.save(state)
    atomic_write(folder / WEIGHTS, weights)
    metadata = {
        "schema_version": SCHEMA_VERSION,
        "kind": "judge",
        **fields,
        "weights": {"size": len(weights), "sha256": sha256_of(weights)},
    }
    atomic_write(folder / METADATA, (json.dumps(metadata, indent=1) + "\n").encode())


def read_metadata(folder: Path) -> JudgeMetadata:
    """Read the metadata of the judge in a folder; raise JudgeError."""
    path = folder / METADATA
    data = _read_file(path, strictjson.MAX_BYTES)
    try:
        return _parse_metadata(data, str(path))
    except JudgeError:
        raise
    except GanportError as error:
        raise JudgeError(error.place, error.expected, error.found) from None


def load_network(folder: Path, metadata: JudgeMetadata) -> JudgeNetwork:
    """Load the network that the metadata describes; raise JudgeError for other weights."""
    path = folder / WEIGHTS
    data = _read_file(path, metadata.weights_size)
    if len(data) != metadata.weights_size or sha256_of(data) != metadata.weights_sha256:
        found = f"{len(data):,} bytes with another size or digest"
        raise JudgeError(str(path), f"the weights that {METADATA} describes", found)
    outputs, width = metadata.conditions.size, metadata.width
    with torch.device("meta"):  # allocates nothing, whatever sizes the metadata states
        channels = metadata.image.channels
        network = JudgeNetwork(outputs, width, channels, metadata.architecture)
    try:
        weights = safetensors.torch.load(data)
        _check_dtypes(weights, network.state_dict())
        network.load_state_dict(weights, assign=True)
    except (SafetensorError, RuntimeError, KeyError, ValueError) as error:
        expected = f"the weights of a judge with {outputs} outputs and width {width}"
        found = sanitize(" ".join(str(error).split()), 200)
        raise JudgeError(str(path), expected, found) from None
    if name := first_non_finite(weights):
        raise JudgeError(str(path), "finite weights", f"NaN or infinity in {name}")
    return network


def first_non_finite(weights: Mapping[str, Tensor]) -> str | None:
    """Return the name of the first tensor that holds NaN or infinity, or None."""
    return next((name for name, value in weights.items() if not value.isfinite().all()), None)


def migrate_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return training settings as they are today: schema 1 had other names, 3 no architecture."""
    renamed = {_SETTINGS_OF_SCHEMA_1.get(name, name): value for name, value in settings.items()}
    return {"architecture": "residual", **renamed}


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Raise JudgeError instead of the errors of writing to a judge's folder."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:  # torch and safetensors wrap OSError
        message = (isinstance(error, OSError) and error.strerror) or str(error)
        raise JudgeError(
            str(folder),
            "a writable folder with free space",
            sanitize(" ".join(message.split()), 200),
            "Free some space or correct the permissions, then run the same command again: it "
            "resumes after the last complete epoch.",
        ) from None


def _check_dtypes(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    for name in weights.keys() & expected.keys():
        if weights[name].dtype != expected[name].dtype:
            raise ValueError(f"{weights[name].dtype} for {name}")


def _parse_metadata(data: bytes, place: str) -> JudgeMetadata:
    parsed = strictjson.parse(data, place)
    version = JsonObject(parsed, place).integer("schema_version", 1, 2**31)
    assert isinstance(parsed, dict)
    if version > SCHEMA_VERSION:
        expected = f"schema version {SCHEMA_VERSION} or lower"
        raise JudgeError(place, expected, f"version {version}", "Use a newer version of ganport.")
    settings = JsonObject(parsed, place).mapping("settings")
    values = {**parsed, "settings": migrate_settings(settings)}
    fields = JsonObject(values, place)
    fields.one_of("kind", ("judge",))
    conditions = Conditions.from_json(fields.value("conditions"), f"{place}: conditions")
    accuracy, weights = fields.object("accuracy"), fields.object("weights")
    return JudgeMetadata(
        conditions=conditions,
        image=_image_format(fields),
        width=fields.integer("width", MIN_WIDTH, MAX_WIDTH),
        architecture=fields.object("settings").one_of("architecture", ARCHITECTURES),
        val_fraction=fields.object("settings").number("val_fraction"),
        accuracy={g.name: _fraction(accuracy.object(g.name)) for g in conditions.groups},
        weights_size=weights.integer("size", 0, MAX_WEIGHTS),
        weights_sha256=weights.text("sha256", limit=64),
        digest=sha256_of(data),
        fields=values,
    )


def _image_format(fields: JsonObject) -> ImageFormat:
    """Return the format of a judge's images; an older one states the side of RGB images alone."""
    if "image" in fields:
        return ImageFormat.from_json(fields.value("image"), f"{fields.place}: image")
    side = fields.integer("resolution", MIN_RESOLUTION, MAX_RESOLUTION)
    return ImageFormat((side, side))


def _fraction(fields: JsonObject) -> float:
    value = fields.number("value")
    if not 0 <= value <= 1:
        raise JudgeError(fields.place, "a fraction from 0 to 1", f"{value}")
    return value


def _read_file(path: Path, limit: int) -> bytes:
    try:
        if path.exists() and not path.is_file():  # reading a named pipe would block
            raise JudgeError(str(path), "a file of a judge", "a folder, pipe, or device")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise JudgeError(str(path), "a file of a judge", error.strerror or str(error)) from None
    if len(data) > limit:
        raise JudgeError(str(path), f"at most {limit:,} bytes", "a larger file")
    return data
