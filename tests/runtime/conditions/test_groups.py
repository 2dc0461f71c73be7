from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.conditions import (
    KINDS,
    ConditionGroup,
    Conditions,
    JointOneHot,
    MultiHot,
    OneHot,
    Rgb,
    Scalar,
    SignedMultiHot,
)
from ganport_runtime.errors import BundleError, ConditionError

HAIR = OneHot("hair", ("orange", "pink", "dark red"), "pink")
EYES = OneHot("eyes", ("black", "blue"))
LOOK = JointOneHot("look", (HAIR, EYES))
OBJECTS = MultiHot("objects", ("red cube", "blue ball", "green cone"), (), 2)
FACE = SignedMultiHot("face", ("smiling", "young", "bald"), ("young",))
SKIN = Rgb("skin", "rosy", (-1.0, 1.0), {"rosy": (255, 200, 190), "pale": "#FFF0E8"})
AGE = Scalar("age", 18, 0, 99)
GROUPS = [HAIR, EYES, LOOK, OBJECTS, FACE, SKIN, AGE]


def encoded(group: ConditionGroup, value: object) -> list[float]:
    vector = group.encode(value)
    assert vector.dtype == np.float32
    assert vector.shape == (group.size,)
    return [float(number) for number in vector]


def test_kinds_are_those_of_the_contract() -> None:
    kinds = {"one_hot", "joint_one_hot", "multi_hot", "signed_multi_hot", "rgb", "scalar"}
    assert set(KINDS) == kinds == {group.kind for group in GROUPS}


@pytest.mark.parametrize(
    ("group", "value", "vector"),
    [
        (HAIR, "pink", [0, 1, 0]),
        (HAIR, {"pink": 0.5, "orange": 0.5}, [0.5, 0.5, 0]),
        (HAIR, {"dark red": 1}, [0, 0, 1]),
        (LOOK, {"hair": "pink", "eyes": "blue"}, [0, 0, 0, 1, 0, 0]),
        (LOOK, {"hair": "dark red"}, [0, 0, 0, 0, 1, 0]),
        (LOOK, {"hair": {"orange": 0.5, "pink": 0.5}, "eyes": "blue"}, [0, 0.5, 0, 0.5, 0, 0]),
        (LOOK, {}, [0, 0, 1, 0, 0, 0]),
        (OBJECTS, [], [0, 0, 0]),
        (OBJECTS, {"red cube": 0.25, "green cone": 1}, [0.25, 0, 1]),
        (OBJECTS, {}, [0, 0, 0]),
        (FACE, {"smiling": 0.5, "bald": 1.0}, [0, -1, 1]),
        (OBJECTS, ["green cone", "red cube"], [1, 0, 1]),
        (FACE, [], [-1, -1, -1]),
        (FACE, ("smiling", "young", "bald"), [1, 1, 1]),
        (SKIN, "#ff0000", [1, -1, -1]),
        (SKIN, (0, 255, 127.5), [-1, 1, 0]),
        (SKIN, np.array([255, 0, 0], np.uint8), [1, -1, -1]),
        (Rgb("skin", "#000000"), "#ff88CC", [1, np.float32(136 / 255), np.float32(0.8)]),
        (AGE, 42.5, [42.5]),
        (AGE, np.int64(7), [7]),
    ],
)
def test_group_encodes_value(group: ConditionGroup, value: object, vector: list[float]) -> None:
    assert encoded(group, value) == vector


def test_palette_name_encodes_as_its_color() -> None:
    assert encoded(SKIN, "rosy") == encoded(SKIN, (255, 200, 190))
    assert encoded(SKIN, "pale") == encoded(SKIN, "#fff0e8")


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.kind)
def test_default_encodes(group: ConditionGroup) -> None:
    assert len(encoded(group, group.default)) == group.size


def test_one_hot_default_is_its_first_label() -> None:
    assert EYES.default == "black"


def test_joint_labels_are_row_major() -> None:
    assert LOOK.labels[:3] == (
        "orange hair black eyes",
        "orange hair blue eyes",
        "pink hair black eyes",
    )


