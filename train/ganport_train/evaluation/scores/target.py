"""The target of an evaluation: a bundle, or a run that is exported first; and its provenance."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ganport_models.metadata import METADATA
from ganport_models.selection import FOLDER
from ganport_runtime.errors import GanportError
from ganport_runtime.generator import Generator
from ganport_runtime.values import sanitize
from ganport_train.config.sections import DataOptions
from ganport_train.data import Dataset
from ganport_train.data.images import THUMBNAIL_SIZE
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.judge.network import RESIZE_FILTER
from ganport_train.evaluation.metrics import quality
from ganport_train.evaluation.metrics.memorization import SIDE
from ganport_train.evaluation.metrics.quality import MAX_SUBSET
from ganport_train.evaluation.scores.evaluation import Evaluation
from ganport_train.evaluation.scores.extractors import INCEPTION_FILTER
from ganport_train.runs import run_dir
from ganport_train.runs.metrics import SCORES, read_log

_EXPORT = "from ganport_export.__main__ import export_gan; export_gan()"
_PACKAGES = ("ganport", "numpy", "onnxruntime", "scipy", "torch", "torch-fidelity")


class ExportFailedError(GanportError):
    """A run that export-gan does not export; it has the exit code of export-gan."""

    default_fix = "Correct the cause, or score an existing bundle."

    def __init__(self, source: Path, exit_code: int, found: str) -> None:
        super().__init__(f"export-gan {source}", "a bundle of the run's generator", found)
        self.exit_code = exit_code


@dataclass(frozen=True)
class EvaluationTarget:
    """A bundle, and facts of the run that it came from; a bundle alone has none.

    `data` is the path of the run's data set and `options` the way it was read. `records` and
    `scores` are the lines of stats.jsonl and scores.jsonl.
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
    def of_run(cls, bundle: Path, run: Path) -> EvaluationTarget:
        """Return the target of a run's bundle; raise GanportError if the run is corrupt."""
        if not (run / run_dir.CONFIG).is_file():
            return cls(bundle)
        recipe, environment = run_dir.read_config(run)
        return cls(
            bundle,
            run,
            Path(environment.data),
            environment.data_digest,
            environment.skip_bad,
            recipe.data,
            read_log(run),
            read_log(run, SCORES),
        )


def find_run(source: Path) -> Path | None:
    """Return the run of a run folder or a checkpoint folder; None for a bundle."""
    if (source / run_dir.CONFIG).is_file() or (source / FOLDER).is_dir():
        return source
    if (source / METADATA).is_file():
        return source.resolve().parents[1]
    return None


@contextmanager
def open_target(source: Path, log: Callable[[str], None]) -> Iterator[EvaluationTarget]:
    """Yield the target at `source`; the bundle of a run exists only within the block.

    Raises ExportFailedError with the message and exit code of export-gan.
    """
    run = find_run(source)
    if run is None:
        yield EvaluationTarget(source)
        return
    log(f"exporting {source}: the score is that of the exported bundle")
    with TemporaryDirectory() as folder:
        bundle = Path(folder) / f"{run.resolve().name}.ganport"
        _export_run(source, bundle, log)
        yield EvaluationTarget.of_run(bundle, run)


def provenance(
    evaluation: Evaluation, target: EvaluationTarget, *, name: str, data: Path
) -> dict[str, Any]:
    """Return what a report was made from: names, digests, counts, filters; no path, host, or date.

    `name` is that of the bundle or run, `data` the path of the data set.
    """
    generator, dataset, judge = evaluation.generator, evaluation.dataset, evaluation.judge
    filters = {"judge": RESIZE_FILTER, "inception": INCEPTION_FILTER}
    return {
        "bundle": _bundle_fields(generator, name),
        "data": {
            "name": sanitize(data.name),
            "digest": dataset.digest,
            "format": dataset.format,
            "count": len(dataset),
            "usable": len(evaluation.usable),
            "skipped": len(dataset.issues),
        },
        "judge": {
            "digest": judge.digest,
            "resolution": list(judge.metadata.image.size),
            "val_fraction": judge.metadata.val_fraction,
            "accuracy": dict(judge.metadata.accuracy),
            "data": _judge_data_digest(judge),
        },
        "options": {
            **asdict(evaluation.options),
            "device": {"generator": generator.device, "judge": str(judge.device)},
            "filters": {
                "copies": f"average over squares, to {SIDE} x {SIDE}",
                "near_duplicates": f"box, to {THUMBNAIL_SIZE} x {THUMBNAIL_SIZE}",
            },
            "kernel": {"subsets": quality.SUBSETS, "max_subset_size": MAX_SUBSET},
            "max_label_images": quality.MAX_LABEL_IMAGES,
            "packages": {package: _installed_version(package) for package in _PACKAGES},
        },
        "extractors": {
            extractor.name: {"digest": extractor.digest, "filter": filters[extractor.name]}
            for extractor in evaluation.extractors
        },
        "notes": [*evaluation.report.notes, *provenance_notes(dataset, judge, target.data_digest)],
    }


def provenance_notes(dataset: Dataset, judge: Judge, run_data_digest: str | None) -> list[str]:
    """Return notes on a data set that is not the judge's or the run's, or that has no test part."""
    notes: list[str] = []
    if _judge_data_digest(judge) not in (None, dataset.digest):
        notes.append("not the judge's data set: its training may include the images of this test")
    if run_data_digest not in (None, dataset.digest):
        notes.append("not the run's data set: copies are searched for in this one")
    _, held_out = dataset.split(judge.metadata.val_fraction)
    if not len(held_out):
        notes.append("no image was held out from the judge: its accuracy on real ones is too high")
    return notes


def _bundle_fields(generator: Generator, name: str) -> dict[str, Any]:
    manifest = generator.manifest
    return {
        "name": sanitize(name),
        "digest": generator.bundle.digest,
        "title": manifest.name,
        "version": manifest.version,
        "family": manifest.family,
        "size": list(manifest.image.size),
        "provenance": dict(manifest.provenance),
    }


def _judge_data_digest(judge: Judge) -> str | None:
    data = judge.metadata.fields.get("data")
    return data.get("digest") if isinstance(data, dict) else None


def _installed_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _export_run(source: Path, bundle: Path, log: Callable[[str], None]) -> None:
    # A separate process, since this package must not import export. -P keeps the current folder
    # off its path. --allow-insensitive: the score reports a condition without effect.
    command = [sys.executable, "-P", "-c", _EXPORT, str(source.resolve()), "--out", str(bundle)]
    command += ["--format", "onnx", "--allow-insensitive"]
    result = subprocess.run(command, capture_output=True, text=True, errors="replace")
    lines = [sanitize(line, 400) for line in result.stderr.splitlines() if line.strip()]
    if result.returncode:
        found = lines[-1].removeprefix("error: ").rstrip(".") if lines else "no message"
        raise ExportFailedError(source, result.returncode, found)
    for line in lines:
        if line.startswith("checkpoint"):
            log(line)
