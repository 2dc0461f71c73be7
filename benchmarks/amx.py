"""One core with bfloat16: OpenVINO against onnxruntime, and how far bfloat16 strays.

`python benchmarks/amx.py [RUN | BUNDLE]` prints Markdown: the `quick` generator at width 64 with
random weights and, where one is named, a trained generator too. All ways run the same inputs on one
core, 32 pictures at a time, in turns; medians. Linux only: the core is given by affinity.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from machine import machine
from numpy.typing import NDArray
from service import bundles
from timing import race

from ganport_export.cli import export_gan
from ganport_export.formats.onnx import serialize
from ganport_export.transforms.polyphase import to_polyphase
from ganport_runtime import Bundle, Generator
from ganport_runtime.errors import GanportError
from ganport_runtime.generation.engine import GraphRunner
from ganport_runtime.noise import seed_range

Feeds = dict[str, NDArray[Any]]
_BASE = "onnxruntime fp32, usual graph"
_WAYS = {
    "onnxruntime fp32, phase graph": ("cpu", "fp32", True),
    "OpenVINO fp32, usual graph": ("openvino", "fp32", False),
    "OpenVINO fp32, phase graph": ("openvino", "fp32", True),
    "OpenVINO bf16, usual graph": ("openvino", "bf16", False),
    "OpenVINO bf16, phase graph": ("openvino", "bf16", True),
}
_GATED = "OpenVINO bf16, phase graph"
_GATE, _NEAR, _PSNR = 3.0, 0.99, 45.0
_SEEDS = 256
"""Pictures by which the distance is measured."""


def main() -> None:
    """Print the tables, and what was reached of the gate."""
    asked = _arguments()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(machine())
    print(f"bfloat16 of this processor: {', '.join(_instructions()) or 'none'}")
    with tempfile.TemporaryDirectory() as folder:
        width = Path(folder) / "width.ganport"
        bundles.write_random(width, asked.features)
        sources = {f"`quick`, width {asked.features}, random weights": width}
        if asked.source:
            sources[f"{asked.source.name}, trained"] = _bundle(asked.source, Path(folder))
        for title, path in sources.items():
            print(*_tables(title, Bundle.open(path), asked), sep="\n")


def _tables(title: str, bundle: Bundle, asked: argparse.Namespace) -> Iterator[str]:
    sessions = dict(_sessions(bundle))
    base = sessions.pop(_BASE)
    feeds = _feeds(bundle, asked.batch)
    runs = {name: partial(session.run, feeds) for name, session in sessions.items()}
    found = race(title, partial(base.run, feeds), runs, asked.rounds)
    own = next(iter(found.values())).ours
    yield f"\n| {title}: one core, batch {asked.batch} | ms a picture | pictures/s | times |"
    yield "|---|---|---|---|"
    yield _speed(_BASE, own / asked.batch, "1")
    for name, comparison in zip(sessions, found.values(), strict=True):
        low, high = (1 / bound for bound in comparison.spread[::-1])
        times = f"{1 / comparison.ratio:.2f} ({low:.2f} to {high:.2f})"
        yield _speed(name, comparison.other / asked.batch, times)
    yield from _distances(title, bundle, base, sessions)
    if _GATED in found:
        yield f"\nBF16 against onnxruntime fp32: {1 / found[_GATED].ratio:.2f} of {_GATE:g} times."


def _speed(name: str, seconds: float, times: str) -> str:
    return f"| {name} | {1e3 * seconds:.3f} | {1 / seconds:,.0f} | {times} |"


def _distances(
    title: str, bundle: Bundle, base: GraphRunner, sessions: Mapping[str, GraphRunner]
) -> Iterator[str]:
    feeds = _feeds(bundle, _SEEDS)
    exact = base.run(feeds).astype(float)
    yield f"\n| {title}: {_SEEDS} pictures | within 2 levels | worst | PSNR |"
    yield "|---|---|---|---|"
    for name, session in sessions.items():
        off = np.abs(session.run(feeds) - exact)
        near = float(np.mean(off <= 2))
        psnr = 10 * np.log10(255**2 / max(float(np.mean(off**2)), 1e-12))
        good = "" if near >= _NEAR and psnr >= _PSNR else ": below the gate"
        yield f"| {name} | {near:.4%} | {off.max():.0f} | {psnr:.1f} dB{good} |"


def _sessions(bundle: Bundle) -> Iterator[tuple[str, GraphRunner]]:
    usual = bundle.read(bundle.find_onnx("gan.generate/1")[1].path)
    phased = serialize(to_polyphase(onnx.load_from_string(usual), "generator"))
    yield _BASE, GraphRunner(usual, "cpu")
    for name, (device, precision, phase) in _WAYS.items():
        try:
            yield name, GraphRunner(phased if phase else usual, device, precision=precision)
        except GanportError as error:
            print(f"left out, {name}: {error}")


def _feeds(bundle: Bundle, count: int) -> Feeds:
    """The noise of as many seeds, and conditions that walk through every label."""
    generator = Generator(bundle, "cpu")
    groups = generator.conditions.fields
    requests = [
        {name: field.labels[row % len(field.labels)] for name, field in groups.items()}
        for row in range(count)
    ]
    condition = generator.conditions.encode_many(requests)
    return {"z": generator.noise(seed_range(0, count)), "condition": condition}


def _bundle(source: Path, folder: Path) -> Path:
    """A bundle as it is; of a run, the one that export-gan makes."""
    if source.suffix == ".ganport":
        return source
    out = folder / "trained.ganport"
    export_gan.main([str(source), "--format", "onnx", "--out", str(out)], standalone_mode=False)
    return out


def _instructions() -> list[str]:
    known = Path("/proc/cpuinfo").read_text().split()
    return [name for name in ("avx512_bf16", "amx_bf16") if name in known]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("source", nargs="?", type=Path, metavar="RUN|BUNDLE")
    parser.add_argument("--features", type=int, default=64, help="width of the random generator")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=15)
    return parser.parse_args()


if __name__ == "__main__":
    main()
