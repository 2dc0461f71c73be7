"""What is scored: a bundle as it is, or a run, whose generator is exported first."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ganport_models.metadata import CARD
from ganport_models.selection import FOLDER
from ganport_runtime.errors import GanportError
from ganport_runtime.values import sanitize
from ganport_train.config.sections import DataOptions
from ganport_train.runs import jsonl_log as records
from ganport_train.runs import run_dir as run_folder

_EXPORT = "from ganport_export.__main__ import export_gan; export_gan()"


@dataclass(frozen=True)
class Subject:
    """A bundle, and what its run tells of it; a bundle alone tells nothing.

    `data` is the path of its data set and `options` how that was read; `records` and `scores` are
    the lines of stats.jsonl and scores.jsonl.
    """

    bundle: Path
    run: Path | None = None
    data: Path | None = None
    data_digest: str | None = None
    skip_bad: bool = False
    options: DataOptions = field(default_factory=DataOptions)
    records: Sequence[Mapping[str, Any]] = ()
    scores: Sequence[Mapping[str, Any]] = ()

    @classmethod
    def of(cls, bundle: Path, run: Path) -> Subject:
        """The subject of a bundle that came from a run; raises GanportError for a damaged run."""
        if not (run / run_folder.CONFIG).is_file():
            return cls(bundle)
        recipe, surroundings = run_folder.read_config(run)
        return cls(
            bundle,
            run,
            Path(surroundings.data),
            surroundings.data_digest,
            surroundings.skip_bad,
            recipe.data,
            records.read(run),
            records.read(run, records.SCORES),
        )


class PortingError(GanportError):
    """A run that export-gan does not export."""

    def __init__(self, source: Path, code: int, found: str) -> None:
        super().__init__(
            f"export-gan {source}",
            expected="a bundle of its generator, which is what is judged",
            found=found,
            fix="Mend that first, or score a bundle that is there.",
        )
        self.exit_code = code


def run_of(source: Path) -> Path | None:
    """The run that a folder of a run or of one checkpoint belongs to; None for a bundle."""
    if (source / run_folder.CONFIG).is_file() or (source / FOLDER).is_dir():
        return source
    if (source / CARD).is_file():
        return source.resolve().parents[1]
    return None


@contextmanager
def opened(source: Path, say: Callable[[str], None]) -> Iterator[Subject]:
    """The subject at `source`; the bundle of a run is there for the length of the block.

    Raises PortingError with export-gan's own words, and its exit code.
    """
    run = run_of(source)
    if run is None:
        yield Subject(source)
        return
    say(f"exporting {source}, for what is judged is what ships")
    with TemporaryDirectory() as folder:
        bundle = Path(folder) / f"{run.resolve().name}.ganport"
        _export(source, bundle, say)
        yield Subject.of(bundle, run)


def _export(source: Path, bundle: Path, say: Callable[[str], None]) -> None:
    # A program of its own: this room must not import that one. -P: nor what lies about here.
    program = [sys.executable, "-P", "-c", _EXPORT, str(source.resolve()), "--out", str(bundle)]
    # What ignores its condition is to be found out here, not refused there.
    program += ["--format", "onnx", "--allow-insensitive"]
    done = subprocess.run(program, capture_output=True, text=True, errors="replace")
    lines = [sanitize(line, 400) for line in done.stderr.splitlines() if line.strip()]
    if done.returncode:
        found = lines[-1].removeprefix("error: ").rstrip(".") if lines else "no word"
        raise PortingError(source, done.returncode, found)
    for line in lines:
        if line.startswith("checkpoint"):
            say(line)
