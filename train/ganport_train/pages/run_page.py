"""The page of a run, which `ganport studio RUN` shows while the training runs and afterwards."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ganport_runtime.images.decode import read_image_file
from ganport_train.engine.collapse_monitor import detect_collapse
from ganport_train.pages.local_server import check_size, create_app, encode_preview, serve
from ganport_train.pages.recipe_changes import find_base, list_changes
from ganport_train.runs.metrics import SCORES, STATS, read_log, seconds_left
from ganport_train.runs.run_dir import CONFIG, HOLDER, SAMPLES, RunEnvironment, read_config

MAX_POINTS = 500
"""Points of a curve; each is the mean of several records of a longer run."""
_SPEEDS = 10
"""Records whose mean speed gives the time left."""
_CACHED = 256
_SAMPLE = re.compile(r"(\d{9})\.png")

Json = dict[str, Any]


def show(folder: Path, port: int = 0, *, open_browser: bool = True) -> None:
    """Serve the page of a run until Ctrl-C.

    Raises `RecipeError` for a folder that is not a run, and `RequestError` for a port in use.
    """
    reader = RunReader(folder)
    serve(run_app(reader), f"run {folder}", port, open_browser=open_browser)


def run_app(reader: RunReader) -> Starlette:
    """Return the application that shows a run; it changes nothing."""

    @lru_cache(_CACHED)
    def encode(images: int, size: str, changed: int) -> Response:
        return encode_preview(read_image_file(reader.sample_path(images)), size)

    def run(request: Request) -> Response:
        # Compared before the files are read: what is written meanwhile is read the next time.
        version = reader.version()
        if request.query_params.get("known") == version:
            return JSONResponse({"version": version})
        return JSONResponse({"version": version, **reader.read()})

    def sample(request: Request) -> Response:
        images, size = request.path_params["images"], check_size(request.path_params["size"])
        path = reader.sample_path(images)
        changed = path.stat().st_mtime_ns if path.is_file() else 0
        return encode(images, size, changed)

    routes = [Route("/api/run", run), Route("/sample/{images:int}/{size}", sample)]
    return create_app("run.html", routes)


class RunReader:
    """Reads a run folder for its page, while `train-gan` may write it.

    Raises `RecipeError` for a folder that is not a run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = read_config(folder)

    def version(self) -> str:
        """Return a text that changes when the page has something new to show."""
        watched = [self.folder / name for name in (STATS, SCORES, CONFIG, SAMPLES, HOLDER)]
        return "-".join([*map(_fingerprint, watched), str(self.is_running)])

    def read(self) -> Json:
        """Return everything that the page shows.

        Raises `GanportError` for a corrupt log or config.
        """
        self.config = recipe, environment = read_config(self.folder)
        stats, scores = read_log(self.folder), read_log(self.folder, SCORES)
        return {
            "name": self.folder.resolve().name,
            "folder": str(self.folder.resolve()),
            "title": recipe.title,
            "status": self._status(stats),
            "progress": self._progress(stats),
            "warnings": list(self._warnings(scores)),
            **self._changes(),
            "environment": _describe_environment(environment),
            "stats": thin(stats),
            "scores": scores,
            "samples": self.samples(),
        }

    def samples(self) -> list[int]:
        """Return the number of training images of each sample grid, in order."""
        names = (path.name for path in (self.folder / SAMPLES).glob("*.png"))
        return sorted(int(match[1]) for name in names if (match := _SAMPLE.fullmatch(name)))

    def sample_path(self, images: int) -> Path:
        """Return the path of the sample grid after a number of training images."""
        return self.folder / SAMPLES / f"{images:09d}.png"

    @property
    def is_running(self) -> bool:
        """Whether the process that holds the folder is alive; assumed if it is on another host."""
        try:
            holder = json.loads((self.folder / HOLDER).read_text(encoding="utf-8"))
            pid, host = int(holder["pid"]), str(holder["host"])
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return False
        return host != socket.gethostname() or _is_alive(pid)

    def _status(self, stats: Sequence[Json]) -> str:
        if self.is_running:
            return "running"
        length = self.config[0].length
        done = stats and length.is_reached(stats[-1]["images"], stats[-1]["seconds"])
        return "complete" if done else "stopped"

    def _progress(self, stats: Sequence[Json]) -> Json:
        """Return the progress up to now; None for what only the log tells while it is empty."""
        recipe, last = self.config[0], _last_record(stats)
        length, seconds = recipe.length, self._seconds(stats)
        fractions = [last.get("images", 0) / length.max_images]
        if length.minutes:
            fractions.append((seconds or 0) / (60 * length.minutes))
        return {
            "images": last.get("images"),
            "max_images": length.max_images,
            "minutes": length.minutes,
            "seconds": seconds,
            "images_per_second": last.get("images_per_second"),
            "seconds_left": seconds_left(last | {"seconds": seconds}, length) if stats else None,
            "fraction": min(1.0, max(fractions)),
            "log_images": recipe.logging.log_interval * recipe.training.batch_size,
        }

    def _seconds(self, stats: Sequence[Json]) -> float | None:
        """Return the seconds of training; the log is too slow to tell those of a running one."""
        logged = float(stats[-1]["seconds"]) if stats else None
        if not self.is_running:
            return logged
        # A resumed run holds its folder before it opens the log of its earlier part.
        since = max(_modified(self.folder / name) for name in (STATS if stats else CONFIG, HOLDER))
        return round((logged or 0) + max(time.time() - since, 0), 1)

    def _warnings(self, scores: Sequence[Json]) -> Iterable[str]:
        recipe, environment = self.config
        rollback = environment.rollback
        if rollback.happened:
            yield (
                f"The run diverged ({rollback.reason}). It continues from step {rollback.step:,} "
                f"with {rollback.lr_factor:g} of the learning rates."
            )
        grace = recipe.logging.collapse_grace_images
        symptom = detect_collapse(scores[-1], scores[:-1], grace) if scores else None
        if symptom:
            yield f"The run may have collapsed: {symptom}. Look at the newest samples."

    def _changes(self) -> Json:
        """Return the recipe that the run is based on, and the options that differ from it."""
        found = find_base(*self.config)
        if found is None:
            return {"recipe": None, "differences": []}
        name, base = found
        return {"recipe": name, "differences": list_changes(base, *self.config)}


