"""What a report was made from: names, digests, counts, filters, never a path, host or date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from ganport_runtime.generator import Generator
from ganport_runtime.values import sanitize
from ganport_train.data import Dataset
from ganport_train.data.images import THUMBNAIL_SIZE
from ganport_train.evaluation.judge.judge import FILTER, Judge
from ganport_train.evaluation.metrics.distances import MAX_SUBSET
from ganport_train.evaluation.metrics.neighbours import SIDE
from ganport_train.evaluation.scores import extractors, quality
from ganport_train.evaluation.scores.evaluation import Options
from ganport_train.evaluation.scores.extractors import Extractor

_PACKAGES = ("ganport", "numpy", "onnxruntime", "scipy", "torch", "torch-fidelity")


def bundle(generator: Generator, name: str) -> dict[str, Any]:
    """The bundle under the name it was given, and where it says it comes from."""
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


def data(dataset: Dataset, path: Path, usable: int) -> dict[str, Any]:
    """The data set; `usable` counts the pictures whose conditions the bundle can be asked for."""
    return {
        "name": sanitize(path.name),
        "digest": dataset.digest,
        "kind": dataset.format,
        "count": len(dataset),
        "usable": usable,
        "left_out": len(dataset.issues),
    }


def judge(found: Judge) -> dict[str, Any]:
    """The judge, with its accuracy on the pictures that were held out when it was trained."""
    about = found.card.get("data")
    return {
        "digest": found.digest,
        "resolution": found.resolution,
        "held_out": found.card["settings"]["held_out"],
        "accuracy": dict(found.real),
        "data": about.get("digest") if isinstance(about, dict) else None,
    }


def options(chosen: Options, generator: Generator, found: Judge) -> dict[str, Any]:
    """What was chosen, and what decides the figures besides."""
    return {
        **asdict(chosen),
        "device": {"drawing": generator.device, "judging": str(found.device)},
        "filters": {
            "copies": f"average over squares, to {SIDE} x {SIDE}",
            "near_duplicates": f"box, to {THUMBNAIL_SIZE} x {THUMBNAIL_SIZE}",
        },
        "kernel": {"subsets": quality.SUBSETS, "most_in_a_subset": MAX_SUBSET},
        "most_of_a_label": quality.MOST,
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def seen_by(found: Sequence[Extractor]) -> dict[str, Any]:
    """The extractors of features, with the filter that brings pictures to their size."""
    filters = {"judge": FILTER, "inception": extractors.FILTER}
    return {each.name: {"digest": each.digest, "filter": filters[each.name]} for each in found}


def notes(dataset: Dataset, found: Judge, expected: str | None) -> list[str]:
    """What makes the figures say less than they seem to; `expected` is the digest of the data that
    a run was trained on."""
    lines: list[str] = []
    if judge(found)["data"] not in (None, dataset.digest):
        lines.append("another data set than the judge's: it may have seen what it is tested on")
    if expected not in (None, dataset.digest):
        lines.append("another data set than the run's: copies are looked for in this one")
    _, held = dataset.split(float(found.card["settings"]["held_out"]))
    if not np.size(held):
        lines.append("no picture that the judge never saw: its accuracy on real ones flatters it")
    return lines


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
