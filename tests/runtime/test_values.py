from math import inf, nan
from typing import Any

import pytest

from ganport_runtime import Conditions
from ganport_runtime.conditions import MultiHot, OneHot, Rgb, Scalar
from ganport_runtime.errors import ConditionError
from ganport_runtime.values import closest_match, sanitize, suggestion

CONDITIONS = Conditions(
    (
        OneHot("hair", ("pink", "black")),
        Scalar("age", 18, 0, 99),
        Rgb("sky", "#ff88cc"),
        MultiHot("face", ("smiling", "glasses"), max_active=1),
    )
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("images/é.png", "images/é.png"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\u202eb", "a\\u202eb"),
        ("\udc80", "\\udc80"),
        ("x" * 61, "x" * 60 + "…"),
    ],
)
def test_sanitize_escapes_control_characters(text: str, shown: str) -> None:
    assert sanitize(text) == shown


def test_closest_match_is_near_or_none() -> None:
    choices = ("pink", "dark red", "black")
    assert closest_match("Pnik", choices) == "pink"
    assert closest_match("dark rad", choices) == "dark red"
    assert closest_match("turquoise", choices) is None
    assert closest_match("", choices) is None


def test_suggestion_asks_only_for_a_near_choice() -> None:
    assert suggestion("pnik", ("pink", "red")) == "Did you mean 'pink'?"
    assert suggestion("zebra", ("pink", "red")) == "Write one of them exactly, for example 'pink'."
    assert suggestion(3, ("pink",), "Pass a text.") == "Pass a text."
    assert suggestion("a", ()) == ""


@pytest.mark.parametrize(
    ("request_", "fix"),
    [
        ({"hair": "zebra"}, "for example 'pink'"),
        ({"hair": {"pink": 0.5, "black": 1}}, "Divide each weight by 1.5"),
        ({"hair": {"pink": 0.0}}, "a weight above 0"),
        ({"age": 200}, "The closest allowed number is 99"),
        ({"age": -1}, "The closest allowed number is 0"),
        ({"age": "18"}, "Pass a number, not a text"),
        ({"age": nan}, "Pass a finite number"),
        ({"age": inf}, "Pass a finite number"),
        ({"sky": "zebra"}, 'Write the color as "#ff88cc"'),
        ({"sky": (1, 2)}, "Pass three numbers"),
        ({"face": "smiling"}, "Pass a list, for example ['smiling']"),
        ({"face": ["smiling", "glasses"]}, "Leave out 1"),
        ({"face": {"smiling": 1, "glasses": 1}}, "Multiply each weight by 0.5"),
        ({"zebra": "pink"}, "for example 'hair'"),
        (["pink"], "Pass a text such as"),
        ("seven age", "Write for example"),
        ("pink hair black hair", "Name the group once"),
    ],
)
def test_fix_of_a_condition_error_fits_the_mistake(request_: Any, fix: str) -> None:
    with pytest.raises(ConditionError) as caught:
        CONDITIONS.encode(request_)
    assert fix in caught.value.fix
