"""`ganport study` as a user meets it: runs, stops, failures, and what is refused."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from ganport_models.selection import newest
from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import GanportError
from ganport_train.cli.study import study
from ganport_train.runs.metrics import SCORES, read_log
from ganport_train.runs.run_dir import read_config
from ganport_train.studies import study as studies
from ganport_train.synthetic.palette import EYES, HAIR
from ganport_train.synthetic.writer import write_faces

Write = Callable[..., Path]
COLORS = Conditions.one_hots({"hair": sorted(HAIR), "eyes": sorted(EYES)})


@pytest.fixture
def write(tmp_path: Path, tiny: list[str]) -> Write:
    """Write a tiny study of `quick` with a variant for each name and its overrides."""

    def written(**variants: list[str]) -> Path:
        common = [
            *tiny,
            "length.max_images=8",
            "logging.checkpoint_minutes=0",
            "logging.eval_images=16",
        ]
        lines = ['title = "Tiny"', 'source = "a test"', 'recipe = "quick"', f"set = {common}"]
        for name, overrides in variants.items():
            lines += ["[[variant]]", f'name = "{name}"', f"set = {overrides}"]
        path = tmp_path / "tiny.toml"
        path.write_text("\n".join(lines))
        return path

    return written


WIDE = ["network.base_channels=3"]
STILL = [
    "optimizer.generator_lr=0",
    "logging.collapse_grace_images=0",
    "logging.stop_when_collapsed=true",
]
WILD = [
    "method.loss=least_squares",
    "network.norm=none",
    "optimizer.discriminator=sgd",
    "optimizer.discriminator_lr=1",
    "optimizer.generator=sgd",
    "optimizer.generator_lr=1",
    "logging.eval_images=0",
]
FREE = [
    "data.condition_encoding=none",
    "method.mismatch_weight=0",
    "network.generator=dcgan",
    "network.discriminator=dcgan",
]


def invoke(*words: str | Path) -> Result:
    return CliRunner().invoke(study, [str(word) for word in words])


def refusal(*words: str | Path) -> str:
    """Return the message of a refused command, and check that it is an error of ours."""
    result = invoke(*words)
    assert result.exit_code != 0
    if isinstance(result.exception, GanportError):
        return str(result.exception)
    assert isinstance(result.exception, SystemExit), result.exception
    return result.output


def seen(run: Path) -> list[int]:
    return [record["images"] for record in read_log(run)]


def test_list_names_studies_with_their_sources() -> None:
    output = invoke("--list").output
    for name in studies.names():
        assert name in output
    assert "(report 001, row B4)" in output


def test_study_trains_and_compares_all_variants(tmp_path: Path, faces: Path, write: Write) -> None:
    out = tmp_path / "out"
    result = invoke(write(one=[], two=WIDE), "--data", faces, "--out", out)
    assert result.exit_code == 0, result.output
    assert [seen(out / name) for name in ("one", "two")] == [[4, 8], [4, 8]]
    assert read_config(out / "two")[0].network.base_channels == 3
    told = result.output.split("\nTiny (a test)\n")[1]
    assert told.startswith("one  complete\ntwo  complete\n")
    page = out / "comparison"
    words = f"$ eval-gan compare {out / 'one'} {out / 'two'} --out {page}"
    assert words in told
    figures = json.loads((page / "compare.json").read_text())
    assert [run["options"]["network.base_channels"] for run in figures["runs"]] == ["2", "3"]
    assert (page / "compare.html").is_file()
    tables = tomllib.loads((out / "study.toml").read_text())
    assert tables["variant"]["two"]["network"]["base_channels"] == 3
    assert tables["run"]["data"] == str(faces)


def test_study_that_is_complete_trains_nothing(tmp_path: Path, faces: Path, write: Write) -> None:
    out = tmp_path / "out"
    path = write(one=[], two=WIDE)
    invoke(path, "--data", faces, "--out", out)
    before = [newest(out / name)[0].stat().st_mtime_ns for name in ("one", "two")]
    again = invoke(path, "--out", out)
    assert again.exit_code == 0, again.output
    assert "variant 1 of 2: one is complete" in again.output
    assert [newest(out / name)[0].stat().st_mtime_ns for name in ("one", "two")] == before


def test_study_with_another_length_trains_and_with_another_option_fails(
    tmp_path: Path, faces: Path, write: Write
) -> None:
    out = tmp_path / "out"
    path = write(one=[], two=WIDE)
    invoke(path, "--data", faces, "--out", out)
    longer = invoke(path, "--out", out, "--set", "length.max_images=12")
    assert longer.exit_code == 0, longer.output
    assert [seen(out / name) for name in ("one", "two")] == [[4, 8, 12]] * 2
    words = refusal(path, "--out", out, "--set", "training.batch_size=8")
    assert "found one: training.batch_size: 4 -> 8; two: training.batch_size: 4 -> 8." in words
    grown = invoke(write(one=[], two=WIDE, three=["training.seed=1"]), "--out", out)
    assert "variant 3 of 3: three: Small" in grown.output
    assert seen(out / "three") == [4, 8]
    assert "found two: removed" in refusal(write(one=[], three=["training.seed=1"]), "--out", out)


def test_study_with_another_data_set_or_judge_fails(
    tmp_path: Path, faces: Path, write: Write, untrained_judge: Callable[..., Path]
) -> None:
    out, other = tmp_path / "out", tmp_path / "other.zip"
    path = write(one=[])
    invoke(path, "--data", faces, "--out", out)
    write_faces(other, 130, 16, seed=9)
    assert "found data: " in refusal(path, "--data", other, "--out", out)
    judge = untrained_judge(tmp_path / "judge", COLORS)
    assert "found judge: none -> " in refusal(path, "--judge", judge, "--out", out)
    moved = tmp_path / "moved.zip"
    shutil.copy(faces, moved)
    assert invoke(path, "--data", moved, "--out", out).exit_code == 0


def test_study_records_a_collapsed_variant_and_continues(
    tmp_path: Path, faces: Path, write: Write
) -> None:
    out = tmp_path / "out"
    path = write(still=[*STILL, "length.max_images=40"], sound=[])
    result = invoke(path, "--data", faces, "--out", out)
    assert result.exit_code == 0, result.output
    assert "still  collapsed\nsound  complete\n" in result.output
    assert seen(out / "sound") == [4, 8]
    again = invoke(path, "--out", out)
    assert f"still failed before; to repeat it, remove {out / 'still'}" in again.output
    shutil.rmtree(out / "still")
    assert "variant 1 of 2: still: Small" in invoke(path, "--out", out).output


def test_study_records_a_diverged_variant_and_continues(
    tmp_path: Path, faces: Path, write: Write
) -> None:
    out = tmp_path / "out"
    path = write(wild=[*WILD, "length.max_images=4000"], sound=[])
    result = invoke(path, "--data", faces, "--out", out)
    assert result.exit_code == 0, result.output
    assert re.search(r"\nwild   diverged: \w+ at step \d+\nsound  complete\n", result.output)


def test_study_scores_all_variants_with_one_judge_after_a_stop(
    tmp_path: Path, faces: Path, write: Write, untrained_judge: Callable[..., Path]
) -> None:
    judge = untrained_judge(tmp_path / "judge", COLORS)
    out = tmp_path / "out"
    path = write(named=[], free=FREE)
    result = invoke(path, "--data", faces, "--out", out, "--judge", judge)
    assert result.exit_code == 0, result.output
    longer = invoke(path, "--out", out, "--set", "length.max_images=12")
    assert longer.exit_code == 0, longer.output
    for name in ("named", "free"):
        scores = read_log(out / name, SCORES)
        assert scores[-1]["images"] == 12
        assert len({score["extractor"] for score in scores}) == 1
        assert scores[0]["extractor"].startswith("judge ")


def test_study_after_an_interrupt_prints_how_to_continue(
    tmp_path: Path, faces: Path, write: Write
) -> None:
    out, told = tmp_path / "out", tmp_path / "told.txt"
    path = write(one=["length.max_images=1000000", "logging.checkpoint_minutes=60"], two=WIDE)
    program = "from ganport_train.cli.study import study; study()"
    with told.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", program, path, "--data", faces, "--out", out],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())},
        )
    while process.poll() is None and not seen(out / "one"):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130, told.read_text()
    assert f"Continue with: ganport study {path} --out {out}\n" in told.read_text()
    assert not (out / "two").exists()
    stopped = seen(out / "one")[-1]
    bound = f"length.max_images={stopped + 4}"
    result = invoke(path, "--out", out, "--set", bound, "--set", "logging.eval_images=0")
    assert result.exit_code == 0, result.output
    assert seen(out / "one")[-1] == stopped + 4
    assert seen(out / "two")


def test_study_with_an_error_writes_nothing(tmp_path: Path, faces: Path, write: Write) -> None:
    out = tmp_path / "out"
    path = write(one=[], two=["data.condition_encoding=joint"])
    assert "Name a STUDY" in refusal("--out", out)
    assert "--out FOLDER" in refusal(path)
    assert "A new study needs --data PATH" in refusal(path, "--out", out)
    assert "--only three: name one of one, two" in refusal(
        path, "--data", faces, "--out", out, "--only", "three"
    )
    assert "There is no study in" in refusal(path, "--out", out, "--summary")
    words = refusal(path, "--data", faces, "--out", out)
    assert (
        "variant two: data.condition_encoding: expected exactly two groups under [conditions]"
        in words
    )
    unfit = write(one=[], two=["data.condition_encoding=none"])
    words = refusal(unfit, "--data", faces, "--out", out)
    assert "variant two: condition_size: expected at least 1" in words
    assert "judge.json" in refusal(
        write(one=[]), "--data", faces, "--out", out, "--judge", tmp_path
    )
    assert not out.exists()
    (tmp_path / "notes.txt").write_text("mine")
    words = refusal(path, "--data", faces, "--out", tmp_path)
    assert "expected a new or empty folder; found a folder with files" in words


@pytest.mark.parametrize("text", ["[", "title = 3", 'title = "t"\nsource = ""\nvariant = 3'])
def test_study_with_a_corrupt_file_names_the_file(
    tmp_path: Path, faces: Path, write: Write, text: str
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "study.toml").write_text(text)
    words = refusal(write(one=[]), "--data", faces, "--out", out)
    assert f"{out / 'study.toml'}: expected a study that ganport study saved" in words


@pytest.fixture
def two_data_sets(write: Write) -> Path:
    """Return a study whose variants have a data set each, and are scored."""
    path = write(one=[], two=WIDE)
    text = path.read_text()
    for name, data in (("one", "plain"), ("two", "marked")):
        text = text.replace(f'name = "{name}"', f'name = "{name}"\ndata = "{data}"')
    path.write_text(text.replace("[[", "score_images = 20\n[[", 1))
    return path


def test_study_of_two_data_sets_trains_judges_and_scores(
    tmp_path: Path, faces: Path, two_data_sets: Path
) -> None:
    out, other = tmp_path / "out", tmp_path / "other.zip"
    write_faces(other, 130, 16, seed=9)
    hint = refusal(two_data_sets, "--data", faces, "--out", out)
    assert "write NAME=PATH, with a name of plain, marked" in hint
    first = invoke(two_data_sets, "--data", f"plain={faces}", "--out", out)
    assert first.exit_code == 0, first.output
    assert "variant 2 of 2: two waits for --data marked=PATH" in first.output
    assert (out / "sheets" / "one.png").is_file()
    report = json.loads((out / "one" / "score" / "report.json").read_text())
    assert report["options"]["count"] == 20
    judge = out / "judges" / "plain"
    assert read_config(out / "one")[1].judge == str(judge.resolve())
    second = invoke(two_data_sets, "--data", f"marked={other}", "--out", out)
    assert second.exit_code == 0, second.output
    assert "variant 1 of 2: one is complete" in second.output
    assert second.output.count("$ eval-gan score") == 1
    assert read_config(out / "two")[1].data == str(other.resolve())
    table = second.output.split("--out " + str(out / "comparison"))[1]
    assert "coverage" in table
    assert "grain of 2x2 blocks" in table
    summary = invoke(two_data_sets, "--out", out, "--summary")
    assert summary.output.endswith(table)


def test_study_scores_a_longer_variant_again(
    tmp_path: Path, faces: Path, two_data_sets: Path
) -> None:
    out = tmp_path / "out"
    call = (two_data_sets, "--data", f"plain={faces}", "--out", out, "--only", "one")
    unscored = invoke(*call, "--score-images", "0")
    assert unscored.exit_code == 0, unscored.output
    assert not (out / "judges").exists()
    for length, scores in ((8, 1), (8, 0), (400, 1)):
        result = invoke(*call, "--set", f"length.max_images={length}")
        assert result.exit_code == 0, result.output
        assert result.output.count("$ eval-gan score") == scores
