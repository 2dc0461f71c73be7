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
from pathlib import Path
from typing import Any

import pytest
import torch

from ganport_models.selection import newest
from ganport_train.runs.metrics import read_log
from ganport_train.runs.run_dir import read_config
from ganport_train.studies import study as studies

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


def seen(run: Path) -> list[int]:
    return [record["images"] for record in read_log(run)]


def test_list_names_studies_with_their_sources(study: Any) -> None:
    output = study.invoke("--list").output
    for name in studies.names():
        assert name in output
    assert "(report 001, row B4)" in output


def test_study_trains_and_compares_all_variants(tmp_path: Path, faces: Path, study: Any) -> None:
    out = tmp_path / "out"
    result = study.invoke(study.write(one=[], two=WIDE), "--data", faces, "--out", out)
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


def test_study_that_is_complete_trains_nothing(tmp_path: Path, faces: Path, study: Any) -> None:
    out = tmp_path / "out"
    path = study.write(one=[], two=WIDE)
    study.invoke(path, "--data", faces, "--out", out)
    before = [newest(out / name)[0].stat().st_mtime_ns for name in ("one", "two")]
    again = study.invoke(path, "--out", out)
    assert again.exit_code == 0, again.output
    assert "variant 1 of 2: one is complete" in again.output
    assert [newest(out / name)[0].stat().st_mtime_ns for name in ("one", "two")] == before


def test_study_with_another_length_trains_and_with_another_option_fails(
    tmp_path: Path, faces: Path, study: Any
) -> None:
    out = tmp_path / "out"
    path = study.write(one=[], two=WIDE)
    study.invoke(path, "--data", faces, "--out", out)
    longer = study.invoke(path, "--out", out, "--set", "length.max_images=12")
    assert longer.exit_code == 0, longer.output
    assert [seen(out / name) for name in ("one", "two")] == [[4, 8, 12]] * 2
    words = study.refusal(path, "--out", out, "--set", "training.batch_size=8")
    assert "found one: training.batch_size: 4 -> 8; two: training.batch_size: 4 -> 8." in words
    grown = study.invoke(study.write(one=[], two=WIDE, three=["training.seed=1"]), "--out", out)
    assert "variant 3 of 3: three: Small" in grown.output
    assert seen(out / "three") == [4, 8]
    assert "found two: removed" in study.refusal(
        study.write(one=[], three=["training.seed=1"]), "--out", out
    )


def test_study_records_a_collapsed_variant_and_continues(
    tmp_path: Path, faces: Path, study: Any
) -> None:
    out = tmp_path / "out"
    path = study.write(still=[*STILL, "length.max_images=40"], sound=[])
    result = study.invoke(path, "--data", faces, "--out", out)
    assert result.exit_code == 0, result.output
    assert "still  collapsed\nsound  complete\n" in result.output
    assert seen(out / "sound") == [4, 8]
    again = study.invoke(path, "--out", out)
    assert f"still failed before; to repeat it, remove {out / 'still'}" in again.output
    shutil.rmtree(out / "still")
    assert "variant 1 of 2: still: Small" in study.invoke(path, "--out", out).output


def test_study_records_a_diverged_variant_and_continues(
    tmp_path: Path, faces: Path, study: Any
) -> None:
    out = tmp_path / "out"
    path = study.write(wild=[*WILD, "length.max_images=4000"], sound=[])
    result = study.invoke(path, "--data", faces, "--out", out)
    assert result.exit_code == 0, result.output
    assert re.search(r"\nwild   diverged: \w+ at step \d+\nsound  complete\n", result.output)


def test_study_after_an_interrupt_prints_how_to_continue(
    tmp_path: Path, faces: Path, study: Any
) -> None:
    out, told = tmp_path / "out", tmp_path / "told.txt"
    path = study.write(one=["length.max_images=1000000", "logging.checkpoint_minutes=60"], two=WIDE)
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
    result = study.invoke(path, "--out", out, "--set", bound, "--set", "logging.eval_images=0")
    assert result.exit_code == 0, result.output
    assert seen(out / "one")[-1] == stopped + 4
    assert seen(out / "two")


def test_study_with_an_error_writes_nothing(tmp_path: Path, faces: Path, study: Any) -> None:
    out = tmp_path / "out"
    path = study.write(one=[], two=["data.condition_encoding=joint"])
    assert "Name a STUDY" in study.refusal("--out", out)
    assert "--out FOLDER" in study.refusal(path)
    assert "A new study needs --data PATH" in study.refusal(path, "--out", out)
    assert "--only three: name one of one, two" in study.refusal(
        path, "--data", faces, "--out", out, "--only", "three"
    )
    assert "There is no study in" in study.refusal(path, "--out", out, "--summary")
    words = study.refusal(path, "--data", faces, "--out", out)
    assert (
        "variant two: data.condition_encoding: expected exactly two groups under [conditions]"
        in words
    )
    unfit = study.write(one=[], two=["data.condition_encoding=none"])
    words = study.refusal(unfit, "--data", faces, "--out", out)
    assert "variant two: condition_size: expected at least 1" in words
    assert "judge.json" in study.refusal(
        study.write(one=[]), "--data", faces, "--out", out, "--judge", tmp_path
    )
    assert not out.exists()
    (tmp_path / "notes.txt").write_text("mine")
    words = study.refusal(path, "--data", faces, "--out", tmp_path)
    assert "expected a new or empty folder; found a folder with files" in words


@pytest.mark.parametrize("text", ["[", "title = 3", 'title = "t"\nsource = ""\nvariant = 3'])
def test_study_with_a_corrupt_file_names_the_file(
    tmp_path: Path, faces: Path, study: Any, text: str
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "study.toml").write_text(text)
    words = study.refusal(study.write(one=[]), "--data", faces, "--out", out)
    assert f"{out / 'study.toml'}: expected a study that ganport study saved" in words
