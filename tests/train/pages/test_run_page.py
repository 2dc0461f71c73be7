"""Tests of the page of a run: what it shows of a run in each state, and hostile run folders."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ganport_train.config.parsing import RecipeError
from ganport_train.pages.run_page import RunReader, run_app

FIXTURE = Path(__file__).parents[2] / "contract" / "fixtures" / "faces"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Return a complete run of schema 1 with two sample grids."""
    folder = tmp_path / "run"
    shutil.copytree(FIXTURE, folder)
    (folder / "samples").mkdir()
    for images in (0, 1200):
        Image.new("RGB", (300, 400), "teal").save(folder / "samples" / f"{images:09d}.png")
    return folder


@pytest.fixture
def client(run: Path, client_of: Any) -> Any:
    return client_of(run_app(RunReader(run)))


def set_option(run: Path, before: str, after: str) -> None:
    config = run / "config.toml"
    text = config.read_text()
    assert before in text
    config.write_text(text.replace(before, after))


def age(path: Path, seconds: float) -> None:
    """Make a file some seconds older."""
    modified = time.time() - seconds
    os.utime(path, (modified, modified))


def hold(run: Path, pid: object, host: object = None) -> None:
    holder = {"pid": pid, "host": host or socket.gethostname(), "since": "today"}
    (run / ".lock.json").write_text(json.dumps(holder))


def test_complete_run_of_schema_1_is_shown(client: Any, run: Path) -> None:
    shown = client.get("/api/run").json()
    assert shown["status"] == "complete"
    assert shown["progress"]["images"] == shown["progress"]["max_images"] == 1200
    assert shown["progress"]["fraction"] == 1
    assert shown["stats"]["images"] == [200, 400, 600, 800, 1000, 1200]
    assert len(shown["stats"]["d_loss"]) == 6
    assert shown["scores"][0]["eval_images"] == 10
    assert shown["samples"] == [0, 1200]
    assert shown["warnings"] == []
    assert shown["environment"]["data"] == "/somewhere/faces.zip"


def test_options_that_differ_from_the_recipe_are_listed(client: Any) -> None:
    shown = client.get("/api/run").json()
    assert shown["recipe"] == "quick"
    found = {entry["option"]: (entry["recipe"], entry["run"]) for entry in shown["differences"]}
    assert found["network.base_channels"][1] == "2"
    assert found["length.max_images"][1] == "1200"
    assert "training.seed" not in found
    assert all(before != after for before, after in found.values())


def test_run_of_a_user_recipe_without_a_base_is_not_compared(client: Any, run: Path) -> None:
    set_option(run, 'title = "Small, fast', 'title = "My small, fast')
    shown = client.get("/api/run").json()
    assert (shown["recipe"], shown["differences"]) == (None, [])


def test_run_is_running_while_its_process_lives(client: Any, run: Path) -> None:
    hold(run, os.getpid())
    shown = client.get("/api/run").json()
    assert shown["status"] == "running"
    ended = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    hold(run, int(ended.stdout))
    assert client.get("/api/run").json()["status"] == "complete"


def test_run_of_another_user_or_host_is_running(
    client: Any, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(pid: int, sent: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    for host in (socket.gethostname(), "another host"):
        hold(run, os.getpid(), host)
        assert client.get("/api/run").json()["status"] == "running"


def test_progress_of_a_run_with_minutes_is_its_time_if_that_is_further(
    client: Any, run: Path
) -> None:
    set_option(run, "images = 1200", "images = 1_000_000")
    set_option(run, "minutes = 0.0\n\n[logging]", "minutes = 1.0\n\n[logging]")
    progress = client.get("/api/run").json()["progress"]
    assert progress["minutes"] == 1
    assert progress["fraction"] == pytest.approx(min(1, progress["seconds"] / 60))


def test_run_before_its_end_without_a_process_is_stopped(client: Any, run: Path) -> None:
    set_option(run, "images = 1200", "images = 4800")
    shown = client.get("/api/run").json()
    assert shown["status"] == "stopped"
    assert shown["progress"]["fraction"] == 0.25
    assert shown["progress"]["seconds_left"] > 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"pid": "x", "host": 3}',
        f'{{"pid": 1e9, "host": "{socket.gethostname()}"}}',
        "[" * 100_000,
        '{"pid": 1e400}',
    ],
)
def test_damaged_holder_counts_as_none(client: Any, run: Path, text: str) -> None:
    (run / ".lock.json").write_text(text)
    assert client.get("/api/run").json()["status"] == "complete"


