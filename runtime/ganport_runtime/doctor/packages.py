"""What pip has installed: distributions with their versions, and what each extra lacks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distributions, requires

# Distributions whose files lie in one and the same folder, `onnxruntime`.
RUNTIMES = (
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-directml",
    "onnxruntime-openvino",
    "onnxruntime-rocm",
    "onnxruntime-training",
)
_SHOWN = ("ganport", "numpy", *RUNTIMES, "openvino", "torch")
# The developers' tools are no business of who draws pictures.
_UNSEEN = ("dev",)
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?(?:>=([0-9.]+))?")
_EXTRA = re.compile(r"""extra == ["']([a-z0-9-]+)["']""")


def versions() -> dict[str, str]:
    """The version of every installed distribution, by its normalised name."""
    found: dict[str, str] = {}
    for distribution in distributions():
        name = distribution.name  # None for a damaged one
        if name:
            found.setdefault(_normal(name), distribution.version)
    return found


def of_interest(installed: Mapping[str, str]) -> dict[str, str]:
    """Those that decide what can draw: ours, numpy, every engine, and TensorRT."""
    return {
        name: version
        for name, version in installed.items()
        if name in _SHOWN or name.startswith("tensorrt")
    }


def requirements() -> list[str]:
    """What ganport's own metadata asks for; nothing when it was not installed by pip."""
    try:
        return requires("ganport") or []
    except PackageNotFoundError:
        return []


def lacking(asked: list[str], installed: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """For each extra of `asked`, lines like "torch>=2.11; extra == 'train'", what is not met."""
    unmet: dict[str, tuple[str, ...]] = {}
    for line in asked:
        extra, requirement = _EXTRA.search(line), _REQUIREMENT.match(line)
        if extra is None or requirement is None or extra[1] in _UNSEEN:
            continue
        unmet.setdefault(extra[1], ())
        name, lowest = requirement[1], requirement[2] or "0"
        version = installed.get(_normal(name))
        if version is None:
            unmet[extra[1]] += (name,)
        elif numbers(version) < numbers(lowest):
            unmet[extra[1]] += (f"{name} {lowest} or newer (here {version})",)
    return unmet


def numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: (2, 11, 0) of "2.11.0rc1+cu130"."""
    release = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in release[0].split(".")) if release else ()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
