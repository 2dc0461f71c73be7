"""One core with bfloat16: the speed of OpenVINO, and the error of bfloat16.

`python benchmarks/openvino_bf16.py [RUN | BUNDLE]` prints Markdown: the `quick` generator at
width 64 with random weights and, if one is named, a trained generator. All ways run the same inputs
on one core, 32 images at a time, interleaved; medians. Linux only: the core is set by affinity.
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
from numpy.typing import NDArray
from service import bundles
from system_info import describe_system
from timing import compare_interleaved

from ganport_export.cli import export_gan
from ganport_export.formats.onnx import serialize
from ganport_export.transforms.polyphase import to_polyphase
from ganport_runtime import Bundle, Generator
from ganport_runtime.errors import GanportError
from ganport_runtime.generation.engine import GraphRunner
from ganport_runtime.noise import seed_range

Feeds = dict[str, NDArray[Any]]
_BASE = "onnxruntime fp32, default graph"
_WAYS = {
    "onnxruntime fp32, polyphase graph": ("cpu", "fp32", True),
    "OpenVINO fp32, default graph": ("openvino", "fp32", False),
    "OpenVINO fp32, polyphase graph": ("openvino", "fp32", True),
    "OpenVINO bf16, default graph": ("openvino", "bf16", False),
    "OpenVINO bf16, polyphase graph": ("openvino", "bf16", True),
}
_TARGET_WAY = "OpenVINO bf16, polyphase graph"
_TARGET, _MIN_CLOSE, _MIN_PSNR = 3.0, 0.99, 45.0
_SEEDS = 256
"""The number of images that the error is measured on."""


def main() -> None:
    """Print the tables and the ratio to the target."""
    arguments = _arguments()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(describe_system())
    print(f"bfloat16 of this processor: {', '.join(_instructions()) or 'none'}")
    with tempfile.TemporaryDirectory() as folder:
        width = Path(folder) / "width.ganport"
        bundles.write_random(width, arguments.features)
        sources = {f"`quick`, width {arguments.features}, random weights": width}
        if arguments.source:
            sources[f"{arguments.source.name}, trained"] = _bundle(arguments.source, Path(folder))
        for title, path in sources.items():
            print(*_tables(title, Bundle.open(path), arguments), sep="\n")


def _tables(title: str, bundle: Bundle, arguments: argparse.Namespace) -> Iterator[str]:
    runners = dict(_runners(bundle))
    base = runners.pop(_BASE)
    feeds = _feeds(bundle, arguments.batch)
    runs = {name: partial(runner.run, feeds) for name, runner in runners.items()}
    found = compare_interleaved(title, partial(base.run, feeds), runs, arguments.rounds)
    own = next(iter(found.values())).ours
    yield f"\n| {title}: one core, batch {arguments.batch} | ms per image | images/s | ratio |"
    yield "|---|---|---|---|"
    yield _speed(_BASE, own / arguments.batch, "1")
    for name, comparison in zip(runners, found.values(), strict=True):
        low, high = (1 / bound for bound in comparison.spread[::-1])
        times = f"{1 / comparison.ratio:.2f} ({low:.2f} to {high:.2f})"
        yield _speed(name, comparison.other / arguments.batch, times)
    yield from _distances(title, bundle, base, runners)
    if _TARGET_WAY in found:
        ratio = 1 / found[_TARGET_WAY].ratio
        yield f"\nBF16 against onnxruntime fp32: {ratio:.2f} of {_TARGET:g} times."


def _speed(name: str, seconds: float, times: str) -> str:
    return f"| {name} | {1e3 * seconds:.3f} | {1 / seconds:,.0f} | {times} |"


def _distances(
    title: str, bundle: Bundle, base: GraphRunner, runners: Mapping[str, GraphRunner]
) -> Iterator[str]:
    feeds = _feeds(bundle, _SEEDS)
    exact = base.run(feeds).astype(float)
    yield f"\n| {title}: {_SEEDS} images | within 2 levels | worst | PSNR |"
    yield "|---|---|---|---|"
    for name, runner in runners.items():
        errors = np.abs(runner.run(feeds) - exact)
        close = float(np.mean(errors <= 2))
        psnr = 10 * np.log10(255**2 / max(float(np.mean(errors**2)), 1e-12))
        good = "" if close >= _MIN_CLOSE and psnr >= _MIN_PSNR else ": below the target"
        yield f"| {name} | {close:.4%} | {errors.max():.0f} | {psnr:.1f} dB{good} |"


def _runners(bundle: Bundle) -> Iterator[tuple[str, GraphRunner]]:
    default = bundle.read(bundle.find_onnx("gan.generate/1")[1].path)
    polyphase = serialize(to_polyphase(onnx.load_from_string(default), "generator"))
    yield _BASE, GraphRunner(default, "cpu")
    for name, (device, precision, use_polyphase) in _WAYS.items():
        model = polyphase if use_polyphase else default
        try:
            yield name, GraphRunner(model, device, precision=precision)
        except GanportError as error:
            print(f"skipped {name}: {error}")


def _feeds(bundle: Bundle, count: int) -> Feeds:
    """Return the noise of `count` seeds, and conditions that cover every label."""
    generator = Generator(bundle, "cpu")
    groups = generator.conditions.fields
    requests = [
        {name: field.labels[row % len(field.labels)] for name, field in groups.items()}
        for row in range(count)
    ]
    condition = generator.conditions.encode_many(requests)
    return {"z": generator.noise(seed_range(0, count)), "condition": condition}


def _bundle(source: Path, folder: Path) -> Path:
    """Return a bundle, exported first if `source` is a run."""
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
