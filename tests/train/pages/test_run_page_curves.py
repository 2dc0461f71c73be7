"""Tests of the curves of a run's page: at most some points, all of them JSON numbers."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ganport_train.pages.run_page import thin

numbers = st.one_of(st.none(), st.floats(allow_infinity=True, allow_nan=True), st.integers())


@given(
    st.lists(
        st.fixed_dictionaries(
            {"images": st.integers(0, 10**9)}, optional={"loss": numbers, "note": st.text()}
        )
    ),
    st.integers(1, 8),
)
def test_thin_returns_json_columns_of_equal_length(
    records: list[dict[str, Any]], limit: int
) -> None:
    columns = thin(records, limit)
    assert {len(column) for column in columns.values()} <= {min(limit, len(records))}
    assert "note" not in columns
    json.dumps(columns, allow_nan=False)


def test_thin_averages_records() -> None:
    records = [{"images": i, "loss": float(i)} for i in range(4)]
    assert thin([*records, {"images": 4}, {"images": 5}], 3) == {
        "images": [0.5, 2.5, 4.5],
        "loss": [0.5, 2.5, None],
    }


def test_thin_has_no_value_for_an_infinite_number_and_no_column_for_other_values() -> None:
    assert thin([{"loss": math.inf, "done": True, "note": "x"}]) == {"loss": [None]}
