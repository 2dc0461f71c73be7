from pathlib import Path
from typing import Any

import pytest

from ganport_train.evaluation.report.charts import RunHistory
from ganport_train.evaluation.report.columns import (
    MAX_OPTIONS,
    Column,
    comparison_notes,
    make_columns,
)
from ganport_train.evaluation.report.comparison import Entry


def with_scores(*scores: float | None, extractor: str = "pixels", **last: Any) -> RunHistory:
    rows = [{"step": 1, "extractor": extractor, "score": score} for score in scores]
    rows[-1].update(last)
    return RunHistory([{"step": 1, "images": 64_000, "seconds": 90.0}], rows)


def with_kernel(kernel: float, **sections: Any) -> dict[str, Any]:
    metric = {"title": "kernel distance", "value": kernel, "better": "lower", "unit": ""}
    return {"metrics": {"judge_kernel": metric}, "headline": ["judge_kernel"], **sections}


def entry(name: str, **parts: Any) -> Entry:
    return Entry(name, Path(name), **parts)


def by_title(entries: list[Entry]) -> dict[str, Column]:
    return {column.title: column for column in make_columns(entries)}


def test_columns_mark_the_best_value() -> None:
    entries = [
        entry("a", title="Quick", history=with_scores(0.75, 0.5), report=with_kernel(2.0)),
        entry("b", title="Quick", history=with_scores(0.25, 0.625), report=with_kernel(1.0)),
        entry("c", title="Other"),
    ]
    found = by_title(entries)
    assert found["recipe"].cells == ["Quick", "Quick", "Other"]
    assert found["images seen"].cells == ["64,000", "64,000", ""]
    assert found["minutes"].cells == ["1.5", "1.5", ""]
    assert found["last validation score"] == Column(
        "last validation score", ["50.0%", "62.5%", ""], frozenset({1})
    )
    assert found["best validation score"].best == {0}
    assert found["kernel distance"].cells == ["2.00", "1.00", ""]
    assert found["kernel distance"].best == {1}
    assert comparison_notes(entries) == []


def test_columns_of_equal_texts_have_no_best() -> None:
    found = by_title(
        [entry("a", history=with_scores(0.5)), entry("b", history=with_scores(0.50001))]
    )
    assert found["last validation score"].best == frozenset()


def test_columns_of_one_run_have_no_best() -> None:
    assert all(not column.best for column in make_columns([entry("a", history=with_scores(0.5))]))


def test_columns_leave_out_the_options_of_unlike_runs() -> None:
    keys = [f"network.option_{number}" for number in range(MAX_OPTIONS + 1)]
    entries = [entry(name, options=dict.fromkeys(keys, name)) for name in ("a", "b")]
    assert not by_title(entries).keys() & set(keys)
    assert comparison_notes(entries) == ["13 options differ: compare.json of --out lists them"]
    fewer = [entry(name, options=dict.fromkeys(keys[1:], name)) for name in ("a", "b")]
    assert set(keys[1:]) <= by_title(fewer).keys()


def test_columns_include_only_differing_options() -> None:
    options = {"network.base_channels": "32", "training.seed": "0"}
    entries = [
        entry("a", options=options),
        entry("b", options=options | {"training.seed": "1"}),
        entry("single report"),
    ]
    found = by_title(entries)
    assert found["training.seed"].cells == ["0", "1", ""]
    assert "network.base_channels" not in found


@pytest.mark.parametrize(
    "other",
    [
        {"history": with_scores(0.75, extractor="judge 12ab")},
        {"history": with_scores(0.75, eval_images=64)},
        {"history": with_scores(0.75), "data_digest": "2"},
    ],
)
def test_columns_of_scores_on_different_scales_have_no_best(other: dict[str, Any]) -> None:
    entries = [
        entry("a", data_digest="1", history=with_scores(0.5)),
        entry("b", **{"data_digest": "1"} | other),
    ]
    assert not by_title(entries)["last validation score"].best
    assert any("different scales" in note for note in comparison_notes(entries))


def test_columns_ignore_scores_of_earlier_extractors() -> None:
    history = with_scores(0.25)
    history = RunHistory(history.records, [{"step": 0, "extractor": "other", "score": 1.0}] * 2)
    mixed = RunHistory(history.records, [*history.scores, *with_scores(0.25).scores])
    assert by_title([entry("a", history=mixed)])["best validation score"].cells == ["25.0%"]


def test_columns_of_reports_by_different_judges_have_no_best() -> None:
    entries = [
        entry("a", report=with_kernel(2.0, judge={"digest": "1"}, options={"count": 2000})),
        entry("b", report=with_kernel(1.0, judge={"digest": "2"}, options={"count": 100})),
    ]
    assert not by_title(entries)["kernel distance"].best
    (note,) = comparison_notes(entries)
    assert "judge.digest, options.count" in note


def test_notes_name_a_collapse_and_different_data() -> None:
    entries = [
        entry("a", data_digest="1", history=with_scores(0.5, collapsed=True)),
        entry("b", data_digest="2", history=with_scores(0.25, 0.5, collapsed=False)),
    ]
    assert comparison_notes(entries) == [
        "a collapsed at its last validation score",
        "the runs were trained on different data",
        "the validation scores have different scales: none is marked best",
    ]