@pytest.mark.parametrize(
    ("group", "value", "message"),
    [
        (HAIR, "pnik", "condition 'hair': expected one of orange, pink, dark red; found 'pnik'. "
         "Did you mean 'pink'?"),
        (HAIR, "Pink", "Did you mean 'pink'?"),
        (HAIR, None, "found None"),
        (HAIR, True, "found True"),
        (HAIR, ["pink"], "found ['pink']"),
        (HAIR, {}, "weights that sum to 1; found weights that sum to 0"),
        (HAIR, {"pink": 0.5}, "found weights that sum to 0.5"),
        (HAIR, {"pink": 0.9, "orange": 0.2}, "found weights that sum to 1.1"),
        (HAIR, {"pink": 1.5, "orange": -0.5}, "a number from 0 to 1; found 1.5"),
        (HAIR, {"pink": float("nan")}, "found nan"),
        (HAIR, {"pink": float("inf")}, "found inf"),
        (HAIR, {"pink": True}, "found True"),
        (HAIR, {"pink": "1"}, "found '1'"),
        (HAIR, {1: 1.0}, "found 1"),
        (HAIR, {"pnik": 1.0}, "Did you mean 'pink'?"),
        (HAIR, [[{"a": [[]]}]], "condition 'hair'"),
        (LOOK, "pink", "a value for each of hair, eyes; found 'pink'"),
        (LOOK, {"hare": "pink"}, "Did you mean 'hair'?"),
        (LOOK, {"hair": "pnik"}, "condition 'hair'"),
        (OBJECTS, "red cube", "a list of at most 2 of red cube, blue ball, green cone"),
        (OBJECTS, ["red cub"], "Did you mean 'red cube'?"),
        (OBJECTS, ["red cube", "blue ball", "green cone"], "found 3 labels"),
        (OBJECTS, ["red cube", "red cube"], "each once"),
        (OBJECTS, {"red cube": 1.5}, "a number from 0 to 1; found 1.5"),
        (OBJECTS, {"red cub": 1}, "Did you mean 'red cube'?"),
        (OBJECTS, {"red cube": 1, "blue ball": 1, "green cone": 0.5}, "at most 2; found 2.5"),
        (FACE, ["smilin"], "Did you mean 'smiling'?"),
        (FACE, 3, "found 3"),
        (HAIR, "#ff80c0", "found the color #ff80c0. Use a label such as 'pink'."),
        (EYES, "#000040", "such as 'black'"),
        (OneHot("size", ("small", "large")), "#ff80c0", "such as 'small'"),
        (Rgb("skin", "#ffffff"), "pink", "Write the color as \"#ff88cc\"."),
        (SKIN, "rosie", "Did you mean 'rosy'?"),
        (SKIN, "#ff88c", "found '#ff88c'"),
        (SKIN, "#ff88cg", "found '#ff88cg'"),
        (SKIN, "#ff88cc\n", "condition 'skin'"),
        (SKIN, (1, 2), "three numbers"),
        (SKIN, (1, 2, 256), "a number from 0 to 255; found 256"),
        (SKIN, (1, 2, float("nan")), "found nan"),
        (SKIN, (1, 2, "3"), "found '3'"),
        (SKIN, 7, "found 7"),
        (SKIN, b"abc", "condition 'skin'"),
        (AGE, 100, "a number from 0 to 99; found 100"),
        (AGE, float("nan"), "found nan"),
        (AGE, 10**400, "condition 'age'"),
        (AGE, True, "found True"),
        (AGE, "18", "found '18'"),
        (AGE, None, "found None"),
    ],
)  # fmt: skip
def test_invalid_value_is_a_condition_error(
    group: ConditionGroup, value: object, message: str
) -> None:
    with pytest.raises(ConditionError) as caught:
        group.encode(value)
    assert message in str(caught.value)


GARBAGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.sampled_from(GROUPS), GARBAGE)
def test_any_value_is_encoded_or_refused(group: ConditionGroup, value: Any) -> None:
    try:
        vector = group.encode(value)
    except ConditionError as error:
        assert len(str(error)) < 1000
    else:
        assert np.isfinite(vector).all()


@pytest.mark.parametrize(
    ("group", "first", "second", "value"),
    [
        (HAIR, "pink", "orange", {"pink": 0.75, "orange": 0.25}),
        (HAIR, "pink", "pink", "pink"),
        (HAIR, {"pink": 0.5, "orange": 0.5}, "orange", {"pink": 0.375, "orange": 0.625}),
        (LOOK, {"hair": "pink"}, {"hair": "orange", "eyes": "blue"},
         {"hair": {"pink": 0.75, "orange": 0.25}, "eyes": {"black": 0.75, "blue": 0.25}}),
        (OBJECTS, ["red cube", "blue ball"], ["blue ball"], {"red cube": 0.75, "blue ball": 1.0}),
        (OBJECTS, ["red cube"], ["red cube"], ["red cube"]),
        (OBJECTS, [], [], []),
        (FACE, [], ["bald"], {"bald": 0.25}),
        (SKIN, "#000000", (100, 200, 40), [25.0, 50.0, 10.0]),
        (AGE, 10, 50, 20.0),
    ],
)  # fmt: skip
def test_blend_at_a_quarter(group: ConditionGroup, first: Any, second: Any, value: Any) -> None:
    assert group.blend(first, second, 0.25) == value


