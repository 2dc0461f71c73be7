import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from ganport_runtime.errors import GanportError
from ganport_runtime.generator import Generator
from ganport_train.cli.eval import eval_gan
from ganport_train.cli.train import train_gan
from ganport_train.data import load_dataset
from ganport_train.evaluation.judge.training import JudgeSettings, JudgeTrainer
from ganport_train.evaluation.scores.flow import FlowLikelihood
from ganport_train.runs.train_state import StopSignal
from ganport_train.synthetic.writer import write_faces

TESTS = Path(__file__).parents[2]
BUNDLE = TESTS / "runtime" / "data" / "tiny.ganport"
FIXTURES = TESTS / "contract" / "fixtures"
FEW = ("--count", "40", "--rounds", "2", "--device", "cpu")


@pytest.fixture(scope="module")
def run(
    own_cache: None, faces: Path, tiny: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a run of a flow with three steps: its score has all stages."""
    network = ["generator=glow", "discriminator=none", "num_levels=1", "num_blocks=1"]
    options = [*tiny, "length.max_images=12", "method.name=flow"]
    options += [f"network.{option}" for option in network]
    out = tmp_path_factory.mktemp("runs") / "faces"
    words = [word for text in options for word in ("--set", text)]
    command = ["quick", "--data", str(faces), "--out", str(out), *words]
    result = CliRunner().invoke(train_gan, command)
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture(scope="module")
def judge(own_cache: None, faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a judge of the faces after one epoch."""
    folder = tmp_path_factory.mktemp("judge") / "judge"
    dataset = load_dataset(faces, resolution=16)
    settings = JudgeSettings(resolution=16, width=4, epochs=1, batch_size=16)
    trainer = JudgeTrainer(folder, dataset, settings, torch.device("cpu"), lambda line: None)
    trainer.resume()
    trainer.train(StopSignal())
    trainer.finish({"data": {"name": faces.name, "digest": dataset.digest}})
    return folder


def score(*words: str | Path) -> Result:
    return CliRunner().invoke(eval_gan, ["score", *map(str, words)])


def error_of(*words: str | Path) -> str:
    """Return the message of a failing command, which must be a GanportError or a usage error."""
    result = score(*words)
    assert result.exit_code != 0
    if isinstance(result.exception, GanportError):
        return str(result.exception)
    assert isinstance(result.exception, SystemExit), result.exception
    return result.output


@pytest.fixture(scope="module")
def scored(run: Path, judge: Path) -> Result:
    result = score(run, "--judge", judge, *FEW)
    assert result.exit_code == 0, (result.output, result.exception)
    return result


@pytest.fixture(scope="module")
def report(scored: Result, run: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((run / "score" / "report.json").read_text())
    return report


def test_score_of_a_run_uses_its_data_and_folder(
    scored: Result, report: dict[str, Any], run: Path, faces: Path
) -> None:
    folder = run / "score"
    assert {path.name for path in folder.iterdir()} == {
        ".gitignore",
        "report.html",
        "report.json",
        "sheets",
    }
    assert sorted(path.name for path in (folder / "sheets").iterdir()) == [
        "1-generated-and-real.png",
        "2-most-confident-errors.png",
        "3-nearest-training-images.png",
    ]
    assert report["bundle"]["name"] == "faces"
    assert report["bundle"]["provenance"]["step"] == 3
    assert (report["data"]["name"], report["data"]["count"]) == (faces.name, 130)
    assert "<!doctype html>" in (folder / "report.html").read_text().lower()


def test_report_holds_its_provenance(report: dict[str, Any], judge: Path) -> None:
    assert (report["schema_version"], report["kind"]) == (2, "score")
    options = report["options"]
    assert {
        key: options[key] for key in ("count", "rounds", "seed", "prompt_rounds", "val_fraction")
    } == {
        "count": 40,
        "rounds": 2,
        "seed": 0,
        "prompt_rounds": 50,
        "val_fraction": 0.05,
    }
    assert options["filters"].keys() == {"copies", "near_duplicates"}
    assert list(report["extractors"]) == ["judge"]
    assert report["extractors"]["judge"]["digest"] == report["judge"]["digest"]
    assert set(report["judge"]["accuracy"]) == {"hair", "eyes"}
    assert report["notes"] == []
    keys = set(report)
    assert {"accuracy", "prompt_lists", "labels", "metrics", "headline", "warnings"} <= keys
    assert str(judge.parent) not in json.dumps(report)


def test_score_prints_stages_headline_warnings_and_path(
    scored: Result, report: dict[str, Any], run: Path
) -> None:
    messages = scored.stderr.splitlines()
    assert messages[0].startswith("exporting ")
    assert any(line.startswith("checkpoint ") for line in messages)
    assert [line[:3] for line in messages if line[1:3] == "/7"] == [f"{n}/7" for n in range(1, 8)]
    lines = scored.stdout.splitlines()
    assert lines[0].split()[:2] == ["generated", "95"]
    assert len(lines) == 1 + len(report["headline"]) + len(report["warnings"]) + 1
    warned = [line.removeprefix("warning: ") for line in lines if line.startswith("warning: ")]
    assert warned == report["warnings"]
    assert lines[-1] == str(run / "score" / "report.html")


def test_score_of_a_flow_run_measures_bits(
    scored: Result, report: dict[str, Any], run: Path
) -> None:
    assert "7/7 encoding real images" in scored.stderr
    assert 3 < report["metrics"]["bits"]["value"] < 12
    assert report["metrics"]["reconstruction"]["value"] < 1
    assert report["notes"] == []
    # The run is not the origin of this bundle.
    assert FlowLikelihood.of(run, Generator.load(BUNDLE, "cpu"), torch.device("cpu")) is None


def test_score_of_a_translator_uses_held_out_images(
    untrained_judge: Callable[..., Path], tmp_path: Path
) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    write_faces(data, 60, 16, attributes=True)
    names = ["Smiling", "Eyeglasses"]
    dataset = load_dataset(data, resolution=16, format="celeba", attributes=names)
    words = [word for name in names for word in ("--attribute", name)]
    result = score(
        *(FIXTURES / "attributes.ganport", "--data", data, "--format", "celeba", *words),
        *("--judge", untrained_judge(tmp_path / "judge", dataset.conditions), "--out", out, *FEW),
    )
    assert result.exit_code == 0, (result.output, result.exception)
    assert "1/5 translating 2 x 40 images" in result.stderr
    assert "note: an image-to-image bundle has no noise" in result.stdout
    report = json.loads((out / "report.json").read_text())
    assert {"changed", "kept", "own_levels", "back_levels"} <= set(report["metrics"])
    assert "translated and back: change in levels" in (out / "report.html").read_text()
    assert (out / "sheets" / "1-every-domain.png").is_file()


def check_same_report(folder: Path, again: Path) -> None:
    for name in ("report.json", "report.html"):
        assert (folder / name).read_bytes() == (again / name).read_bytes()


def test_score_of_a_bundle_is_deterministic(judge: Path, faces: Path, tmp_path: Path) -> None:
    bundle, folders = FIXTURES / "faces.ganport", [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        result = score(bundle, "--data", faces, "--judge", judge, *FEW, "--out", folder)
        assert result.exit_code == 0, (result.output, result.exception)
        stages = [line[:3] for line in result.stderr.splitlines() if line[1:3] == "/6"]
        assert stages == [f"{n}/6" for n in range(1, 7)]
    check_same_report(*folders)


@pytest.mark.long
def test_score_of_a_run_is_deterministic(
    scored: Result, run: Path, judge: Path, tmp_path: Path
) -> None:
    result = score(run, "--judge", judge, *FEW, "--out", tmp_path / "again")
    assert result.exit_code == 0, result.exception
    check_same_report(run / "score", tmp_path / "again")


def test_score_over_a_report_without_force_fails(scored: Result, run: Path, judge: Path) -> None:
    assert "--force" in error_of(run, "--judge", judge, *FEW)


def test_score_errors_name_the_missing_part(
    run: Path, judge: Path, faces: Path, tmp_path: Path
) -> None:
    nothing, out = tmp_path / "nothing.ganport", tmp_path / "out"
    assert "--out" in error_of(nothing, "--judge", judge)
    assert "--data" in error_of(nothing, "--judge", judge, "--out", out)
    assert "nothing.ganport" in error_of(nothing, "--judge", judge, "--out", out, "--data", faces)
    assert "judge.json" in error_of(run, "--judge", tmp_path, "--out", out)
    assert "auto, cpu, cuda" in error_of(run, "--judge", judge, "--out", out, "--device", "gpu")
    (tmp_path / "w.pth").write_bytes(b"no weights")
    assert "w.pth" in error_of(
        run, "--judge", judge, "--out", out, "--inception", tmp_path / "w.pth"
    )
    assert "20<=x" in error_of(run, "--judge", judge, "--out", out, "--count", "3")
    assert not out.exists()


def test_score_with_the_judge_of_other_conditions_fails(judge: Path, tmp_path: Path) -> None:
    for name in ("cats", "dogs"):
        folder = tmp_path / "other" / name
        folder.mkdir(parents=True)
        Image.new("RGB", (16, 16), "gray").save(folder / "1.png")
    message = error_of(
        BUNDLE, "--judge", judge, "--out", tmp_path / "out", "--data", tmp_path / "other"
    )
    assert "hair (one_hot), eyes (one_hot)" in message


HIDE = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("scipy", "torch_fidelity"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
from ganport_train.__main__ import eval_gan
eval_gan()
"""


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            ["score", "x.ganport"],
            6,
            "ganport[eval]",
        ),
        (["judge", "--help"], 6, "ganport[eval]"),
        (["compare", "x"], 6, "ganport[eval]"),
        (["colors", "nothing.ganport"], 1, "nothing.ganport"),
        (["--help"], 0, "score    Report the image quality"),
    ],
)
def test_command_without_packages_names_the_extra(
    words: list[str], code: int, message: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HIDE, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
