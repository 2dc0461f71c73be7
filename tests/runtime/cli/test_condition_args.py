from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.cli.condition_args import (
    held_in_words,
    request_of,
    values_along,
    values_of,
)
from ganport_runtime.conditions import (
    Conditions,
    JointOneHot,
    MultiHot,
    OneHot,
    Rgb,
    Scalar,
)
from ganport_runtime.errors import ConditionError

CONDITIONS = Conditions(
    (
        JointOneHot("look", (OneHot("hair", ("pink", "red")), OneHot("eyes", ("blue",)))),
        MultiHot("objects", ("red cube", "blue ball")),
        Rgb("skin", "rosy", palette={"rosy": "#ffc8be"}),
        Scalar("age", 18, 0, 99),
    )
)


@pytest.mark.parametrize(
    ("setting", "request_"),
    [
        ("hair=pink", {"hair": "pink"}),
        ('hair={"pink": 0.5, "red": 0.5}', {"hair": {"pink": 0.5, "red": 0.5}}),
        ('look={"hair": "red"}', {"look": {"hair": "red"}}),
        ("objects=red cube, blue ball", {"objects": ["red cube", "blue ball"]}),
        ("objects=", {"objects": []}),
        ('objects=["red cube"]', {"objects": ["red cube"]}),
        ("skin=#00ff00", {"skin": "#00ff00"}),
        ("skin=[1, 2, 3]", {"skin": [1, 2, 3]}),
        ("age=7.5", {"age": 7.5}),
    ],
)
def test_settings(setting: str, request_: dict[str, Any]) -> None:
    assert request_of(CONDITIONS, [setting]) == request_


def test_text_and_settings_join() -> None:
    assert request_of(CONDITIONS, ["age=5"], "pink hair") == {"hair": "pink", "age": 5.0}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("age=old", "found 'old'"),
        ("age=nan", "found nan"),
        ("age=", "found ''"),
        ("objects=red cub", "Did you mean 'red cube'"),
        ("hair=[1", "expected valid JSON"),
        ("hair=NaN", "found 'NaN'"),
        ('hair={"pink": NaN}', "NaN is not a JSON number"),
    ],
)
def test_settings_that_are_refused(setting: str, message: str) -> None:
    with pytest.raises(ConditionError, match=r"condition '(age|objects|hair)'") as caught:
        request_of(CONDITIONS, [setting])
    assert message in str(caught.value)


def test_rows_run_over_named_values() -> None:
    assert values_of(CONDITIONS, "hair") == {"pink": "pink", "red": "red"}
    assert values_of(CONDITIONS, "objects") == {
        "red cube": ["red cube"],
        "blue ball": ["blue ball"],
    }
    assert values_of(CONDITIONS, "skin") == {"rosy": "rosy"}
    for name in ("age", "look"):
        with pytest.raises(ConditionError, match="a group with labels"):
            values_of(CONDITIONS, name)


def test_a_sweep_goes_through_what_a_group_takes() -> None:
    assert values_along(CONDITIONS, "hair") == {"pink": "pink", "red": "red"}
    assert values_along(CONDITIONS, "objects") == values_of(CONDITIONS, "objects")
    assert values_along(CONDITIONS, "age", 4) == {"0": 0.0, "33": 33.0, "66": 66.0, "99": 99.0}
    assert list(values_along(CONDITIONS, "skin", 3)) == ["#ff0000", "#00ff00", "#0000ff"]
    assert [len(values_along(CONDITIONS, name)) for name in ("age", "skin")] == [7, 12]


@pytest.mark.parametrize(
    ("name", "steps", "message"),
    [
        ("hair", 3, "expected --steps for a scalar or a colour; found a one_hot"),
        ("look", None, "one of its members hair, eyes; found a joint_one_hot. Ask for 'hair'."),
        ("hiar", None, "Did you mean 'hair'?"),
    ],
)
def test_what_cannot_be_swept(name: str, steps: int | None, message: str) -> None:
    with pytest.raises(ConditionError) as caught:
        values_along(CONDITIONS, name, steps)
    assert message in str(caught.value)


@given(st.integers(2, 256), st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_every_step_of_a_number_is_drawn(steps: int, low: float, width: float) -> None:
    conditions = Conditions((Scalar("age", low, low, low + width),))
    values = values_along(conditions, "age", steps)
    assert len(values) == steps
    for value in values.values():
        conditions.encode({"age": value})


@pytest.mark.parametrize(("low", "high"), [(-3.4e38, 3.4e38), (0.0, 5e-324)])
def test_numbers_at_the_ends_of_what_floats_hold(low: float, high: float) -> None:
    values = values_along(Conditions((Scalar("age", low, low, high),)), "age", 5)
    assert {low, high} <= set(values.values())
    assert all(low <= value <= high for value in values.values())


def test_what_is_held_is_said_with_the_defaults() -> None:
    assert held_in_words(CONDITIONS, {"hair": "red"}, {"age"}) == (
        "red hair, blue eyes, no objects, rosy skin"
    )
    look = {"look": {"hair": "red"}}
    assert held_in_words(CONDITIONS, look, {"objects", "skin", "age"}) == "red hair, blue eyes"
    assert held_in_words(Conditions(), {}, ()) == ""
