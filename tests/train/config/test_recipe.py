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


def test_build_conditions_with_labels_makes_one_hot_groups() -> None:
    assert vector("labels", "black hair green eyes") == [0, 1, 0, 0, 1]
    assert build_conditions(COLOURS, "labels", {}) == Conditions.one_hots(COLOURS)


def test_build_conditions_with_joint_orders_pairs_by_row() -> None:
    assert vector("joint", "black hair green eyes") == [0, 0, 0, 1, 0, 0]
    conditions = build_conditions(COLOURS, "joint", {})
    assert conditions is not None
    (group,) = conditions.groups
    assert isinstance(group, JointOneHot)
    assert (group.name, list(conditions.fields)) == ("hair and eyes", ["hair", "eyes"])


def test_build_conditions_with_rgb_makes_two_colors_in_the_image_range() -> None:
    assert vector("rgb", "red hair blue eyes") == [1, -1, -1, -1, -1, 1]
    found = vector("rgb", "#ff0080 hair #000000 eyes")
    np.testing.assert_allclose(found, [1, -1, 2 * 128 / 255 - 1, -1, -1, -1], atol=1e-6)


def test_build_conditions_with_rgb_ignores_other_colors_of_the_palette() -> None:
    conditions = build_conditions(COLOURS, "rgb", PALETTE)
    assert conditions is not None
    hair = conditions["hair"]
    assert isinstance(hair, Rgb)
    assert (hair.labels, hair.default) == (("pink", "black", "red"), "pink")


def test_build_conditions_with_none_has_no_groups() -> None:
    assert build_conditions(COLOURS, "none", {}) == build_conditions({}, "none", {}) == Conditions()


def test_build_conditions_without_vocabulary_is_none() -> None:
    assert build_conditions({}, "labels", {}) is None


@pytest.mark.parametrize(
    ("vocabulary", "found"),
    [({}, "0"), ({"hair": ("pink",)}, "1"), ({**COLOURS, "hat": ("cap",)}, "3")],
)
def test_build_conditions_with_joint_requires_two_groups(
    vocabulary: dict[str, tuple[str, ...]], found: str
) -> None:
    words = rf"data\.condition_encoding: .* two groups .*; found {found}\."
    with pytest.raises(RecipeError, match=words):
        build_conditions(vocabulary, "joint", {})


def test_build_conditions_with_rgb_requires_a_vocabulary() -> None:
    with pytest.raises(RecipeError, match=r"data\.condition_encoding: .*found none"):
        build_conditions({}, "rgb", PALETTE)


@pytest.mark.parametrize(
    ("palette", "words"),
    [
        ({}, r"palette\.hair: expected a color .* each of 3 labels; found none for pink, black"),
        ({"hair": PALETTE["hair"]}, r"palette\.eyes: .* found none for blue, green\. Add them"),
    ],
)
def test_build_conditions_with_rgb_names_a_label_without_color(
    palette: dict[str, dict[str, str]], words: str
) -> None:
    with pytest.raises(RecipeError, match=words):
        build_conditions(COLOURS, "rgb", palette)


def test_build_conditions_with_rgb_refuses_an_invalid_color() -> None:
    palette = {**PALETTE, "eyes": {"blue": "blueish", "green": "#00ff00"}}
    with pytest.raises(ConditionError, match=r"'eyes'.*found 'blueish'"):
        build_conditions(COLOURS, "rgb", palette)


@pytest.mark.parametrize(
    ("recipe", "size"),
    [("anime-cgan", 22), ("anime-cgan-joint", 120), ("anime-cgan-rgb", 6), ("anime-dcgan", 0)],
)
def test_encodings_of_the_reports_have_the_printed_sizes(recipe: str, size: int) -> None:
    vocabulary = recipes.load(recipe).vocabulary()
    assert vocabulary is not None
    assert vocabulary.size == size


@pytest.mark.parametrize("coding", ["labels", "joint", "rgb"])
def test_decode_labels_of_a_joint_vector_returns_both_labels(coding: str) -> None:
    conditions = build_conditions(COLOURS, coding, PALETTE)
    assert conditions is not None
    vector = conditions.encode("red hair green eyes")
    assert decode_labels(conditions, vector) == {"hair": "red", "eyes": "green"}


def test_decode_labels_of_a_color_returns_the_nearest_label() -> None:
    conditions = build_conditions(COLOURS, "rgb", PALETTE)
    assert conditions is not None
    vector = conditions.encode({"hair": "#e01010", "eyes": "#1020c0"})
    assert decode_labels(conditions, vector) == {"hair": "red", "eyes": "blue"}


def test_decode_labels_without_labels_returns_the_value() -> None:
    conditions = Conditions((Rgb("skin", "#804020"), SignedMultiHot("face", ("old", "bald"))))
    vector = conditions.encode({"skin": (1, 2, 3), "face": ["bald"]})
    said = decode_labels(conditions, vector)
    assert said["skin"] == pytest.approx((1, 2, 3))
    assert said["face"] == ["bald"]


def changed(*overrides: str) -> list[str]:
    before = recipes.load("quick").to_json()
    return differences(before, recipes.override(before, overrides))


def test_differences_of_length_and_logging_are_ignored() -> None:
    assert changed("length.max_images=9", "length.minutes=1.5", "logging.log_interval=3") == []


def test_differences_of_other_options_are_listed() -> None:
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


def test_to_json_of_a_recipe_parses_to_the_same_recipe() -> None:
    recipe = recipes.load("anime-cgan")
    assert parse(Recipe, recipe.to_json(), place="again") == recipe


def test_is_reached_is_true_at_the_first_bound() -> None:
    both = LengthOptions(max_images=100, minutes=2)
    assert both.is_reached(100, 0)
    assert both.is_reached(0, 120)
    assert not both.is_reached(99, 119.9)
    assert not LengthOptions(max_images=100, minutes=0).is_reached(99, 1e9)
