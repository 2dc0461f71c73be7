"""`eval-gan score` as a user meets it: a run in, a report out, the same one every time."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from ganport_export import Interface, export
from ganport_models import NetworkConfig
from ganport_models.registry import build_generator
from ganport_runtime.errors import GanportError
from ganport_runtime.generator import Generator
from ganport_train.cli.eval import eval_gan
from ganport_train.cli.train import train_gan
from ganport_train.data import load_dataset
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.judge.training import JudgeTrainer, Settings
from ganport_train.evaluation.scores.flow import Likelihood
from ganport_train.runs.stop_signal import Interrupt

BUNDLE = Path(__file__).parents[2] / "runtime" / "data" / "tiny.ganport"
FEW = ("--count", "40", "--rounds", "2", "--device", "cpu")


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANPORT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        yield


@pytest.fixture(scope="module")
def run(
    own_cache: None, faces: Path, tiny: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A run of three steps."""
    run = tmp_path_factory.mktemp("runs") / "faces"
    words = [word for text in [*tiny, "length.max_images=12"] for word in ("--set", text)]
    result = CliRunner().invoke(
        train_gan, ["quick", "--data", str(faces), "--out", str(run), *words]
    )
    assert result.exit_code == 0, result.output
    return run


@pytest.fixture(scope="module")
def flow(
    own_cache: None, faces: Path, tiny: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A run of a flow, of one step."""
    run = tmp_path_factory.mktemp("runs") / "flow"
    network = ["generator=glow", "discriminator=none", "num_levels=1", "num_blocks=1"]
    texts = [*tiny, "length.max_images=4", "method.name=flow", *(f"network.{t}" for t in network)]
    words = [word for text in texts for word in ("--set", text)]
    result = CliRunner().invoke(
        train_gan, ["quick", "--data", str(faces), "--out", str(run), *words]
    )
    assert result.exit_code == 0, result.output
    return run


@pytest.fixture(scope="module")
def judge(own_cache: None, faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A judge of the faces that has hardly begun to learn."""
    folder = tmp_path_factory.mktemp("judge") / "judge"
    dataset = load_dataset(faces, resolution=16, progress=False)
    settings = Settings(resolution=16, width=4, epochs=1, batch=16)
    trainer = JudgeTrainer(folder, dataset, settings, torch.device("cpu"), lambda line: None)
    trainer.resume()
    trainer.train(Interrupt())
    trainer.finish({"data": {"name": faces.name, "digest": dataset.digest}})
    return folder


def score(*words: str | Path) -> Result:
    return CliRunner().invoke(eval_gan, ["score", *map(str, words)])


def refusal(*words: str | Path) -> str:
    """What the command says when it refuses; never a traceback of anything but our own error."""
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
    found: dict[str, Any] = json.loads((run / "score" / "report.json").read_text())
    return found


def test_a_run_is_scored_with_its_own_data_into_its_own_folder(
    scored: Result, report: dict[str, Any], run: Path, faces: Path
) -> None:
    place = run / "score"
    assert {path.name for path in place.iterdir()} == {
        ".gitignore",
        "report.html",
        "report.json",
        "sheets",
    }
    assert sorted(path.name for path in (place / "sheets").iterdir()) == [
        "1-drawn-and-real.png",
        "2-worst-mistakes.png",
        "3-nearest-training-pictures.png",
    ]
    assert report["bundle"]["name"] == "faces"
    assert report["bundle"]["provenance"]["step"] == 3
    assert (report["data"]["name"], report["data"]["count"]) == (faces.name, 130)
    assert "<!doctype html>" in (place / "report.html").read_text().lower()


def test_the_report_says_what_it_was_made_from(report: dict[str, Any], judge: Path) -> None:
    assert (report["schema_version"], report["kind"]) == (1, "score")
    options = report["options"]
    assert {key: options[key] for key in ("count", "rounds", "seed", "draws", "held_out")} == {
        "count": 40,
        "rounds": 2,
        "seed": 0,
        "draws": 50,
        "held_out": 0.05,
    }
    assert options["filters"].keys() == {"copies", "near_duplicates"}
    assert list(report["extractors"]) == ["judge"]
    assert report["extractors"]["judge"]["digest"] == report["judge"]["digest"]
    assert set(report["judge"]["accuracy"]) == {"hair", "eyes"}
    assert report["notes"] == []
    keys = set(report)
    assert {"accuracy", "trials", "conditions", "figures", "headline", "warnings", "worst"} <= keys
    assert str(judge.parent) not in json.dumps(report)


def test_the_terminal_shows_stages_headline_warnings_and_where_the_report_lies(
    scored: Result, report: dict[str, Any], run: Path
) -> None:
    told = scored.stderr.splitlines()
    assert told[0].startswith("exporting ")
    assert any(line.startswith("checkpoint ") for line in told)
    assert [line[:3] for line in told if line[1:3] == "/6"] == [f"{n}/6" for n in range(1, 7)]
    lines = scored.stdout.splitlines()
    assert lines[0].split()[:2] == ["drawn", "95"]
    assert len(lines) == 1 + len(report["headline"]) + len(report["warnings"]) + 1
    warned = [line.removeprefix("warning: ") for line in lines if line.startswith("warning: ")]
    assert warned == report["warnings"]
    assert lines[-1] == str(run / "score" / "report.html")


def test_a_flow_is_measured_in_bits_by_its_run(flow: Path, judge: Path) -> None:
    result = score(flow, "--judge", judge, "--count", "20", "--rounds", "1", "--device", "cpu")
    assert result.exit_code == 0, (result.output, result.exception)
    assert "7/7 encoding real pictures" in result.stderr
    report = json.loads((flow / "score" / "report.json").read_text())
    assert 3 < report["figures"]["bits"]["value"] < 12
    assert report["figures"]["reconstruction"]["value"] < 1
    assert report["notes"] == []
    # The network of a run says nothing of a bundle that came from elsewhere.
    assert Likelihood.of(flow, Generator.load(BUNDLE, "cpu"), torch.device("cpu")) is None


def test_a_translator_is_scored_by_what_it_makes_of_held_out_pictures(
    judge: Path, faces: Path, tmp_path: Path
) -> None:
    conditions = Judge.load(judge).conditions
    network = build_generator(
        "stargan", NetworkConfig(16, conditions.size, 2, 1, 1, num_blocks=1)
    ).eval()
    interface = Interface("faces", (), (16, 16), conditions, kind="gan.translate/1")
    bundle, out = tmp_path / "faces.ganport", tmp_path / "out"
    export(network, interface, bundle, format="onnx", allow_insensitive=True)
    result = score(bundle, "--data", faces, "--judge", judge, "--out", out, *FEW)
    assert result.exit_code == 0, (result.output, result.exception)
    assert "1/5 translating 2 x 40 pictures" in result.stderr
    assert "note: an image-to-image bundle has no noise" in result.stdout
    report = json.loads((out / "report.json").read_text())
    assert {"changed", "kept", "own_levels", "back_levels"} <= set(report["figures"])
    assert "there and back: change in levels" in (out / "report.html").read_text()
    assert (out / "sheets" / "1-every-domain.png").is_file()


def test_the_same_command_gives_the_same_report(
    scored: Result, run: Path, judge: Path, tmp_path: Path
) -> None:
    out = tmp_path / "again"
    result = score(run, "--judge", judge, *FEW, "--out", out)
    assert result.exit_code == 0, result.exception
    for name in ("report.json", "report.html"):
        assert (out / name).read_bytes() == (run / "score" / name).read_bytes()


def test_a_report_that_is_there_is_replaced_only_with_force(
    scored: Result, run: Path, judge: Path
) -> None:
    assert "replace it with --force" in refusal(run, "--judge", judge, *FEW)


def test_refusals_name_what_is_missing(run: Path, judge: Path, faces: Path, tmp_path: Path) -> None:
    nothing, out = tmp_path / "nothing.ganport", tmp_path / "out"
    assert "name the report's with --out" in refusal(nothing, "--judge", judge)
    assert "name it with --data" in refusal(nothing, "--judge", judge, "--out", out)
    assert "nothing.ganport" in refusal(nothing, "--judge", judge, "--out", out, "--data", faces)
    assert "judge.json" in refusal(run, "--judge", tmp_path, "--out", out)
    assert "expected auto, cpu, cuda" in refusal(
        run, "--judge", judge, "--out", out, "--device", "gpu"
    )
    (tmp_path / "w.pth").write_bytes(b"no weights")
    assert "expected the Inception v3 weights" in refusal(
        run, "--judge", judge, "--out", out, "--inception", tmp_path / "w.pth"
    )
    assert "20<=x" in refusal(run, "--judge", judge, "--out", out, "--count", "3")
    assert not out.exists()


def test_a_judge_of_another_data_set_is_refused(judge: Path, tmp_path: Path) -> None:
    for name in ("cats", "dogs"):
        folder = tmp_path / "other" / name
        folder.mkdir(parents=True)
        Image.new("RGB", (16, 16), "grey").save(folder / "1.png")
    words = refusal(
        BUNDLE, "--judge", judge, "--out", tmp_path / "out", "--data", tmp_path / "other"
    )
    assert "expected the judge's condition groups, hair (one_hot), eyes (one_hot)" in words


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
    ("words", "code", "told"),
    [
        (
            ["score", "x.ganport"],
            6,
            "no scipy, no torch_fidelity. Run: pip install 'ganport[eval]'",
        ),
        (["judge", "--help"], 6, "Run: pip install 'ganport[eval]'"),
        (["compare", "x"], 6, "Run: pip install 'ganport[eval]'"),
        (["colours", "nothing.ganport"], 1, "nothing.ganport"),
        (["--help"], 0, "score    Report how good"),
    ],
)
def test_each_command_asks_for_what_it_needs_alone(words: list[str], code: int, told: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HIDE, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert told in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
