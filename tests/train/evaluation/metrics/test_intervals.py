"""Intervals against their formulas."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganport_train.evaluation.metrics.intervals import of_mean, wilson


@given(st.integers(1, 500).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
@settings(deadline=None)  # the first call imports scipy
def test_wilson_is_its_formula(counts: tuple[int, int]) -> None:
    hits, total = counts
    z, p = 1.959963984540054, hits / total
    middle = (p + z * z / (2 * total)) / (1 + z * z / total)
    reach = z / (1 + z * z / total) * math.sqrt(p * (1 - p) / total + z * z / (4 * total**2))
    assert wilson(hits, total) == pytest.approx((middle - reach, middle + reach), abs=1e-12)


def test_of_nothing_anything_may_be_true() -> None:
    assert wilson(0, 0) == (0, 1)


def test_a_mean_has_the_interval_of_student() -> None:
    # Two degrees of freedom: t = 4.302653.
    reach = 4.302652729911275 / math.sqrt(3)
    assert of_mean([1.0, 2.0, 3.0]) == pytest.approx((2, 2 - reach, 2 + reach))


def test_equal_measurements_leave_no_doubt_and_one_tells_nothing_of_it() -> None:
    assert of_mean([0.5, 0.5, 0.5]) == (0.5, 0.5, 0.5)
    assert of_mean([0.25]) == (0.25, 0.25, 0.25)
