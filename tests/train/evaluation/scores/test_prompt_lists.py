"""Test lists, drawn several times and judged draw by draw."""

from dataclasses import replace

import pytest

from ganport_runtime.conditions import Conditions
from ganport_runtime.generator import Generator
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.scores.prompt_lists import run

LISTS = {
    "test": [{"hair": "red", "eyes": "dark"}, {"hair": "blue", "eyes": "light"}],
    "new_test": [{"hair": "white", "eyes": "light"}] * 3,
}


def test_each_draw_is_judged_by_itself(healthy: Generator, judge: Judge) -> None:
    found = run(healthy, judge, LISTS, seed=7, draws=5)
    test, other = found["test"], found["new_test"]
    assert (len(test.shares), test.objects, test.left_out) == (5, 4, 0)
    assert set(test.shares) <= {0, 0.25, 0.5, 0.75, 1}
    assert test.first.origins == ["seed 7", "seed 8"]
    assert other.first.origins == ["seed 17", "seed 18", "seed 19"]
    entry = test.to_json()
    assert entry["share"]["value"] == pytest.approx(sum(test.shares) / 5)
    assert (entry["share"]["count"], entry["requests"], entry["draws"]) == (20, 2, 5)
    figure = test.figure("test", 0.9)
    assert (figure.title, figure.real, figure.unit) == ("test list test as asked", 0.9, "%")


def test_what_a_bundle_cannot_be_asked_for_is_left_out(healthy: Generator, judge: Judge) -> None:
    more = Conditions.one_hots({"hair": ["blue", "green", "pink", "white"], "eyes": ["dark", "x"]})
    lists = {"test": [{"hair": "pink"}, {"hair": "blue"}], "none": [{"eyes": "x"}]}
    found = run(healthy, replace(judge, conditions=more), lists, seed=0, draws=2)
    assert list(found) == ["test"]
    assert (found["test"].left_out, len(found["test"].first)) == (1, 1)
