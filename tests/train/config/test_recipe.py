"""Recipes: the conditions of a vocabulary, and what may change when a run is resumed."""

import numpy as np
import pytest

from ganport_runtime.conditions import Conditions, JointOneHot, Rgb, SignedMultiHot
from ganport_runtime.errors import ConditionError
from ganport_train.config import recipes
from ganport_train.config.parsing import RecipeError, parse
from ganport_train.config.recipe import Recipe, build_conditions, decode_labels, differences
from ganport_train.config.sections import LengthOptions

COLOURS = {"hair": ("pink", "black", "red"), "eyes": ("blue", "green")}
PALETTE = {
    "hair": {"pink": "#ff0080", "black": "#000000", "red": "#ff0000", "blonde": "#ffff00"},
    "eyes": {"blue": "#0000ff", "green": "#00ff00"},
}


def vector(coding: str, request: str) -> list[float]:
    conditions = build_conditions(COLOURS, coding, PALETTE)
    assert conditions is not None
    found: list[float] = conditions.encode(request).tolist()
    return found


def test_labels_are_one_of_many_in_each_group() -> None:
    assert vector("labels", "black hair green eyes") == [0, 1, 0, 0, 1]
    assert build_conditions(COLOURS, "labels", {}) == Conditions.one_hots(COLOURS)


def test_pairs_lie_row_by_row() -> None:
    assert vector("joint", "black hair green eyes") == [0, 0, 0, 1, 0, 0]
    conditions = build_conditions(COLOURS, "joint", {})
    assert conditions is not None
    (group,) = conditions.groups
    assert isinstance(group, JointOneHot)
    assert (group.name, list(conditions.fields)) == ("hair and eyes", ["hair", "eyes"])


def test_colors_are_six_numbers_in_the_range_of_images() -> None:
    assert vector("rgb", "red hair blue eyes") == [1, -1, -1, -1, -1, 1]
    found = vector("rgb", "#ff0080 hair #000000 eyes")
    np.testing.assert_allclose(found, [1, -1, 2 * 128 / 255 - 1, -1, -1, -1], atol=1e-6)


def test_a_palette_names_the_labels_of_the_vocabulary_alone() -> None:
    conditions = build_conditions(COLOURS, "rgb", PALETTE)
    assert conditions is not None
    hair = conditions["hair"]
    assert isinstance(hair, Rgb)
    assert (hair.labels, hair.default) == (("pink", "black", "red"), "pink")


def test_no_coding_is_no_condition() -> None:
    assert build_conditions(COLOURS, "none", {}) == build_conditions({}, "none", {}) == Conditions()


def test_an_empty_vocabulary_as_it_is_leaves_the_choice_to_the_data() -> None:
    assert build_conditions({}, "labels", {}) is None


@pytest.mark.parametrize(
    ("vocabulary", "found"),
    [({}, "0"), ({"hair": ("pink",)}, "1"), ({**COLOURS, "hat": ("cap",)}, "3")],
)
def test_pairs_take_two_groups(vocabulary: dict[str, tuple[str, ...]], found: str) -> None:
    words = rf"data\.condition_encoding: .* two groups .*; found {found}\."
    with pytest.raises(RecipeError, match=words):
        build_conditions(vocabulary, "joint", {})


def test_colors_take_a_vocabulary() -> None:
    with pytest.raises(RecipeError, match=r"data\.condition_encoding: .*found none"):
        build_conditions({}, "rgb", PALETTE)


@pytest.mark.parametrize(
    ("palette", "words"),
    [
        ({}, r"palette\.hair: expected a color .* each of 3 labels; found none for pink, black"),
        ({"hair": PALETTE["hair"]}, r"palette\.eyes: .* found none for blue, green\. Add them"),
    ],
)
def test_a_label_without_a_color_is_named(palette: dict[str, dict[str, str]], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        build_conditions(COLOURS, "rgb", palette)


def test_a_color_that_is_none_is_refused() -> None:
    palette = {**PALETTE, "eyes": {"blue": "blueish", "green": "#00ff00"}}
    with pytest.raises(ConditionError, match=r"'eyes'.*found 'blueish'"):
        build_conditions(COLOURS, "rgb", palette)


@pytest.mark.parametrize(
    ("recipe", "size"),
    [("anime-cgan", 22), ("anime-cgan-joint", 120), ("anime-cgan-rgb", 6), ("anime-dcgan", 0)],
)
def test_the_reports_codings_have_the_sizes_they_print(recipe: str, size: int) -> None:
    vocabulary = recipes.load(recipe).vocabulary()
    assert vocabulary is not None
    assert vocabulary.size == size


@pytest.mark.parametrize("coding", ["labels", "joint", "rgb"])
def test_what_a_vector_asks_for_is_said_in_labels(coding: str) -> None:
    conditions = build_conditions(COLOURS, coding, PALETTE)
    assert conditions is not None
    vector = conditions.encode("red hair green eyes")
    assert decode_labels(conditions, vector) == {"hair": "red", "eyes": "green"}


def test_a_color_is_said_as_the_nearest_of_its_palette() -> None:
    conditions = build_conditions(COLOURS, "rgb", PALETTE)
    assert conditions is not None
    vector = conditions.encode({"hair": "#e01010", "eyes": "#1020c0"})
    assert decode_labels(conditions, vector) == {"hair": "red", "eyes": "blue"}


def test_what_has_no_labels_is_said_as_it_is() -> None:
    conditions = Conditions((Rgb("skin", "#804020"), SignedMultiHot("face", ("old", "bald"))))
    vector = conditions.encode({"skin": (1, 2, 3), "face": ["bald"]})
    said = decode_labels(conditions, vector)
    assert said["skin"] == pytest.approx((1, 2, 3))
    assert said["face"] == ["bald"]


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
