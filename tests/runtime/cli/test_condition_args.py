from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.cli.condition_args import (
    describe_fixed,
    label_values,
    parse_request,
    sweep_values,
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
    ("setting", "expected"),
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
def test_parse_request_of_a_setting_returns_its_value(
    setting: str, expected: dict[str, Any]
) -> None:
    assert parse_request(CONDITIONS, [setting]) == expected


def test_parse_request_merges_text_and_settings() -> None:
    assert parse_request(CONDITIONS, ["age=5"], "pink hair") == {"hair": "pink", "age": 5.0}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("age=old", "found 'old'"),
        ("age=nan", "found nan"),
        ("age=", "found ''"),
        ("objects=red cub", "Did you mean 'red cube'"),
        ("hair=[1", "valid JSON"),
        ("hair=NaN", "found 'NaN'"),
        ('hair={"pink": NaN}', "NaN"),
    ],
)
def test_parse_request_of_an_invalid_setting_raises(setting: str, message: str) -> None:
    with pytest.raises(ConditionError, match=r"condition '(age|objects|hair)'") as caught:
        parse_request(CONDITIONS, [setting])
    assert message in str(caught.value)


def test_label_values_returns_every_label() -> None:
    assert label_values(CONDITIONS, "hair") == {"pink": "pink", "red": "red"}
    assert label_values(CONDITIONS, "objects") == {
        "red cube": ["red cube"],
        "blue ball": ["blue ball"],
    }
    assert label_values(CONDITIONS, "skin") == {"rosy": "rosy"}
    for name in ("age", "look"):
        with pytest.raises(ConditionError, match="a group with labels"):
            label_values(CONDITIONS, name)


def test_sweep_values_returns_labels_numbers_or_colors() -> None:
    assert sweep_values(CONDITIONS, "hair") == {"pink": "pink", "red": "red"}
    assert sweep_values(CONDITIONS, "objects") == label_values(CONDITIONS, "objects")
    assert sweep_values(CONDITIONS, "age", 4) == {"0": 0.0, "33": 33.0, "66": 66.0, "99": 99.0}
    assert list(sweep_values(CONDITIONS, "skin", 3)) == ["#ff0000", "#00ff00", "#0000ff"]
    assert [len(sweep_values(CONDITIONS, name)) for name in ("age", "skin")] == [7, 12]


@pytest.mark.parametrize(
    ("name", "steps", "message"),
    [
        ("hair", 3, "found a one_hot"),
        ("look", None, "hair, eyes; found a joint_one_hot"),
        ("hiar", None, "Did you mean 'hair'?"),
    ],
)
def test_sweep_values_of_an_invalid_group_raises(
    name: str, steps: int | None, message: str
) -> None:
    with pytest.raises(ConditionError) as caught:
        sweep_values(CONDITIONS, name, steps)
    assert message in str(caught.value)


@given(st.integers(2, 256), st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_sweep_values_of_a_number_can_all_be_encoded(steps: int, low: float, width: float) -> None:
    conditions = Conditions((Scalar("age", low, low, low + width),))
    values = sweep_values(conditions, "age", steps)
    assert len(values) == steps
    for value in values.values():
        conditions.encode({"age": value})


@pytest.mark.parametrize(("low", "high"), [(-3.4e38, 3.4e38), (0.0, 5e-324)])
def test_sweep_values_at_the_limits_of_floats_include_both_ends(low: float, high: float) -> None:
    values = sweep_values(Conditions((Scalar("age", low, low, high),)), "age", 5)
    assert {low, high} <= set(values.values())
    assert all(low <= value <= high for value in values.values())


def test_describe_fixed_includes_defaults() -> None:
    assert describe_fixed(CONDITIONS, {"hair": "red"}, {"age"}) == (
        "red hair, blue eyes, no objects, rosy skin"
    )
    look = {"look": {"hair": "red"}}
    assert describe_fixed(CONDITIONS, look, {"objects", "skin", "age"}) == "red hair, blue eyes"
    assert describe_fixed(Conditions(), {}, ()) == ""
