"""`ganport study` with judges, scores and several data sets."""

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganport_runtime.conditions import Conditions
from ganport_train.cli.eval import eval_gan
from ganport_train.runs.metrics import SCORES, read_log
from ganport_train.runs.run_dir import read_config
from ganport_train.synthetic.palette import EYES, HAIR
from ganport_train.synthetic.writer import write_faces

COLORS = Conditions.one_hots({"hair": sorted(HAIR), "eyes": sorted(EYES)})
FREE = [
    "data.condition_encoding=none",
    "method.mismatch_weight=0",
    "network.generator=dcgan",
    "network.discriminator=dcgan",
]


def test_study_with_another_data_set_or_judge_fails(
    tmp_path: Path, faces: Path, study: Any, untrained_judge: Callable[..., Path]
) -> None:
    out, other = tmp_path / "out", tmp_path / "other.zip"
    path = study.write(one=[])
    study.invoke(path, "--data", faces, "--out", out)
    write_faces(other, 130, 16, seed=9)
    assert "found data: " in study.refusal(path, "--data", other, "--out", out)
    judge = untrained_judge(tmp_path / "judge", COLORS)
    assert "found judge: none -> " in study.refusal(path, "--judge", judge, "--out", out)
    moved = tmp_path / "moved.zip"
    shutil.copy(faces, moved)
    assert study.invoke(path, "--data", moved, "--out", out).exit_code == 0


def test_study_scores_all_variants_with_one_judge_after_a_stop(
    tmp_path: Path, faces: Path, study: Any, untrained_judge: Callable[..., Path]
) -> None:
    judge = untrained_judge(tmp_path / "judge", COLORS)
    out = tmp_path / "out"
    path = study.write(named=[], free=FREE)
    result = study.invoke(path, "--data", faces, "--out", out, "--judge", judge)
    assert result.exit_code == 0, result.output
    longer = study.invoke(path, "--out", out, "--set", "length.max_images=12")
    assert longer.exit_code == 0, longer.output
    for name in ("named", "free"):
        scores = read_log(out / name, SCORES)
        assert scores[-1]["images"] == 12
        assert len({score["extractor"] for score in scores}) == 1
        assert scores[0]["extractor"].startswith("judge ")


