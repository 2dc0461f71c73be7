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
        OneHot("eye color", ("blue", "light blue", "green")),
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
            "light blue eye color light blue hair",
            {"eye color": "light blue", "hair": "light blue"},
        ),
        ("  red   hair,blue eye color ", {"hair": "red", "eye color": "blue"}),
        ("long hair hair", {"hair": "long hair"}),
        ("hat red scarf red hair", {"things": ("hat", "red scarf"), "hair": "red"}),
        ("no things", {"things": ()}),
        ("rosy skin", {"skin": "rosy"}),
        ("#00FF00 skin -2.5 age", {"skin": "#00FF00", "age": -2.5}),
    ],
)
def test_parse_returns_the_request(text: str, request_: dict[str, Any]) -> None:
    assert AWKWARD.parse(text) == request_
    AWKWARD.encode(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pnik hair", "condition 'hair': expected one of red, dark red, light blue, long hair; "
         "found 'pnik'"),
        ("dark rad hair", "Did you mean 'dark red'?"),
        ("red hair grean eye color", "condition 'eye color'"),
        ("red hair and blue eye color", "found 'and blue'"),
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
def test_unreadable_text_is_a_condition_error(text: str, message: str) -> None:
    with pytest.raises(ConditionError) as caught:
        AWKWARD.encode(text)
    assert message in str(caught.value)


def test_ambiguous_text_is_a_condition_error() -> None:
    two = Conditions((MultiHot("a", ("red", "cube", "red cube")),))
    with pytest.raises(ConditionError, match="a text with one reading"):
        two.parse("red cube")
    shared = Conditions((MultiHot("a", ("hat",)), MultiHot("b", ("hat",))))
    with pytest.raises(ConditionError, match="a text with one reading"):
        shared.parse("hat")
    many = Conditions((MultiHot("a", ("b", "b b", "b b b")),))
    with pytest.raises(ConditionError, match="a text with one reading"):
        many.parse("b " * 4000)


@given(st.data())
def test_caption_parses_to_its_request(data: st.DataObject) -> None:
    request = {
        "hair": data.draw(st.sampled_from(AWKWARD["hair"].labels)),
        "eye color": data.draw(st.sampled_from(AWKWARD["eye color"].labels)),
        "things": tuple(data.draw(st.lists(st.sampled_from(("hat", "red scarf")), unique=True))),
        "skin": data.draw(st.sampled_from(("rosy", "#102030"))),
        "age": data.draw(st.integers(-5, 99)),
    }
    assert AWKWARD.parse(AWKWARD.caption(request)) == request


@given(st.lists(st.sampled_from([*WORDS, "eye", "color", "hat", "zebra", "3", "#aabbcc"])))
def test_any_text_is_parsed_or_refused(words: list[str]) -> None:
    try:
        vector = AWKWARD.encode(" ".join(words))
    except ConditionError as error:
        assert len(str(error)) < 1000
    else:
        assert np.isfinite(vector).all()
