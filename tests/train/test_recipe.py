"""What may change when a run is resumed, and what may not."""

from ganport_train import catalogue
from ganport_train.options import parse
from ganport_train.recipe import Recipe, differences


def changed(*overrides: str) -> list[str]:
    before = catalogue.load("quick").to_json()
    return differences(before, catalogue.override(before, overrides))


def test_length_and_logging_may_change() -> None:
    assert changed("length.images=9", "length.minutes=1.5", "logging.tick=3") == []


def test_each_other_difference_is_named() -> None:
    found = changed("network.features=16", "training.batch=8", "length.images=9")
    assert found == ["network.features: 32 -> 16", "training.batch: 64 -> 8"]


def test_a_recipe_survives_its_tables() -> None:
    recipe = catalogue.load("anime-cgan")
    assert parse(Recipe, recipe.to_json(), place="again") == recipe
