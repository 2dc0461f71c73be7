"""`train-gan` with a judge, and one whose run collapses."""

import re
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from ganport_models.selection import newest
from ganport_runtime.conditions import Conditions
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.runs.metrics import SCORES, read_log
from ganport_train.runs.run_dir import read_config
from ganport_train.synthetic.palette import EYES, HAIR

Settings = Callable[..., list[str]]
Invoke = Callable[..., Result]
Refusal = Callable[..., str]


COLORS = Conditions.one_hots({"hair": sorted(HAIR), "eyes": sorted(EYES)})


def test_start_with_a_judge_scores_and_resume_may_change_it(
    tmp_path: Path,
    faces: Path,
    settings: Settings,
    invoke: Invoke,
    untrained_judge: Callable[..., Path],
) -> None:
    one, two = (untrained_judge(tmp_path / f"judge-{seed}", COLORS, seed) for seed in (0, 1))
    run, scored = tmp_path / "run", settings("length.max_images=4", "logging.eval_images=16")
    started = invoke("quick", "--data", faces, "--out", run, "--judge", one, *scored)
    assert started.exit_code == 0, started.output
    assert re.search(r"score \d\.\d+: hair \d\.\d+ \(real 0\.90\)", started.output)
    longer = ["--set", "length.max_images=8"]
    assert "another judge" not in invoke("--resume", run, *longer).output
    longer = ["--set", "length.max_images=12"]
    assert "note: another judge" in invoke("--resume", run, "--judge", two, *longer).output
    longer = ["--set", "length.max_images=16"]
    assert invoke("--resume", run, "--judge", "none", *longer).exit_code == 0
    digests = [Judge.load(judge).digest[:16] for judge in (one, one, two)]
    extractors = [line["extractor"] for line in read_log(run, SCORES)]
    assert extractors == [*(f"judge {digest}" for digest in digests), "pixels"]
    assert read_config(run)[1].judge == ""


def test_start_with_an_unusable_judge_fails_and_writes_nothing(
    tmp_path: Path,
    faces: Path,
    settings: Settings,
    refusal: Refusal,
    untrained_judge: Callable[..., Path],
) -> None:
    run, hats = tmp_path / "run", Conditions.one_hots({"hats": ["top", "bowler"]})
    start = ["quick", "--data", faces, "--out", run, *settings("logging.eval_images=16")]
    words = refusal(*start, "--judge", untrained_judge(tmp_path / "other", hats))
    assert "--judge: expected a judge of the run's conditions: hair, eyes; found hats" in words
    assert "judge.json" in refusal(*start, "--judge", tmp_path / "nowhere")
    assert not run.exists()


def test_collapsed_run_exits_with_4_and_resumes(
    tmp_path: Path, faces: Path, settings: Settings, invoke: Invoke
) -> None:
    # A generator that never learns draws nearly one image.
    still = [
        "optimizer.generator_lr=0",
        "logging.eval_images=16",
        "logging.collapse_grace_images=0",
    ]
    run, start = tmp_path / "run", settings("length.max_images=12", *still)
    result = invoke("quick", "--data", faces, "--out", run, "--stop-when-collapsed", *start)
    assert result.exit_code == 4
    assert result.output.count("warning: collapsed: the spread within a condition is 0.") == 2
    assert f"continue anyway: train-gan --resume {run}" in result.output
    assert newest(run)[1]["step"] == 2
    assert invoke("--resume", run).exit_code == 0
    assert newest(run)[1]["step"] == 3
