from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.conditions import (
    Conditions,
    JointOneHot,
    MultiHot,
    OneHot,
    Rgb,
    Scalar,
    SignedMultiHot,
)
from ganport_runtime.errors import BundleError, ConditionError

HAIR = [
    "orange",
    "white",
    "aqua",
    "gray",
    "green",
    "red",
    "purple",
    "pink",
    "blue",
    "black",
    "brown",
    "blonde",
]
EYES = ["black", "orange", "pink", "yellow", "aqua", "purple", "green", "brown", "red", "blue"]
FACES = Conditions.one_hots({"hair": HAIR, "eyes": EYES})
JOINT = Conditions(
    (JointOneHot("look", (OneHot("hair", tuple(HAIR)), OneHot("eyes", tuple(EYES)))),)
)
ALL = Conditions(
    (
        JointOneHot(
            "look", (OneHot("hair", ("dark red", "pink")), OneHot("eyes", ("blue", "tan")))
        ),
        MultiHot("objects", ("red cube", "blue ball"), ("red cube",)),
        SignedMultiHot("face", ("smiling", "young")),
        Rgb("skin", "#ff88cc", (-1.0, 1.0), {"rosy": (255, 200, 190)}),
        Scalar("age", 18, 0, 99),
    )
)


def test_slices_have_no_gaps() -> None:
    assert FACES.size == 22
    assert FACES.slices == {"hair": slice(0, 12), "eyes": slice(12, 22)}
    assert ALL.size == 4 + 2 + 2 + 3 + 1


def test_encode_returns_the_vector_of_the_contract() -> None:
    vector = FACES.encode({"hair": "pink", "eyes": "black"})
    assert vector.dtype == np.float32
    assert np.flatnonzero(vector).tolist() == [7, 12]
    assert np.array_equal(FACES.encode("pink hair black eyes"), vector)


def test_joint_group_accepts_its_members_requests() -> None:
    vector = JOINT.encode("pink hair yellow eyes")
    assert np.flatnonzero(vector).tolist() == [7 * 10 + 3]
    assert np.array_equal(JOINT.encode({"hair": "pink", "eyes": "yellow"}), vector)
    assert np.array_equal(JOINT.encode({"look": {"hair": "pink", "eyes": "yellow"}}), vector)


@pytest.mark.parametrize("request_", [None, {}, ""])
def test_omitted_group_takes_its_default(request_: Any) -> None:
    assert np.array_equal(FACES.encode(request_), FACES.encode("orange hair black eyes"))
    assert ALL.encode(request_).tolist()[4:8] == [1, 0, -1, -1]


def test_encode_many_returns_one_row_per_request() -> None:
    rows = FACES.encode_many(["pink hair", {"eyes": "blue"}])
    assert rows.shape == (2, 22)
    assert np.array_equal(rows[1], FACES.encode({"eyes": "blue"}))
    assert FACES.encode_many([]).shape == (0, 22)


def test_caption_names_every_group() -> None:
    assert FACES.caption({"hair": "pink"}) == "pink hair black eyes"
    assert FACES.caption({"hair": {"pink": 0.5, "red": 0.5}}) == "50% pink 50% red hair black eyes"
    assert ALL.caption({"skin": (0, 0, 255), "objects": []}) == (
        "dark red hair blue eyes no objects no face #0000ff skin 18 age"
    )


def test_unconditional_conditions_refuse_requests() -> None:
    nothing = Conditions()
    assert nothing.encode().shape == (0,)
    for request in ({"hair": "pink"}, "pink hair"):
        with pytest.raises(ConditionError, match="none: this generator is unconditional"):
            nothing.encode(request)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"hiar": "pink"}, "one of the groups hair, eyes; found 'hiar'. Did you mean 'hair'?"),
        ({"hair": "pnik"}, "condition 'hair'"),
        ({1: "pink"}, "found 1"),
        (5, "a mapping of group to value, or a text; found 5"),
        ([("hair", "pink")], "a mapping of group to value"),
        (b"pink hair", "a mapping of group to value"),
    ],
)
def test_invalid_request_is_a_condition_error(request_: Any, message: str) -> None:
    with pytest.raises(ConditionError) as caught:
        FACES.encode(request_)
    assert message in str(caught.value)


def test_joint_group_requested_twice_is_a_condition_error() -> None:
    with pytest.raises(ConditionError, match="condition 'hair': expected one value"):
        JOINT.encode({"look": {"eyes": "blue"}, "hair": "pink"})


def test_getitem_returns_group_or_member() -> None:
    assert FACES["hair"].labels == tuple(HAIR)
    assert JOINT["eyes"].labels == tuple(EYES)
    assert JOINT["look"].size == 120
    with pytest.raises(ConditionError, match="Did you mean 'hair'"):
        FACES["hairs"]


def test_duplicate_names_are_a_condition_error() -> None:
    with pytest.raises(ConditionError, match="each once"):
        Conditions((*JOINT.groups, OneHot("hair", ("a",))))


