"""The page of a run, which `ganport studio RUN` shows while the training runs and afterwards."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ganport_runtime.images.decode import read_image_file
from ganport_train.config import recipes
from ganport_train.config.recipe import Recipe, flatten_tables
from ganport_train.engine.collapse_monitor import detect_collapse
from ganport_train.pages.local_server import check_size, create_app, encode_preview, serve
from ganport_train.runs.metrics import SCORES, STATS, read_log, seconds_left
from ganport_train.runs.run_dir import CONFIG, HOLDER, SAMPLES, RunEnvironment, read_config

MAX_POINTS = 500
"""Points of a curve; each is the mean of several records of a longer run."""
_SPEEDS = 10
"""Records whose mean speed gives the time left."""
_CACHED = 256
_SAMPLE = re.compile(r"(\d{9})\.png")
_NOT_COMPARED = ("presets", "title", "source")

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
            "recipe": self._recipe_name,
            "differences": self._differences(),
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
        length = self.config[0].length
        last = {"images": 0, "seconds": 0.0, "images_per_second": 0.0, **_last_record(stats)}
        fractions = [last["images"] / length.max_images]
        if length.minutes:
            fractions.append(last["seconds"] / (60 * length.minutes))
        return {
            "images": last["images"],
            "max_images": length.max_images,
            "minutes": length.minutes,
            "seconds": last["seconds"],
            "images_per_second": last["images_per_second"],
            "seconds_left": seconds_left(last, length) if stats else None,
            "fraction": min(1.0, max(fractions)),
        }

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

    @cached_property
    def _shipped_recipe(self) -> tuple[str, Recipe] | None:
        """Return the name and the recipe with the title of this run's recipe, if there is one."""
        title = self.config[0].title
        shipped = ((name, recipes.load(name)) for name in recipes.names())
        return next((pair for pair in shipped if pair[1].title == title), None)

    @property
    def _recipe_name(self) -> str | None:
        return self._shipped_recipe[0] if self._shipped_recipe else None

    def _differences(self) -> list[Json]:
        """Return the options whose values differ from those of the shipped recipe."""
        if self._shipped_recipe is None:
            return []
        before = flatten_tables(self._shipped_recipe[1].to_json())
        after = flatten_tables(self.config[0].to_json())
        return [
            {"option": name, "recipe": _show(before.get(name)), "run": _show(after.get(name))}
            for name in sorted(before.keys() | after.keys())
            if before.get(name) != after.get(name) and name.split(".")[0] not in _NOT_COMPARED
        ]


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


def _show(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


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


def _fingerprint(path: Path) -> str:
    try:
        state = path.stat()
    except OSError:
        return "0"
    return f"{state.st_mtime_ns:x}.{state.st_size:x}"
