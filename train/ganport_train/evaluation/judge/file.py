"""A judge on disk: `judge.json`, the card, and `judge.safetensors`, the weights it covers."""

from __future__ import annotations

import json
from collections.abc import Mapping
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
from ganport_runtime.strictjson import JsonObject
from ganport_runtime.values import sanitize
from ganport_train.evaluation.judge.network import MIN_RESOLUTION, JudgeNetwork

SCHEMA_VERSION = 1
CARD = "judge.json"
WEIGHTS = "judge.safetensors"
MAX_WEIGHTS = 1 << 29
"""Bytes of the weights."""
MIN_WIDTH = 4
MAX_WIDTH = 128
MAX_RESOLUTION = 1024


class JudgeError(GanportError):
    """A judge that is missing, torn, altered, of a newer version, or of another data set."""


@dataclass(frozen=True)
class Card:
    """The card of a judge, checked; `fields` is all of it as plain JSON."""

    conditions: Conditions
    resolution: int
    width: int
    real: Mapping[str, float]
    """Accuracy on held-out pictures by group."""
    size: int
    """Bytes of the weights."""
    sha256: str
    """Of the weights."""
    digest: str
    """SHA-256 of the card."""
    fields: Mapping[str, Any]


def save(folder: Path, network: JudgeNetwork, facts: Mapping[str, Any]) -> None:
    """Write weights, then the card over them; `facts` are the card's fields, save for `weights`."""
    state = {name: value.cpu().contiguous() for name, value in network.state_dict().items()}
    weights = safetensors.torch.save(state)
    atomic_write(folder / WEIGHTS, weights)
    described = {"size": len(weights), "sha256": sha256_of(weights)}
    card = {"schema_version": SCHEMA_VERSION, "kind": "judge", **facts, "weights": described}
    atomic_write(folder / CARD, (json.dumps(card, indent=1) + "\n").encode())


def read_card(folder: Path) -> Card:
    """The card of the judge in a folder; raises JudgeError."""
    path = folder / CARD
    data = _read(path, strictjson.MAX_BYTES)
    try:
        return _card(data, str(path))
    except JudgeError:
        raise
    except GanportError as error:
        raise JudgeError(
            error.place, expected=error.expected, found=error.found, fix=_FIX
        ) from None


def load_network(folder: Path, card: Card) -> JudgeNetwork:
    """The network of a card with its weights; raises JudgeError unless they are those it states."""
    path = folder / WEIGHTS
    data = _read(path, card.size)
    if len(data) != card.size or sha256_of(data) != card.sha256:
        raise _fault(path, "the weights that the card states", f"{len(data):,} other bytes")
    with torch.device("meta"):  # takes no memory, whatever sizes the card states
        network = JudgeNetwork(card.conditions.size, card.width)
    expected = f"the weights of a judge of {card.conditions.size} outputs and width {card.width}"
    try:
        weights = safetensors.torch.load(data)
        _check_dtypes(weights, network.state_dict())
        network.load_state_dict(weights, assign=True)
    except (SafetensorError, RuntimeError, KeyError, ValueError) as error:
        found = sanitize(" ".join(str(error).split()), 200)
        raise _fault(path, expected, found) from None
    broken = not_finite(weights)
    if broken:
        raise _fault(path, "finite weights", f"NaN or infinity in {broken}")
    return network


def not_finite(weights: Mapping[str, Tensor]) -> str | None:
    """The name of the first tensor that holds NaN or infinity, if any does."""
    return next((name for name, value in weights.items() if not value.isfinite().all()), None)


def _check_dtypes(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    for name in weights.keys() & expected.keys():
        if weights[name].dtype != expected[name].dtype:
            raise ValueError(f"{weights[name].dtype} for {name}")


def _card(data: bytes, place: str) -> Card:
    card = strictjson.parse(data, place)
    known = JsonObject(card, place)
    assert isinstance(card, dict)
    version = known.integer("schema_version", 1, 2**31)
    if version > SCHEMA_VERSION:
        raise JudgeError(
            place,
            expected=f"schema version {SCHEMA_VERSION} or lower",
            found=f"version {version}",
            fix="Use a newer ganport.",
        )
    known.one_of("kind", ("judge",))
    conditions = Conditions.from_json(known.value("conditions"), f"{place}: conditions")
    known.object("settings").number("held_out")  # by which others find the pictures it never saw
    accuracy = known.object("accuracy")
    weights = known.object("weights")
    return Card(
        conditions=conditions,
        resolution=known.integer("resolution", MIN_RESOLUTION, MAX_RESOLUTION),
        width=known.integer("width", MIN_WIDTH, MAX_WIDTH),
        real={group.name: _share(accuracy.object(group.name)) for group in conditions.groups},
        size=weights.integer("size", 0, MAX_WEIGHTS),
        sha256=weights.text("sha256", limit=64),
        digest=sha256_of(data),
        fields=card,
    )


def _share(found: JsonObject) -> float:
    share = found.number("value")
    if not 0 <= share <= 1:
        raise _fault(Path(found.place), "a share from 0 to 1", f"{share}")
    return share


def _read(path: Path, limit: int) -> bytes:
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise _fault(path, "a judge's file", "something else")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise _fault(path, "a judge's file", error.strerror or str(error)) from None
    if len(data) > limit:
        raise _fault(path, f"at most {limit:,} bytes", "more")
    return data


def _fault(path: Path, expected: str, found: str) -> JudgeError:
    return JudgeError(str(path), expected=expected, found=found, fix=_FIX)


_FIX = "Name the folder that eval-gan judge --out made, or train the judge again."
