from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.conditions import (
    Conditions,
    MultiHot,
    OneHot,
    Rgb,
    Scalar,
)
from ganport_runtime.errors import ConditionError

WORDS = ("red", "dark", "light", "blue", "hair")
# Labels of several words, one of them ending in another, and one that holds its group's name.
AWKWARD = Conditions(
    (
        OneHot("hair", ("red", "dark red", "light blue", "long hair")),
        OneHot("eye colour", ("blue", "light blue", "green")),
        MultiHot("things", ("hat", "red scarf")),
        Rgb("skin", "#ff88cc", palette={"rosy": "#ffc8be"}),
        Scalar("age", 18, -5, 99),
    )
)


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("", {}),
        ("red hair", {"hair": "red"}),
        ("dark red hair", {"hair": "dark red"}),
        (
            "light blue eye colour light blue hair",
            {"eye colour": "light blue", "hair": "light blue"},
        ),
        ("  red   hair,blue eye colour ", {"hair": "red", "eye colour": "blue"}),
        ("long hair hair", {"hair": "long hair"}),
        ("hat red scarf red hair", {"things": ("hat", "red scarf"), "hair": "red"}),
        ("no things", {"things": ()}),
        ("rosy skin", {"skin": "rosy"}),
        ("#00FF00 skin -2.5 age", {"skin": "#00FF00", "age": -2.5}),
    ],
)
def test_texts_that_read_one_way(text: str, request_: dict[str, Any]) -> None:
    assert AWKWARD.parse(text) == request_
    AWKWARD.encode(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pnik hair", "condition 'hair': expected one of red, dark red, light blue, long hair; "
         "found 'pnik'"),
        ("dark rad hair", "Did you mean 'dark red'?"),
        ("red hair grean eye colour", "condition 'eye colour'"),
        ("red hair and blue eye colour", "found 'and blue'"),
        ("hair", "condition 'hair'"),
        ("red", "expected phrases such as red hair"),
        ("red hare", "Did you mean 'red hair'?"),
        ("red hair dark red hair", "expected one value; found 'red' and 'dark red'"),
        ("hat no things", "condition 'things': expected one value"),
        ("200 age", "a number from -5 to 99"),
        ("nan age", "found nan"),
        ("x" * 20_000, "at most 10000 characters"),
    ],
)  # fmt: skip
def test_texts_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(ConditionError) as caught:
        AWKWARD.encode(text)
    assert message in str(caught.value)


def test_a_text_with_two_readings_is_refused() -> None:
    two = Conditions((MultiHot("a", ("red", "cube", "red cube")),))
    with pytest.raises(ConditionError, match="a text with one reading"):
        two.parse("red cube")
    shared = Conditions((MultiHot("a", ("hat",)), MultiHot("b", ("hat",))))
    with pytest.raises(ConditionError, match="a text with one reading"):
        shared.parse("hat")


@given(st.data())
def test_a_caption_reads_back(data: st.DataObject) -> None:
    request = {
        "hair": data.draw(st.sampled_from(AWKWARD["hair"].labels)),
        "eye colour": data.draw(st.sampled_from(AWKWARD["eye colour"].labels)),
        "things": tuple(data.draw(st.lists(st.sampled_from(("hat", "red scarf")), unique=True))),
        "skin": data.draw(st.sampled_from(("rosy", "#102030"))),
        "age": data.draw(st.integers(-5, 99)),
    }
    assert AWKWARD.parse(AWKWARD.caption(request)) == request


@given(st.lists(st.sampled_from([*WORDS, "eye", "colour", "hat", "zebra", "3", "#aabbcc"])))
def test_any_text_is_read_or_refused(words: list[str]) -> None:
    try:
        vector = AWKWARD.encode(" ".join(words))
    except ConditionError as error:
        assert len(str(error)) < 1000
    else:
        assert np.isfinite(vector).all()


def test_a_long_text_is_read_quickly_enough_to_be_refused() -> None:
    many = Conditions((MultiHot("a", ("b", "b b", "b b b")),))
    with pytest.raises(ConditionError, match="a text with one reading"):
        many.parse("b " * 4000)