def test_study_whose_judge_is_stopped_tells_how_to_continue(
    tmp_path: Path, faces: Path, study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(arguments: list[str], **options: Any) -> None:
        raise SystemExit(130)

    out, path = tmp_path / "out", study.write(one=[])
    options = ["--set", "training.seed=1", "--only", "one", "--score-images", "20"]
    options += ["--device", "cpu"]
    with monkeypatch.context() as patch:
        patch.setattr(eval_gan, "main", stop)
        new = study.invoke(path, "--data", faces, "--out", out, *options)
    command = shlex.join(["ganport", "study", str(path), "--out", str(out), *options])
    assert new.exit_code == 130
    assert f"Continue with: {command}\n" in new.output
    assert not (out / "one").exists()
    seed = ("--set", "training.seed=1")
    assert study.invoke(path, "--out", out, *seed, "--score-images", "0").exit_code == 0
    with monkeypatch.context() as patch:
        patch.setattr(eval_gan, "main", stop)
        complete = study.invoke(path, "--out", out, *seed, "--score-images", "20")
    assert "variant 1 of 1: one is complete" in complete.output
    assert complete.exit_code == 130


def test_study_names_a_variant_that_cannot_be_scored(
    tmp_path: Path, faces: Path, study: Any, untrained_judge: Callable[..., Path]
) -> None:
    judge = untrained_judge(tmp_path / "judge", COLORS)
    out, path = tmp_path / "out", study.write(one=[])
    study.invoke(path, "--data", faces, "--out", out, "--judge", judge)
    (out / "one" / "score").mkdir()
    (out / "one" / "score" / "notes.txt").write_text("mine")
    result = study.invoke(path, "--out", out, "--score-images", "20")
    assert result.exit_code == 0, result.output
    assert "no score of one: " in result.output
    assert not (out / "sheets").exists()


@pytest.fixture
def two_data_sets(study: Any) -> Path:
    """Return a study whose variants have a data set each, and are scored."""
    path = study.write(one=[], two=["network.base_channels=3"])
    text = path.read_text()
    for name, data in (("one", "plain"), ("two", "marked")):
        text = text.replace(f'name = "{name}"', f'name = "{name}"\ndata = "{data}"')
    path.write_text(text.replace("[[", "score_images = 20\n[[", 1))
    return path


def test_study_of_two_data_sets_scores_a_variant_once(
    tmp_path: Path, faces: Path, study: Any, two_data_sets: Path
) -> None:
    out = tmp_path / "out"
    hint = study.refusal(two_data_sets, "--data", faces, "--out", out)
    assert "write NAME=PATH, with a name of plain, marked" in hint
    unscored = study.invoke(
        two_data_sets, "--data", f"plain={faces}", "--out", out, "--score-images", "0"
    )
    assert unscored.exit_code == 0, unscored.output
    assert "variant 2 of 2: two waits for --data marked=PATH" in unscored.output
    assert "$ eval-gan score" not in unscored.output
    assert not (out / "judges").exists()
    call = (two_data_sets, "--data", f"marked={faces}", "--out", out, "--only", "two")
    first, again = study.invoke(*call), study.invoke(*call)
    assert first.exit_code == again.exit_code == 0, first.output + again.output
    assert [result.output.count("$ eval-gan score") for result in (first, again)] == [1, 0]
    assert "variant 2 of 2: two is complete" in again.output
    assert (out / "sheets" / "two.png").is_file()
    report = json.loads((out / "two" / "score" / "report.json").read_text())
    assert report["options"]["count"] == 20
    judge = out / "judges" / "marked"
    assert read_config(out / "two")[1].judge == str(judge.resolve())
    table = first.output.split("--out " + str(out / "comparison"))[1]
    assert "coverage" in table
    assert "grain of 2x2 blocks" in table
    assert study.invoke(two_data_sets, "--out", out, "--summary").output.endswith(table)


@pytest.mark.long
def test_study_of_two_data_sets_trains_judges_and_scores(
    tmp_path: Path, faces: Path, study: Any, two_data_sets: Path
) -> None:
    out, other = tmp_path / "out", tmp_path / "other.zip"
    write_faces(other, 130, 16, seed=9)
    hint = study.refusal(two_data_sets, "--data", faces, "--out", out)
    assert "write NAME=PATH, with a name of plain, marked" in hint
    first = study.invoke(two_data_sets, "--data", f"plain={faces}", "--out", out)
    assert first.exit_code == 0, first.output
    assert "variant 2 of 2: two waits for --data marked=PATH" in first.output
    assert (out / "sheets" / "one.png").is_file()
    report = json.loads((out / "one" / "score" / "report.json").read_text())
    assert report["options"]["count"] == 20
    judge = out / "judges" / "plain"
    assert read_config(out / "one")[1].judge == str(judge.resolve())
    second = study.invoke(two_data_sets, "--data", f"marked={other}", "--out", out)
    assert second.exit_code == 0, second.output
    assert "variant 1 of 2: one is complete" in second.output
    assert second.output.count("$ eval-gan score") == 1
    assert read_config(out / "two")[1].data == str(other.resolve())
    table = second.output.split("--out " + str(out / "comparison"))[1]
    assert "coverage" in table
    assert "grain of 2x2 blocks" in table
    summary = study.invoke(two_data_sets, "--out", out, "--summary")
    assert summary.output.endswith(table)


@pytest.mark.long
def test_study_scores_a_longer_variant_again(
    tmp_path: Path, faces: Path, study: Any, two_data_sets: Path
) -> None:
    out = tmp_path / "out"
    call = (two_data_sets, "--data", f"plain={faces}", "--out", out, "--only", "one")
    unscored = study.invoke(*call, "--score-images", "0")
    assert unscored.exit_code == 0, unscored.output
    assert not (out / "judges").exists()
    for length, scores in ((8, 1), (8, 0), (400, 1)):
        result = study.invoke(*call, "--set", f"length.max_images={length}")
        assert result.exit_code == 0, result.output
        assert result.output.count("$ eval-gan score") == scores
