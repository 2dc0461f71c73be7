"""A recipe: the complete description of a training run, in frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field
from typing import Any

from ganport_models import NetworkConfig
from ganport_runtime.conditions import Conditions
from ganport_train.config.condition_encoding import build_conditions
from ganport_train.config.parsing import Constraint, option
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


@dataclass(frozen=True)
class Recipe:
    """A resolved recipe, which `parse` builds and checks."""

    title: str = option(MISSING, "title of the recipe", max_length=100)
    source: str = option("", "report and row, or paper", max_length=100)
    conditions: dict[str, tuple[str, ...]] = field(
        default_factory=dict,
        metadata={
            "constraint": Constraint(
                "labels of each one-hot group; empty = the labels of the data set"
            )
        },
    )
    palette: dict[str, dict[str, str]] = field(
        default_factory=dict,
        metadata={
            "constraint": Constraint(
                "color of each label of each group, for condition_encoding = rgb"
            )
        },
    )
    presets: dict[str, tuple[str, ...]] = field(
        default_factory=dict,
        metadata={
            "constraint": Constraint("overrides for a number of images or minutes, or a device")
        },
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
        )

    def to_json(self) -> dict[str, Any]:
        """Return the recipe as plain tables for TOML or JSON; without presets if there are none."""
        tables = asdict(self)
        del tables["presets"]
        if self.presets:
            tables["presets"] = {name: list(texts) for name, texts in self.presets.items()}
        tables["conditions"] = {name: list(labels) for name, labels in self.conditions.items()}
        tables["data"]["attributes"] = list(self.data.attributes)
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


def flatten_tables(tables: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the options of nested tables by `section.option`."""
    options: dict[str, Any] = {}
    for name, value in tables.items():
        if isinstance(value, Mapping):
            options |= flatten_tables(value, f"{prefix}{name}.")
        else:
            options[prefix + name] = value
    return options