@pytest.mark.parametrize(
    ("group", "value", "words"),
    [
        (HAIR, {"pink": 1 / 3, "orange": 2 / 3}, "33.3% pink 66.7% orange hair"),
        (OBJECTS, {"red cube": 0.25, "green cone": 1.0}, "25% red cube, green cone"),
        (OBJECTS, {}, "no objects"),
        (SKIN, [25.0, 50.0, 10.0], "#19320a skin"),
    ],
)
def test_describe_formats_blends(group: ConditionGroup, value: Any, words: str) -> None:
    assert group.describe(value) == words


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(lambda w: sum(w) > 0.1))
def test_weights_are_encoded_unchanged(weights: list[float]) -> None:
    weights = [weight / sum(weights) for weight in weights]
    vector = HAIR.encode(dict(zip(HAIR.labels, weights, strict=True)))
    assert np.array_equal(vector, np.array(weights, np.float32))


def test_weights_sum_to_one_within_a_thousandth() -> None:
    HAIR.encode({"orange": 0.333, "pink": 0.333, "dark red": 0.333})
    with pytest.raises(ConditionError, match="sum to 1"):
        HAIR.encode({"orange": 0.333, "pink": 0.333, "dark red": 0.33})


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.kind)
def test_conditions_round_trip_through_json(group: ConditionGroup) -> None:
    entry = group.to_json() | {"slice": [0, group.size]}
    assert Conditions.from_json([entry], "here").groups == (group,)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OneHot("hair", ()), "at least one label"),
        (lambda: OneHot("hair", ("pink", "pink")), "each once"),
        (lambda: OneHot("hair", (" pink",)), "leading or trailing space"),
        (lambda: OneHot("hair", ("a\nb",)), "printable"),
        (lambda: OneHot("", ("pink",)), "1 to 100 characters"),
        (lambda: OneHot("hair", ("pink",), "red"), "one of pink"),
        (lambda: OneHot("hair", (3,)), "text"),  # type: ignore[arg-type]
        (lambda: JointOneHot("look", (HAIR,)), "exactly two groups"),  # type: ignore[arg-type]
        (lambda: MultiHot("objects", ("a",), (), 2), "a number from 1 to 1"),
        (lambda: Rgb("skin", "#000000", (1.0, 0.0)), "an increasing range"),
        (lambda: Rgb("skin", "rosy"), "rosy"),
        (lambda: Scalar("age", 5, 3, 3), "a min below its max"),
        (lambda: Scalar("age", 5, 0, 3), "a number from 0 to 3"),
    ],
)
def test_inconsistent_group_is_a_condition_error(make: Any, message: str) -> None:
    with pytest.raises(ConditionError, match=message):
        make()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ([], "a JSON object"),
        ({}, "the required key 'kind'"),
        ({"kind": "two_hot"}, "one of one_hot"),
        ({"kind": "one_hot", "name": "hair"}, "the required key 'labels'"),
        ({"kind": "one_hot", "name": "hair", "labels": ["a"]}, "the required key 'default'"),
        ({"kind": "one_hot", "name": "hair", "labels": "a", "default": "a"}, "a list"),
        ({"kind": "one_hot", "name": 3, "labels": ["a"], "default": "a"}, "text"),
        ({"kind": "scalar", "name": "a", "default": 1, "min": 0, "max": "9"}, "a number"),
    ],
)
def test_invalid_manifest_entry_is_a_bundle_error(entry: object, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        Conditions.from_json([entry], "here")


@pytest.mark.parametrize(
    ("group", "value"),
    [
        (HAIR, "dark red"),
        (LOOK, {"hair": "orange", "eyes": "blue"}),
        (OBJECTS, ["red cube", "green cone"]),
        (OBJECTS, []),
        (FACE, ["smiling", "bald"]),
        (SKIN, (255.0, 0.0, 51.0)),
        (AGE, 42.0),
    ],
)
def test_group_decode_inverts_encode(group: ConditionGroup, value: Any) -> None:
    decoded = group.decode(group.encode(value))
    assert decoded == (pytest.approx(value, abs=1e-4) if isinstance(value, tuple) else value)


def test_decode_returns_the_closest_value() -> None:
    assert HAIR.decode(np.float32([0.2, 0.3, 0.5])) == "dark red"
    assert OBJECTS.decode(np.float32([0.6, 0.4, 0.9])) == ["red cube", "green cone"]
    assert FACE.decode(np.float32([-0.1, 0.2, -1])) == ["young"]
    assert AGE.decode(np.float32([120])) == 99
