import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_train.evaluation.metrics import Metric, mean_interval, wilson_interval


@given(st.integers(1, 500).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_wilson_interval_equals_its_formula(counts: tuple[int, int]) -> None:
    hits, total = counts
    z, p = 1.959963984540054, hits / total
    center = (p + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(p * (1 - p) / total + z * z / (4 * total**2))
    assert wilson_interval(hits, total) == pytest.approx((center - half, center + half), abs=1e-12)


def test_wilson_interval_of_nothing_is_0_to_1() -> None:
    assert wilson_interval(0, 0) == (0, 1)


def test_mean_interval_equals_students() -> None:
    # Two degrees of freedom: t = 4.302653.
    half = 4.302652729911275 / math.sqrt(3)
    assert mean_interval([1.0, 2.0, 3.0]) == pytest.approx((2, 2 - half, 2 + half))


@pytest.mark.parametrize("values", [[0.5, 0.5, 0.5], [0.5]])
def test_mean_interval_of_equal_values_has_no_width(values: list[float]) -> None:
    assert mean_interval(values) == (0.5, 0.5, 0.5)


def test_over_rounds_returns_mean_and_interval() -> None:
    metric = Metric.over_rounds("distance", "Quality", [1.0, 2.0, 3.0], better="lower", real=0.5)
    half = 4.302652729911275 / math.sqrt(3)
    assert metric.value == 2
    assert (metric.low, metric.high) == pytest.approx((2 - half, 2 + half))
    assert metric.to_json() == {
        "title": "distance",
        "section": "Quality",
        "value": 2.0,
        "better": "lower",
        "low": metric.low,
        "high": metric.high,
        "real": 0.5,
        "unit": "",
        "note": "",
    }


def test_over_rounds_of_one_round_has_no_interval() -> None:
    metric = Metric.over_rounds("accuracy", "Conditions", [0.5], unit="%")
    assert (metric.value, metric.low, metric.high) == (0.5, None, None)


def test_over_rounds_of_a_fraction_clips_the_interval() -> None:
    metric = Metric.over_rounds("accuracy", "Conditions", [0.9, 1.0], unit="%")
    assert (metric.low, metric.high) == (pytest.approx(0.95 - 0.05 * 12.7062, abs=1e-4), 1)
    wider = Metric.over_rounds("spread", "Diversity", [1.0, 1.2], unit="%")
    assert (wider.low, wider.high) == (0, 1.2)