@given(st.data())
def test_conditions_round_trip_through_json(data: st.DataObject) -> None:
    word = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=6)
    names = data.draw(st.lists(word, min_size=1, max_size=4, unique=True))
    labels = st.lists(word, min_size=1, max_size=5, unique=True)
    conditions = Conditions.one_hots({name: data.draw(labels) for name in names})
    assert Conditions.from_json(conditions.to_json(), "here") == conditions


def test_every_kind_round_trips_through_json() -> None:
    assert Conditions.from_json(ALL.to_json(), "here") == ALL
    assert [entry["slice"] for entry in ALL.to_json()] == [
        [0, 4],
        [4, 6],
        [6, 8],
        [8, 11],
        [11, 12],
    ]


def test_slices_with_gaps_are_a_bundle_error() -> None:
    entries = FACES.to_json()
    entries[1]["slice"] = [13, 23]
    with pytest.raises(BundleError, match=r"expected \[12, 22\]"):
        Conditions.from_json(entries, "here")


def test_invalid_group_in_manifest_is_a_bundle_error() -> None:
    twice = [FACES.to_json()[0], FACES.to_json()[0] | {"slice": [12, 24]}]
    for entries, message in ((twice, "each once"), ({}, "a list"), ([{}], "kind")):
        with pytest.raises(BundleError, match=message):
            Conditions.from_json(entries, "here")
    bad_default = FACES.to_json()[:1]
    bad_default[0]["default"] = "pnik"
    with pytest.raises(BundleError, match=r"here\[0\]: condition 'hair'"):
        Conditions.from_json(bad_default, "here")


def test_too_long_vector_is_a_bundle_error() -> None:
    labels = [f"l{i}" for i in range(9000)]
    entries = [
        OneHot(f"g{i}", tuple(labels)).to_json() | {"slice": [9000 * i, 9000 * (i + 1)]}
        for i in range(8)
    ]
    with pytest.raises(BundleError, match="from 0 to 65536"):
        Conditions.from_json(entries, "here")


def test_decode_inverts_encode() -> None:
    request = {
        "look": {"hair": "pink", "eyes": "tan"},
        "objects": ["blue ball"],
        "face": [],
        "age": 7.0,
    }
    decoded = ALL.decode(ALL.encode(request | {"skin": "#ff0033"}))
    assert decoded.pop("skin") == pytest.approx((255, 0, 51), abs=1e-3)
    assert decoded == request
    assert Conditions().decode(np.zeros(0, np.float32)) == {}


REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "hair": st.sampled_from(["pink", {"pink": 0.5, "dark red": 0.5}]),
        "eyes": st.sampled_from(["blue", "tan"]),
        "objects": st.lists(st.sampled_from(["red cube", "blue ball"]), unique=True),
        "face": st.lists(st.sampled_from(["smiling", "young"]), unique=True),
        "skin": st.sampled_from(["rosy", "#000000", (1, 2, 3.5)]),
        "age": st.integers(0, 99),
    },
)


@given(REQUESTS, REQUESTS, st.floats(0, 1))
def test_blend_encodes_between_both_requests(
    first: dict[str, Any], second: dict[str, Any], fraction: float
) -> None:
    one, two = ALL.encode(first), ALL.encode(second)
    between = ALL.encode(ALL.blend(first, second, fraction))
    expected = (1 - fraction) * one + fraction * two
    # An age reaches 99, where float32 numbers are 8e-6 apart, and each side rounds three times.
    np.testing.assert_allclose(between[4:], expected[4:], atol=5e-5)
    # A joint group's members blend and multiply: its margins lie on the line.
    pairs, expected_pairs = between[:4].reshape(2, 2), expected[:4].reshape(2, 2)
    for axis in (0, 1):
        np.testing.assert_allclose(pairs.sum(axis), expected_pairs.sum(axis), atol=1e-5)
    for end, vector in ((0.0, one), (1.0, two)):
        assert np.array_equal(ALL.encode(ALL.blend(first, second, end)), vector)


def test_blend_accepts_texts_and_defaults() -> None:
    blend = FACES.blend("pink hair", None, 0.25)
    assert blend == {"hair": {"pink": 0.75, "orange": 0.25}, "eyes": "black"}
    assert FACES.caption(blend) == "75% pink 25% orange hair black eyes"


@pytest.mark.parametrize(
    ("first", "fraction", "message"),
    [
        ("pnik hair", 0.5, "Did you mean 'pink'"),
        ("pink hair", 1.5, "condition 'fraction': expected a number from 0 to 1; found 1.5"),
        ("pink hair", float("nan"), "found nan"),
        ("#ff88cc hair", 0.5, "found the color #ff88cc. Use a label such as 'pink'."),
    ],
)
def test_invalid_blend_is_a_condition_error(first: str, fraction: float, message: str) -> None:
    with pytest.raises(ConditionError) as caught:
        FACES.blend(first, "blue hair", fraction)
    assert message in str(caught.value)
