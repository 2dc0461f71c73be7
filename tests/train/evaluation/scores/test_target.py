import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ganport_runtime.generator import Generator
from ganport_train.data import Dataset
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.scores.evaluation import EvaluationOptions
from ganport_train.evaluation.scores.generation import GenerationEvaluation
from ganport_train.evaluation.scores.target import (
    EvaluationTarget,
    ExportFailedError,
    find_run,
    open_target,
    provenance,
    provenance_notes,
)

HIDE = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "onnxscript":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Return a run without a checkpoint."""
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    return run


def test_open_target_of_a_bundle_yields_it(tmp_path: Path) -> None:
    bundle = tmp_path / "faces.ganport"
    bundle.mkdir()
    (bundle / "manifest.json").write_text("{}")
    messages: list[str] = []
    with open_target(bundle, messages.append) as target:
        assert target == EvaluationTarget(bundle)
    assert messages == []
    assert (target.data, target.options.val_fraction) == (None, 0.05)


def test_find_run_recognizes_runs_and_checkpoints(run: Path, tmp_path: Path) -> None:
    checkpoint = run / "checkpoints" / "000000007"
    checkpoint.mkdir()
    (checkpoint / "checkpoint.json").write_text("{}")
    configured = tmp_path / "configured"
    configured.mkdir()
    (configured / "config.toml").write_text("")
    assert find_run(run) == run
    assert find_run(checkpoint) == run
    assert find_run(configured) == configured
    assert find_run(tmp_path / "nothing") is None
    assert find_run(tmp_path) is None


def test_open_target_of_a_run_without_checkpoint_raises_the_error_of_export_gan(run: Path) -> None:
    messages: list[str] = []
    with pytest.raises(ExportFailedError) as caught, open_target(run, messages.append):
        pytest.fail("there is no bundle")
    assert caught.value.place == f"export-gan {run}"
    assert "checkpoint" in caught.value.found
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1
    assert len(messages) == 1


def test_open_target_without_the_extra_export_raises_with_exit_code_6(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(HIDE)
    monkeypatch.setenv("PYTHONPATH", ":".join([str(tmp_path), *filter(None, sys.path)]))
    with pytest.raises(ExportFailedError, match=r"Run: pip install 'ganport\[export\]'") as caught:
        open_target(run, print).__enter__()
    assert caught.value.exit_code == 6


@pytest.fixture
def evaluation(healthy: Generator, dataset: Dataset, judge: Judge) -> GenerationEvaluation:
    options = EvaluationOptions(count=30, seed=2**64 - 1)
    return GenerationEvaluation(healthy, dataset, judge, options)


def test_provenance_has_names_and_digests_without_paths(
    evaluation: GenerationEvaluation, judge: Judge, tmp_path: Path
) -> None:
    bundle = evaluation.generator.bundle
    target, path = EvaluationTarget(tmp_path / "bundle"), tmp_path / "discs.zip"
    report = provenance(evaluation, target, name="a\x1bb", data=path)
    assert str(tmp_path) not in json.dumps(report)
    fields = report["bundle"]
    assert (fields["name"], fields["digest"]) == ("a\\x1bb", bundle.digest)
    assert (fields["title"], fields["family"], fields["size"]) == ("discs", "test", [32, 32])
    data = report["data"]
    assert (data["name"], data["count"], data["usable"]) == ("discs.zip", 400, 400)
    options = report["options"]
    assert (options["count"], options["seed"]) == (30, 2**64 - 1)
    assert options["filters"]["copies"].endswith("to 16 x 16")
    assert options["packages"]["torch-fidelity"][0].isdigit()
    assert options["device"] == {"generator": "cpu", "judge": "cpu"}
    expected = {"judge": {"digest": judge.digest, "filter": "bilinear, antialiased"}}
    assert report["extractors"] == expected


def test_provenance_notes_name_another_data_set(dataset: Dataset, judge: Judge) -> None:
    assert provenance_notes(dataset, judge, dataset.digest) == []
    (note,) = provenance_notes(dataset, judge, "00" * 32)
    assert note.startswith("not the run's data set")
    (note,) = provenance_notes(replace(dataset, digest="00" * 32), judge, None)
    assert note.startswith("not the judge's data set")


def test_provenance_notes_without_held_out_images_warn(dataset: Dataset, judge: Judge) -> None:
    all_seen = replace(dataset, split_keys=np.full(len(dataset), 2**63, np.uint64))
    (note,) = provenance_notes(all_seen, judge, None)
    assert note.startswith("no image was held out from the judge")
