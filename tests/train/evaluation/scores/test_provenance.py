"""What a report says of where it comes from, and what it warns of."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ganport_runtime.generator import Generator
from ganport_train.data import Dataset
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.scores import provenance
from ganport_train.evaluation.scores.evaluation import Options


def test_names_are_shown_safely_and_paths_never(
    healthy: Generator, dataset: Dataset, tmp_path: Path
) -> None:
    found = provenance.bundle(healthy, "a\x1bb")
    assert found["name"] == "a\\x1bb"
    assert found["digest"] == healthy.bundle.digest
    assert (found["title"], found["family"], found["size"]) == ("discs", "test", [32, 32])
    about = provenance.data(dataset, tmp_path / "discs.zip", 7)
    assert (about["name"], about["count"], about["usable"]) == ("discs.zip", 400, 7)


def test_what_decides_the_figures_stands_there(healthy: Generator, judge: Judge) -> None:
    found = provenance.options(Options(count=30, seed=2**64 - 1), healthy, judge)
    assert (found["count"], found["seed"]) == (30, 2**64 - 1)
    assert found["filters"]["copies"].endswith("to 16 x 16")
    assert found["packages"]["torch-fidelity"][0].isdigit()
    assert found["device"] == {"drawing": "cpu", "judging": "cpu"}
    seen = provenance.seen_by([judge])
    assert seen == {"judge": {"digest": judge.digest, "filter": "bilinear, antialiased"}}


def test_another_data_set_is_noted(dataset: Dataset, judge: Judge) -> None:
    assert provenance.notes(dataset, judge, dataset.digest) == []
    (line,) = provenance.notes(dataset, judge, "00" * 32)
    assert line.startswith("another data set than the run's")
    (line,) = provenance.notes(replace(dataset, digest="00" * 32), judge, None)
    assert line.startswith("another data set than the judge's")


def test_a_judge_that_saw_every_picture_is_noted(dataset: Dataset, judge: Judge) -> None:
    seen = replace(dataset, split_keys=np.full(len(dataset), 2**63, np.uint64))
    (line,) = provenance.notes(seen, judge, None)
    assert line.startswith("no picture that the judge never saw")
