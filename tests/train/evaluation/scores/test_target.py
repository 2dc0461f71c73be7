"""What is scored: a bundle as it is, a run by way of export-gan."""

import sys
from pathlib import Path

import pytest

from ganport_train.evaluation.scores.target import (
    PortingError,
    Subject,
    opened,
    run_of,
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
    """A run that holds no checkpoint."""
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    return run


def test_a_bundle_is_taken_as_it_is(tmp_path: Path) -> None:
    bundle = tmp_path / "faces.ganport"
    bundle.mkdir()
    (bundle / "manifest.json").write_text("{}")
    said: list[str] = []
    with opened(bundle, said.append) as subject:
        assert subject == Subject(bundle)
    assert said == []
    assert (subject.data, subject.options.held_out) == (None, 0.05)


def test_runs_and_their_checkpoints_are_known_by_what_they_hold(run: Path, tmp_path: Path) -> None:
    checkpoint = run / "checkpoints" / "000000007"
    checkpoint.mkdir()
    (checkpoint / "checkpoint.json").write_text("{}")
    configured = tmp_path / "configured"
    configured.mkdir()
    (configured / "config.toml").write_text("")
    assert run_of(run) == run
    assert run_of(checkpoint) == run
    assert run_of(configured) == configured
    assert run_of(tmp_path / "nothing") is None
    assert run_of(tmp_path) is None


def test_a_run_that_cannot_be_exported_ends_in_the_words_of_export_gan(run: Path) -> None:
    said: list[str] = []
    with pytest.raises(PortingError) as caught, opened(run, said.append):
        pytest.fail("there is no bundle")
    assert str(caught.value).startswith(f"export-gan {run}: expected a bundle of its generator")
    assert "expected a whole checkpoint; found none" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1
    assert said == [f"exporting {run}, for what is judged is what ships"]


def test_a_missing_extra_ends_in_its_pip_line(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(HIDE)
    monkeypatch.setenv("PYTHONPATH", ":".join([str(tmp_path), *filter(None, sys.path)]))
    with pytest.raises(PortingError, match=r"Run: pip install 'ganport\[export\]'") as caught:
        opened(run, print).__enter__()
    assert caught.value.exit_code == 6
