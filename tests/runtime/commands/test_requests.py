from typing import Any

import pytest

from ganport_runtime.commands._requests import request_of, values_of
from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import ConditionError
from ganport_runtime.groups import JointOneHot, MultiHot, OneHot, Rgb, Scalar

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
        ('hair={"pink": NaN}', "NaN is no JSON number"),
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
