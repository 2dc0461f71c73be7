"""Which domains a picture is shown in."""

import numpy as np

from ganport_runtime.conditions import (
    Conditions,
    JointOneHot,
    MultiHot,
    OneHot,
    Scalar,
    SignedMultiHot,
)
from ganport_train.evaluation.scores.domains import MOST, domains

HAIR, EYES = OneHot("hair", ("red", "blue")), OneHot("eyes", ("dark", "light"))


def said(conditions: Conditions, *requests: dict) -> dict[str, list[str]]:
    """The conditions of every column in words."""
    found = domains(conditions, conditions.encode_many(requests))
    return {
        name: [conditions.caption(conditions.decode(vector)) for vector in vectors]
        for name, vectors in found.items()
    }


def test_one_of_many_takes_every_label_and_the_rest_stays() -> None:
    both = Conditions((HAIR, EYES))
    assert said(both, {"hair": "blue", "eyes": "dark"}, {"hair": "red", "eyes": "light"}) == {
        "its own": ["blue hair dark eyes", "red hair light eyes"],
        "red hair": ["red hair dark eyes", "red hair light eyes"],
        "blue hair": ["blue hair dark eyes", "blue hair light eyes"],
        "dark eyes": ["blue hair dark eyes", "red hair dark eyes"],
        "light eyes": ["blue hair light eyes", "red hair light eyes"],
    }


def test_several_are_switched_one_by_one() -> None:
    for kind in (SignedMultiHot, MultiHot):
        face = Conditions((kind("face", ("smiling", "bald")),))
        assert said(face, {"face": ["bald"]}, {"face": []}) == {
            "its own": ["bald", "no face"],
            "smiling": ["smiling, bald", "smiling"],
            "bald": ["no face", "bald"],
        }


def test_numbers_have_no_domain_and_pairs_are_bounded() -> None:
    assert set(said(Conditions((Scalar("age", 20, 0, 100),)), {})) == {"its own"}
    many = OneHot("hair", tuple(f"hue{number}" for number in range(20)))
    joint = Conditions((JointOneHot("look", (many, EYES)),))
    found = domains(joint, joint.encode_many([{}]))
    assert len(found) == 1 + MOST
    assert np.array_equal(found["hue0 hair light eyes"][0], np.eye(40)[1])


def test_the_same_label_of_two_groups_is_two_domains() -> None:
    both = Conditions((HAIR, OneHot("eyes", ("red",))))
    assert {"red hair", "red eyes"} <= set(said(both, {"hair": "blue"}))
