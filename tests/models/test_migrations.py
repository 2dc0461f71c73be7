"""Files of schema 1 under the names of schema 2."""

import json
from pathlib import Path

import pytest

from ganport_models.migrations import (
    OPTIONS,
    SCHEMA_VERSION,
    migrate_checkpoint,
    migrate_recipe,
    migrate_run,
)

VERSION_1 = Path(__file__).parent / "data" / "version-1" / "checkpoint.json"


def test_migrate_checkpoint_version_1_has_new_names_and_old_values() -> None:
    old = json.loads(VERSION_1.read_bytes())
    new = migrate_checkpoint(old)
    assert new["network_config"]["base_channels"] == old["shape"]["features"]
    assert new["recipe"]["network"]["z_dim"] == old["recipe"]["network"]["latent"]
    assert new["recipe"]["ema"]["rampup_ratio"] == old["recipe"]["average"]["ramp"]
    assert new["recipe"]["training"]["batch_size"] == old["recipe"]["training"]["batch"]
    assert new["recipe"]["length"]["max_images"] == old["recipe"]["length"]["images"]


@pytest.mark.parametrize("path", OPTIONS)
def test_migrate_recipe_option_moves_its_value(path: str) -> None:
    section, name = path.split(".")
    (options,) = migrate_recipe({section: {name: 3}}).values()
    assert options == {OPTIONS[path]: 3}


def test_migrate_recipe_free_tables_are_unchanged() -> None:
    tables = {"title": "t", "conditions": {"batch": ["a"]}, "palette": {"hair": {"a": "#ffffff"}}}
    assert migrate_recipe(tables) == tables


def test_migrate_run_rollback_has_new_names() -> None:
    run = {"device": "cpu", "reload": {"step": 4, "share": 0.5, "reason": "nan"}}
    rollback = {"step": 4, "lr_factor": 0.5, "reason": "nan"}
    assert migrate_run(run) == {"device": "cpu", "rollback": rollback}


def test_migrate_recipe_on_divergence_reload_becomes_rollback() -> None:
    recipe = migrate_recipe({"recovery": {"on_divergence": "reload", "share": 0.5}})
    assert recipe == {"recovery": {"on_divergence": "rollback", "lr_factor": 0.5}}


def test_migrate_checkpoint_of_this_version_is_unchanged() -> None:
    metadata = {"schema_version": SCHEMA_VERSION, "shape": 1, "recipe": {"average": {"ramp": 1}}}
    assert migrate_checkpoint(metadata) == metadata
