"""Tests of the options that the page of a run lists as changed from a shipped recipe."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ganport_train.config import recipes
from ganport_train.config.recipe import Recipe
from ganport_train.pages.recipe_changes import find_base, list_changes
from ganport_train.runs.run_dir import RunEnvironment, read_config

FIXTURE = Path(__file__).parents[2] / "contract" / "fixtures" / "faces"
QUICK = recipes.load("quick")


@pytest.fixture
def recipe() -> Recipe:
    """Return the recipe of a run of `quick`, with values for the options that were `auto`."""
    data = replace(QUICK.data, mode="gray", pixelated=False, palette=16)
    return replace(QUICK, data=data).with_precision("fp32")


@pytest.fixture
def environment() -> RunEnvironment:
    """Return the environment of a run of an earlier version, which records no recipe."""
    return read_config(FIXTURE)[1]


def changes_of(recipe: Recipe, environment: RunEnvironment) -> dict[str, Any]:
    changes = list_changes(QUICK, recipe, environment)
    return {change["option"]: (change["recipe"], change["run"]) for change in changes}


def test_options_that_were_auto_and_are_resolved_are_no_changes(
    recipe: Recipe, environment: RunEnvironment
) -> None:
    recipe = replace(recipe, length=replace(recipe.length, max_images=900))
    assert changes_of(recipe, environment) == {"length.max_images": ("500000", "900")}


def test_value_that_the_user_gave_for_an_auto_option_is_a_change(
    recipe: Recipe, environment: RunEnvironment
) -> None:
    resolved = ("data.mode", "data.pixelated", "training.precision")
    environment = replace(environment, base_recipe="quick", resolved=resolved)
    assert changes_of(recipe, environment) == {"data.palette": ("auto", "16")}


def test_run_is_compared_with_the_recipe_that_it_records(
    recipe: Recipe, environment: RunEnvironment
) -> None:
    own = replace(recipe, title="mine")
    assert find_base(own, replace(environment, base_recipe="quick")) == ("quick", QUICK)
    assert find_base(own, replace(environment, base_recipe="removed-since")) is None


def test_run_of_an_earlier_version_is_compared_with_the_recipe_of_its_title(
    recipe: Recipe, environment: RunEnvironment
) -> None:
    assert find_base(recipe, environment) == ("quick", QUICK)
    assert find_base(replace(recipe, title="mine"), environment) is None
