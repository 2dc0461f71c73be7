"""What may change when a run is resumed, and what may not."""

from ganport_train.config import recipes
from ganport_train.config.parsing import parse
from ganport_train.config.recipe import Recipe, differences
from ganport_train.config.sections import LengthOptions


def changed(*overrides: str) -> list[str]:
    before = recipes.load("quick").to_json()
    return differences(before, recipes.override(before, overrides))


def test_length_and_logging_may_change() -> None:
    assert changed("length.max_images=9", "length.minutes=1.5", "logging.log_interval=3") == []


def test_each_other_difference_is_named() -> None:
    quick = recipes.load("quick")
    features, batch = quick.network.base_channels, quick.training.batch_size
    found = changed(
        f"network.base_channels={features + 1}",
        f"training.batch_size={batch + 1}",
        "length.max_images=9",
    )
    assert found == [
        f"network.base_channels: {features} -> {features + 1}",
        f"training.batch_size: {batch} -> {batch + 1}",
    ]


def test_a_recipe_survives_its_tables() -> None:
    recipe = recipes.load("anime-cgan")
    assert parse(Recipe, recipe.to_json(), place="again") == recipe


def test_a_run_ends_at_whichever_bound_comes_first() -> None:
    both = LengthOptions(max_images=100, minutes=2)
    assert both.is_reached(100, 0)
    assert both.is_reached(0, 120)
    assert not both.is_reached(99, 119.9)
    assert not LengthOptions(max_images=100, minutes=0).is_reached(99, 1e9)
