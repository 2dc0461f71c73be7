"""A figure and its interval."""

import math

import pytest

from ganport_train.evaluation.scores.metric import Figure


def test_rounds_give_a_mean_and_its_interval() -> None:
    figure = Figure.over_rounds("distance", "Likeness", [1.0, 2.0, 3.0], better="lower", real=0.5)
    reach = 4.302652729911275 / math.sqrt(3)
    assert figure.value == 2
    assert (figure.low, figure.high) == pytest.approx((2 - reach, 2 + reach))
    assert figure.to_json() == {
        "title": "distance",
        "section": "Likeness",
        "value": 2.0,
        "better": "lower",
        "low": figure.low,
        "high": figure.high,
        "real": 0.5,
        "unit": "",
        "note": "",
    }


def test_one_round_has_no_interval() -> None:
    figure = Figure.over_rounds("accuracy", "Follows", [0.5], unit="%")
    assert (figure.value, figure.low, figure.high) == (0.5, None, None)


def test_the_interval_of_a_share_ends_where_shares_do() -> None:
    figure = Figure.over_rounds("accuracy", "Follows", [0.9, 1.0], unit="%")
    assert (figure.low, figure.high) == (pytest.approx(0.95 - 0.05 * 12.7062, abs=1e-4), 1)
    wider = Figure.over_rounds("spread", "Variety", [1.0, 1.2], unit="%")
    assert (wider.low, wider.high) == (0, 1.2)
