"""Names of schema 1, and the names that replace them in checkpoints and run folders since schema 2.

Schema 3 adds images of every mode and size: a `resolution` may be [height, width], and a checkpoint
states `image` and `image_channels`. An older file states none of them: it has square RGB images.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SCHEMA_VERSION = 3
_RENAMED_IN = 2
"""Version of `checkpoint.json`, `config.toml` and `study.toml` that this program writes."""

SECTIONS = {"average": "ema"}
"""Sections of a recipe."""

OPTIONS = {
    "augment.colour": "color",
    "augment.growth": "ada_images",
    "augment.target": "ada_target",
    "average.ramp": "rampup_ratio",
    "average.refresh": "bn_calibration_images",
    "data.coding": "condition_encoding",
    "data.held_out": "val_fraction",
    "data.kind": "format",
    "length.images": "max_images",
    "logging.save_minutes": "checkpoint_minutes",
    "logging.score_pictures": "eval_images",
    "logging.tick": "log_interval",
    "logging.warm_up": "collapse_grace_images",
    "method.classify_drawn": "classify_fake",
    "method.clip": "weight_clip",
    "method.interval": "reg_interval",
    "method.mismatch": "mismatch_weight",
    "method.penalty": "gp_weight",
    "method.reconstruction": "cycle_weight",
    "method.smoothing": "label_smoothing",
    "method.spread": "diversity_weight",
    "network.blocks": "num_blocks",
    "network.embedding": "embed_dim",
    "network.features": "base_channels",
    "network.latent": "z_dim",
    "network.levels": "num_levels",
    "optimizer.decay": "lr_decay_images",
    "optimizer.discriminator_rate": "discriminator_lr",
    "optimizer.final_share": "final_lr_ratio",
    "optimizer.generator_rate": "generator_lr",
    "recovery.share": "lr_factor",
    "training.batch": "batch_size",
}
"""Options of a recipe, by the old section and name."""

VALUES = {
    "data.kind": {"classes": "image_folder", "indexed": "stylegan_json", "tagged": "tagged_csv"},
    "recovery.on_divergence": {"reload": "rollback"},
}
"""Values of options, by the old section and name."""

IMAGES_SINCE = 3
"""Version since which images have modes; in an older run transparency is laid on white."""
OLD_IMAGES = {"mode": "rgb", "pixelated": False, "palette": "none"}
"""Options of the section `data` of a run that is older."""

CHECKPOINT_KEYS = {"shape": "network_config", "reload": "rollback"}
"""Keys of `checkpoint.json`."""

RUN_KEYS = {"reload": "rollback"}
"""Keys of the section `run` of `config.toml`."""

ROLLBACK_KEYS = {"share": "lr_factor"}
"""Keys of a rollback, in both files."""

LOG_KEYS = {"variety": "diversity", "rate_share": "lr_factor", "pictures": "eval_images"}
"""Keys of the lines of `stats.jsonl` and `scores.jsonl`, which state no version."""


def rename_keys(table: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return a copy of a table in which each key that `names` lists has its new name."""
    return {names.get(key, key): value for key, value in table.items()}


def migrate_recipe(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the resolved recipe of a schema-1 file under the names of today."""
    return {
        SECTIONS.get(section, section): _migrate_section(section, options)
        for section, options in tables.items()
    }


def pin_images(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the resolved recipe of an older run with the images that it was trained on."""
    data = tables.get("data", {})
    return {**tables, "data": {**OLD_IMAGES, **data} if isinstance(data, Mapping) else data}


def migrate_run(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the section `run` of a schema-1 `config.toml` under the names of today."""
    return _rename_rollback(rename_keys(table, RUN_KEYS))


def migrate_checkpoint(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the contents of a `checkpoint.json` of any schema under the names of today.

    A part that is not a table is left as it is, for the reader to refuse.
    """
    if metadata["schema_version"] >= _RENAMED_IN:
        return dict(metadata)
    result = _rename_rollback(rename_keys(metadata, CHECKPOINT_KEYS))
    if isinstance(config := result.get("network_config"), Mapping):
        result["network_config"] = _migrate_section("network", config)
    if isinstance(recipe := result.get("recipe"), Mapping):
        result["recipe"] = migrate_recipe(recipe)
    if isinstance(score := result.get("score"), Mapping):
        result["score"] = rename_keys(score, LOG_KEYS)
    return result


def _migrate_section(section: str, options: Any) -> Any:
    if not isinstance(options, Mapping):
        return options
    result = {}
    for name, value in options.items():
        path = f"{section}.{name}"
        values = VALUES.get(path, {})
        new_value = values.get(value, value) if isinstance(value, str) else value
        result[OPTIONS.get(path, name)] = new_value
    return result


def _rename_rollback(table: dict[str, Any]) -> dict[str, Any]:
    if isinstance(rollback := table.get("rollback"), Mapping):
        table["rollback"] = rename_keys(rollback, ROLLBACK_KEYS)
    return table
