"""`Generator.generate` against the same generation by hand, with onnxruntime or torch.

`python benchmarks/library.py` prints Markdown: the `quick` generator at width 64 with random
weights, and the starter. Each way starts from a request and a seed per image and returns uint8 rows
in NumPy, on the same number of cores, interleaved; medians. Absolute times depend on the machine.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from service import bundles
from system_info import describe_system
from timing import Comparison, compare_interleaved
from torch import nn

from ganport_export.formats import suppress_known_messages
from ganport_export.transforms.output_heads import OutputHead
from ganport_runtime import Bundle, Generator
from ganport_runtime.devices.onnxruntime_session import available_cpu_count
from ganport_runtime.images.format import ImageFormat

HEAD = OutputHead(ImageFormat((64, 64)), "uint8")
GenerateMany = Callable[[int], NDArray[np.uint8]]
"""Generates a number of images of one request, with the seeds from 0."""
Graph = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.uint8]]
"""Turns noise and condition vectors into images."""

_ROUNDS = {1: 41, 8: 31, 64: 15, 1000: 5}
_CALLS = {1: 16, 8: 2}
"""Calls per turn, as in the loop of a game; larger counts run one call per turn."""
_BATCH = 64
_TARGET = 0.97


def rows(counts: Sequence[int] = tuple(_ROUNDS), width: int = 64) -> Iterator[str]:
    """Yield the lines of the tables."""
    torch.set_num_threads(available_cpu_count())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "width.ganport"
        network = bundles.write_random(path, width)
        bundle = Bundle.open(path)
        others = {"onnxruntime by hand": by_hand(bundle, on_onnxruntime(bundle))}
        for name, graph in _torches(network, bundle):
            others[name] = by_hand(bundle, graph)
        yield from _table(f"`quick`, width {width}", bundle, others, counts)
        starter = Bundle.open("starter")
        bare = {"onnxruntime by hand": by_hand(starter, on_onnxruntime(starter))}
        yield from _table("the starter", starter, bare, counts)


def _table(
    title: str, bundle: Bundle, others: dict[str, GenerateMany], counts: Sequence[int]
) -> Iterator[str]:
    faces, request = Generator(bundle, "cpu"), bundles.sample_conditions(bundle)
    behind: list[str] = []
    yield f"\n| {title}: images | ours | {' | '.join(others)} |"
    yield "|---|" + "---|" * (1 + len(others))
    for count in counts:
        found = compare_interleaved(
            title,
            lambda count=count: faces.generate(request, seed=0, count=count),
            {name: partial(generate, count) for name, generate in others.items()},
            _ROUNDS.get(count, 21),
            _CALLS.get(count, 1),
        )
        ours = next(iter(found.values())).ours
        cells = " | ".join(_cell(comparison) for comparison in found.values())
        yield f"| {count:,} | {1e3 * ours:,.2f} ms | {cells} |"
        ratio = found["onnxruntime by hand"].ratio
        if ratio < _TARGET:
            behind.append(f"{ratio:.3f} with {count}")
    yield f"\nBelow {_TARGET} of onnxruntime by hand: {', '.join(behind) or 'nowhere'}."


def _cell(comparison: Comparison) -> str:
    low, high = comparison.spread
    return f"{1e3 * comparison.other:,.2f} ms: {comparison.ratio:.2f} ({low:.2f} to {high:.2f})"


def by_hand(bundle: Bundle, graph: Graph) -> GenerateMany:
    """Return the loop around a graph: noise, a vector, runs of 64, one array."""
    latent, size = bundle.manifest.z_shape, bundle.manifest.conditions.size
    vector = np.zeros(size, np.float32)
    vector[np.flatnonzero(bundle.manifest.conditions.encode(bundles.sample_conditions(bundle)))] = 1

    def batch(start: int, stop: int) -> NDArray[np.uint8]:
        z = np.empty((stop - start, *latent), np.float32)
        for row, seed in enumerate(range(start, stop)):
            random = np.random.Generator(np.random.Philox(seed))
            random.standard_normal(out=z[row], dtype=np.float32)
        condition = np.empty((stop - start, size), np.float32)
        condition[:] = vector
        return graph(z, condition)

    def generate(count: int) -> NDArray[np.uint8]:
        if count <= _BATCH:
            return batch(0, count)
        starts = range(0, count, _BATCH)
        return np.concatenate([batch(start, min(start + _BATCH, count)) for start in starts])

    return generate


def on_onnxruntime(bundle: Bundle) -> Graph:
    _, file = bundle.find_onnx("gan.generate/1")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = available_cpu_count()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        bundle.read(file.path), options, providers=["CPUExecutionProvider"]
    )
    return lambda z, condition: session.run(["image"], {"z": z, "condition": condition})[0]


def _torches(network: nn.Module, bundle: Bundle) -> Iterator[tuple[str, Graph]]:
    with_head = _WithHead(network).eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    yield "torch, eager", _torch(with_head)
    sizes = (*bundle.manifest.z_shape, bundle.manifest.conditions.size)
    with suppress_known_messages(), torch.inference_mode():
        traced = torch.jit.trace(with_head, tuple(torch.zeros(2, size) for size in sizes))
        frozen = torch.jit.freeze(traced)
    yield "TorchScript", _torch(frozen)
    yield "torch.compile", _torch(torch.compile(with_head))


class _WithHead(nn.Module):
    """A generator with the uint8 head of its graph."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.head = network, HEAD

    def forward(self, z: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        rows: torch.Tensor = self.head(self.network(z, condition))
        return rows


def _torch(network: Callable[..., torch.Tensor]) -> Graph:
    def graph(z: NDArray[np.float32], condition: NDArray[np.float32]) -> NDArray[np.uint8]:
        with torch.inference_mode():
            images: NDArray[np.uint8] = network(
                torch.from_numpy(z), torch.from_numpy(condition)
            ).numpy()
        return images

    return graph


def main() -> None:
    """Print the machine and the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--counts", type=int, nargs="+", default=list(_ROUNDS))
    arguments = parser.parse_args()
    print(describe_system())
    for row in rows(arguments.counts, arguments.width):
        print(row, flush=True)


if __name__ == "__main__":
    main()