def test_new_run_without_log_shows_the_time_since_it_started(client: Any, run: Path) -> None:
    for name in ("stats.jsonl", "scores.jsonl"):
        (run / name).unlink()
    shutil.rmtree(run / "samples")
    hold(run, os.getpid())
    for name in ("config.toml", ".lock.json"):
        age(run / name, 90)
    shown = client.get("/api/run").json()
    assert (shown["stats"], shown["scores"], shown["samples"]) == ({}, [], [])
    assert 90 <= shown["progress"].pop("seconds") < 120
    assert shown["progress"] == {
        "images": None,
        "max_images": 1200,
        "minutes": 0.0,
        "images_per_second": None,
        "seconds_left": None,
        "fraction": 0,
        "log_images": 200,
    }
    (run / ".lock.json").unlink()
    assert client.get("/api/run").json()["progress"]["seconds"] is None


def test_time_of_a_running_run_goes_on_between_two_lines_of_its_log(client: Any, run: Path) -> None:
    logged = client.get("/api/run").json()["progress"]["seconds"]
    set_option(run, "images = 1200", "images = 4800")
    hold(run, os.getpid())
    age(run / "stats.jsonl", 600)
    age(run / ".lock.json", 60)  # resumed after a pause
    seconds = client.get("/api/run").json()["progress"]["seconds"]
    assert logged + 59 <= seconds < logged + 90


def test_unchanged_run_is_sent_once(client: Any, run: Path) -> None:
    version = client.get("/api/run").json()["version"]
    assert client.get(f"/api/run?known={version}").json() == {"version": version}
    with (run / "stats.jsonl").open("a") as log:
        log.write('{"step": 350, "images": 1400, "seconds": 15.0, "images_per_second": 90.0')
    shown = client.get(f"/api/run?known={version}").json()
    assert shown["version"] != version
    assert shown["stats"]["images"][-1] == 1200  # the last line is not complete yet
    with (run / "stats.jsonl").open("a") as log:
        log.write("}\n")
    assert client.get("/api/run").json()["stats"]["images"][-1] == 1400


def test_corrupt_log_names_its_line(client: Any, run: Path) -> None:
    with (run / "stats.jsonl").open("a") as log:
        log.write("<script>\n")
    response = client.get("/api/run")
    assert response.status_code == 400
    assert response.json()["error"]["place"].endswith("stats.jsonl: line 7")


def test_rollback_and_collapse_are_warnings(client: Any, run: Path) -> None:
    set_option(
        run,
        'step = -1\nshare = 1.0\nreason = ""',
        'step = 40\nshare = 0.5\nreason = "nan in d_loss"',
    )
    set_option(run, "warm_up = 50000", "warm_up = 100")
    first, second = client.get("/api/run").json()["warnings"]
    assert "nan in d_loss" in first and "step 40" in first
    assert "collapsed" in second and "0.41" in second


def test_sample_grid_is_sent_as_it_is_and_reduced(client: Any) -> None:
    exact = client.get("/sample/1200/exact")
    assert exact.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(exact.content)).size == (300, 400)
    small = client.get("/sample/1200/thumbnail")
    assert Image.open(io.BytesIO(small.content)).size == (120, 160)


@pytest.mark.parametrize(
    "path",
    [
        "/sample/7/exact",
        "/sample/999999999999999999999/exact",
        "/sample/1200/huge",
        "/sample/-1/exact",
        "/sample/..%2f..%2fconfig.toml/exact",
        "/sample/%2e%2e/exact",
        "/samples/000001200.png",
        "/api/run/../../config.toml",
    ],
)
def test_path_without_a_sample_grid_is_an_error(client: Any, path: str) -> None:
    assert client.get(path).status_code in (400, 404)


def test_file_that_is_no_image_is_never_sent(client: Any, run: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (run / "samples" / "000000001.png").symlink_to(secret)
    (run / "samples" / "000000002.png").write_text("<script>alert(1)</script>")
    (run / "samples" / "000000003.png").mkdir()
    (run / "samples" / "000000004.png.html").write_text("x")
    assert client.get("/api/run").json()["samples"] == [0, 1, 2, 3, 1200]
    for images in (1, 2, 3):
        response = client.get(f"/sample/{images}/exact")
        assert response.status_code == 400
        assert b"secret" not in response.content.replace(str(secret).encode(), b"")
        assert b"<script>" not in response.content


def test_page_changes_nothing(client: Any, run: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    client.get("/")
    client.get("/api/run")
    client.get("/sample/0/thumbnail")
    for method in ("POST", "PUT", "DELETE"):
        assert client.request(method, "/api/run").status_code in (400, 405)
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"config\.toml"):
        RunReader(tmp_path)


def test_studio_command_shows_the_folder_of_a_run(run: Path) -> None:
    script = "from ganport_runtime.__main__ import ganport; ganport()"
    command = [sys.executable, "-c", script, "studio", str(run), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().rsplit(" ", 1)[1].strip()
            with urllib.request.urlopen(f"{address}api/run", timeout=30) as response:
                assert json.load(response)["status"] == "complete"
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