def _last_record(stats: Sequence[Json]) -> Json:
    """Return the last record with the speed of several; empty without records."""
    if not stats:
        return {}
    speeds = [float(record["images_per_second"]) for record in stats[-_SPEEDS:]]
    return {**stats[-1], "images_per_second": round(sum(speeds) / len(speeds), 1)}


def thin(records: Sequence[Mapping[str, Any]], limit: int = MAX_POINTS) -> dict[str, list[Any]]:
    """Return the numbers of records as columns of at most `limit` means; None without a value."""
    names = dict.fromkeys(
        name
        for record in records
        for name, value in record.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    )
    groups = np.array_split(np.arange(len(records)), min(limit, len(records))) if records else []
    return {
        name: [_mean([records[i].get(name) for i in group]) for group in groups] for name in names
    }


def _mean(values: Iterable[Any]) -> float | None:
    numbers = [value for value in values if isinstance(value, int | float)]
    mean = sum(numbers) / len(numbers) if numbers else None
    # JSON has no infinity.
    return float(f"{mean:.6g}") if mean is not None and np.isfinite(mean) else None


def _describe_environment(environment: RunEnvironment) -> Json:
    fields = asdict(environment)
    shown = ("data", "device", "processes", "threads", "start_from", "judge", "torch_version")
    return {name: fields[name] for name in shown if fields[name]}


def _is_alive(pid: int) -> bool:
    if os.name == "nt":  # os.kill would end the process
        return True
    try:
        os.kill(max(pid, 1), 0)
    except PermissionError:  # the process of another user
        return True
    except (OSError, OverflowError):
        return False
    return True


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _fingerprint(path: Path) -> str:
    try:
        state = path.stat()
    except OSError:
        return "0"
    return f"{state.st_mtime_ns:x}.{state.st_size:x}"
