"""A recipe: the complete description of a training run, in frozen dataclasses.

Its labels become conditions: label groups, pairs of two groups, RGB colors, or none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_models import NetworkConfig
from ganport_models.resolution import resolution_to_json
from ganport_runtime.conditions import Conditions, JointOneHot, OneHot, Rgb
from ganport_runtime.images.format import CHANNELS, ImageFormat
from ganport_train.config.parsing import RecipeError, documented, option
from ganport_train.config.sections import (
    AugmentOptions,
    DataOptions,
    EmaOptions,
    LengthOptions,
    LoggingOptions,
    MethodOptions,
    NetworkOptions,
    OptimizerOptions,
    RecoveryOptions,
    TrainingOptions,
)
from ganport_train.data.image_options import AUTO, found_options

RGB_RANGE = (-1.0, 1.0)
"""Range of the channels of a color, as of image channels."""
_OPTION = "data.condition_encoding"
_FIX = "Set the labels in the recipe, or set data.condition_encoding=labels."

Vocabulary = Mapping[str, Sequence[str]]
Palette = Mapping[str, Mapping[str, str]]


def build_conditions(vocabulary: Vocabulary, encoding: str, palette: Palette) -> Conditions | None:
    """Return the condition groups of a vocabulary; None for an empty one with "labels".

    "labels": a one-hot group per label group. "joint": one group of all pairs of two groups.
    "rgb": a color per group, with the labels as palette names. "none": no condition. Raise
    RecipeError if vocabulary or palette do not allow the encoding, and ConditionError for an
    invalid color.
    """
    if encoding == "labels":
        return Conditions.one_hots(vocabulary) if vocabulary else None
    if encoding == "none":
        return Conditions()
    if encoding == "joint":
        return Conditions((_build_joint(vocabulary),))
    if not vocabulary:
        raise RecipeError(_OPTION, "groups of labels under [conditions]", "none", _FIX)
    return Conditions(tuple(_build_rgb(name, vocabulary, palette) for name in vocabulary))


def decode_labels(conditions: Conditions, vector: NDArray[np.float32]) -> dict[str, Any]:
    """Return the request of a float32 (K,) vector in labels, which any encoding accepts.

    A pair becomes its two labels, and a color becomes the nearest label of its palette.
    """
    request: dict[str, Any] = {}
    for group in conditions.groups:
        values = vector[conditions.slices[group.name]]
        if isinstance(group, JointOneHot):
            request |= group.decode(values)
        elif isinstance(group, Rgb) and group.labels:
            distances = [np.linalg.norm(group.encode(label) - values) for label in group.labels]
            request[group.name] = group.labels[int(np.argmin(distances))]
        else:
            request[group.name] = group.decode(values)
    return request


def _build_joint(vocabulary: Vocabulary) -> JointOneHot:
    if len(vocabulary) != 2:
        expected = "exactly two groups under [conditions]"
        raise RecipeError(_OPTION, expected, str(len(vocabulary)), _FIX)
    first, second = (OneHot(name, tuple(labels)) for name, labels in vocabulary.items())
    return JointOneHot(f"{first.name} and {second.name}", (first, second))


def _build_rgb(name: str, vocabulary: Vocabulary, palette: Palette) -> Rgb:
    labels, colors = vocabulary[name], palette.get(name, {})
    missing = [label for label in labels if label not in colors]
    if missing:
        raise RecipeError(
            f"palette.{name}",
            expected=f"a color such as #ff88cc for each of {len(labels)} labels",
            found=f"none for {', '.join(missing[:3])}",
            fix=f"Add them to [palette.{name}] of the recipe.",
        )
    return Rgb(name, labels[0], RGB_RANGE, {label: colors[label] for label in labels})


@dataclass(frozen=True)
class Recipe:
    """A resolved recipe, which `parse` builds and checks."""

    title: str = option(MISSING, "title of the recipe", max_length=100)
    source: str = option("", "report and row, or paper", max_length=100)
    conditions: dict[str, tuple[str, ...]] = field(
        default_factory=dict,
        metadata=documented("labels of each one-hot group; empty = the labels of the data set"),
    )
    palette: dict[str, dict[str, str]] = field(
        default_factory=dict,
        metadata=documented("color of each label of each group, for condition_encoding = rgb"),
    )
    presets: dict[str, tuple[str, ...]] = field(
        default_factory=dict,
        metadata=documented("overrides for a number of images or minutes, or a device"),
    )
    data: DataOptions = field(default_factory=DataOptions)
    network: NetworkOptions = field(default_factory=NetworkOptions)
    method: MethodOptions = field(default_factory=MethodOptions)
    optimizer: OptimizerOptions = field(default_factory=OptimizerOptions)
    augment: AugmentOptions = field(default_factory=AugmentOptions)
    ema: EmaOptions = field(default_factory=EmaOptions)
    training: TrainingOptions = field(default_factory=TrainingOptions)
    recovery: RecoveryOptions = field(default_factory=RecoveryOptions)
    length: LengthOptions = field(default_factory=LengthOptions)
    logging: LoggingOptions = field(default_factory=LoggingOptions)

    def vocabulary(self) -> Conditions | None:
        """Return the conditions of the recipe, or None if the data set defines them."""
        return build_conditions(self.conditions, self.data.condition_encoding, self.palette)

    def network_config(self, conditions: Conditions) -> NetworkConfig:
        """Return the sizes of both networks."""
        return NetworkConfig(
            resolution=self.data.resolution,
            condition_size=conditions.size,
            base_channels=self.network.base_channels,
            z_dim=self.network.z_dim,
            embed_dim=self.network.embed_dim,
            kernel=self.network.kernel,
            num_levels=self.network.num_levels,
            num_blocks=self.network.num_blocks,
            image_channels=CHANNELS.get(self.data.mode, CHANNELS["rgb"]),
        )

    def with_image(self, image: ImageFormat) -> Recipe:
        """Return the recipe with the image format of a data set for the options that are auto."""
        found = found_options(image)
        chosen = {name: value for name, value in found if getattr(self.data, name) == AUTO}
        return replace(self, data=replace(self.data, **chosen))

    def with_precision(self, precision: str) -> Recipe:
        """Return the recipe with the precision of a device."""
        return replace(self, training=replace(self.training, precision=precision))

    def to_json(self) -> dict[str, Any]:
        """Return the recipe as plain tables for TOML or JSON; without presets if there are none."""
        tables = asdict(self)
        del tables["presets"]
        if self.presets:
            tables["presets"] = {name: list(texts) for name, texts in self.presets.items()}
        tables["conditions"] = {name: list(labels) for name, labels in self.conditions.items()}
        tables["data"]["attributes"] = list(self.data.attributes)
        tables["data"]["resolution"] = resolution_to_json(self.data.resolution)
        return tables


RESUMABLE_SECTIONS = ("length", "logging", "recovery")
"""Sections that may change when a run resumes; the device may change as well."""


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the changes that a resumed run must not have, each as `name: old -> new`."""
    old, new = flatten_tables(before), flatten_tables(after)
    return [
        f"{name}: {old.get(name)!r} -> {new.get(name)!r}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name) and name.split(".")[0] not in RESUMABLE_SECTIONS
    ]


def resolved_options(before: Recipe, after: Recipe) -> tuple[str, ...]:
    """Return the options that are `auto` in one recipe and have a value in another."""
    old, new = flatten_tables(before.to_json()), flatten_tables(after.to_json())
    return tuple(name for name, value in old.items() if value == AUTO and new.get(name) != AUTO)


def flatten_tables(tables: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the options of nested tables by `section.option`."""
    options: dict[str, Any] = {}
    for name, value in tables.items():
        if isinstance(value, Mapping):
            options |= flatten_tables(value, f"{prefix}{name}.")
        else:
            options[prefix + name] = value
    return options
