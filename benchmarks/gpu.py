"""Drawing on a GPU: ours against raw onnxruntime and torch, and how far each precision strays.

`python benchmarks/gpu.py` prints Markdown; `--device cpu` runs all of it but what needs CUDA.
Everybody starts with noise and conditions of numpy and ends with uint8 rows in numpy, in turns,
medians. The network is `quick` at width 64 with random weights; `--bundle` adds the distances of
the precisions on trained ones. torch and raw onnxruntime convolve in TF32, as they do unasked; our
fp32 does not.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from machine import machine
from numpy.typing import NDArray
from service import bundles
from timing import race
from torch import nn

from ganport_export.transforms.output_heads import ToUint8
from ganport_runtime import Generator
from ganport_runtime.errors import GanportError

Draw = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.uint8]]
"""From noise and condition vectors to pictures."""
_GATES = ((256, 200_000, "pictures/s"), (1, 1 / 150e-6, "pictures/s, which is 150 µs for one"))


def main() -> None:
    """Print the table of speed, the distances and the gates."""
    asked = _arguments()
    torch.backends.cudnn.benchmark = True
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "width.ganport"
        network = bundles.write_random(path, asked.features, "fp16")
        reference = Generator.load(path, "cpu")
        drawing = dict(_ours(path, asked.device)) | dict(_theirs(reference, network, asked.device))
        rates = {}
        for count in asked.batches:
            torch.compiler.reset()  # each batch size compiled for itself, however many there are
            rates[count] = _rates(drawing, _inputs(reference, count), asked.rounds)
        print(*_speed(rates), sep="\n")
        for bundle in (path, *asked.bundle):
            print(*_distances(bundle, asked.device), sep="\n")
    if asked.device != "cpu":
        print(*_gates(rates), sep="\n")


def _ours(path: Path, device: str) -> Iterator[tuple[str, Draw]]:
    """Our runtime on every device and in every precision that this machine has."""
    for name, generator in _generators(path, device):
        yield f"ours, {name}", lambda z, _, generator=generator: generator.generate(z=z)
        yield (
            f"ours, {name}, noise of seeds included",
            lambda z, _, generator=generator: generator.generate(seed=7, count=len(z)),
        )


def _generators(path: Path, device: str) -> Iterator[tuple[str, Generator]]:
    tries = [(device, "fp32"), (device, "fp16")]
    tries += [("tensorrt", "fp32"), ("tensorrt", "fp16")] if device != "cpu" else []
    for where, precision in tries:
        try:
            yield f"{where} {precision}", Generator.load(path, where, precision=precision)
        except GanportError as error:
            print(f"left out, {where} {precision}: {error}\n")


def _theirs(reference: Generator, network: nn.Module, device: str) -> Iterator[tuple[str, Draw]]:
    """onnxruntime without binding, and torch."""
    _, file = reference.bundle.find_onnx("gan.generate/1")
    yield "raw onnxruntime, no binding", _session(reference.bundle.read(file.path), device)
    headed = nn.Sequential(_Both(network), ToUint8()).to(device).eval()
    yield "torch, eager", _torch(headed, device, torch.float32)
    mode = "default" if device == "cpu" else "reduce-overhead"  # the latter: CUDA graphs
    compiled = torch.compile(headed, mode=mode, dynamic=False)
    yield "torch.compile", _torch(compiled, device, torch.float32)
    if device != "cpu":
        yield "torch, eager, fp16", _torch(headed, device, torch.float16)
        yield "torch.compile, fp16", _torch(compiled, device, torch.float16)


class _Both(nn.Module):
    """A generator whose noise and condition come as one tuple, to stand in a sequence."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        image: torch.Tensor = self.network(*inputs)
        return image.float()


def _session(model: bytes, device: str) -> Draw:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    wanted = "CPUExecutionProvider" if device == "cpu" else "CUDAExecutionProvider"
    if device != "cpu":
        onnxruntime.preload_dlls()
    session = onnxruntime.InferenceSession(model, options, providers=[wanted])
    assert session.get_providers()[0] == wanted, session.get_providers()

    def draw(z: NDArray[np.float32], condition: NDArray[np.float32]) -> NDArray[np.uint8]:
        result: NDArray[np.uint8] = session.run(None, {"z": z, "condition": condition})[0]
        return result

    return draw


def _torch(network: Any, device: str, precision: torch.dtype) -> Draw:
    half = precision == torch.float16

    def draw(z: NDArray[np.float32], condition: NDArray[np.float32]) -> NDArray[np.uint8]:
        with torch.inference_mode(), torch.autocast(device, precision, enabled=half):
            inputs = tuple(torch.from_numpy(value).to(device) for value in (z, condition))
            result: NDArray[np.uint8] = network(inputs).cpu().numpy()
        return result

    return draw


def _inputs(faces: Generator, count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return faces.noise(range(count)), faces.conditions.encode_many([{}] * count)


def _rates(drawing: dict[str, Draw], inputs: Any, rounds: int) -> dict[str, float]:
    """Pictures a second of each, by the median of rounds in turn."""
    (first, ours), *others = ((name, partial(draw, *inputs)) for name, draw in drawing.items())
    ours()  # three calls each before the clock runs: to compile, to capture, to fill arenas
    for _, work in others:
        work()
    found = race("", ours, dict(others), rounds)
    seconds = {first: next(iter(found.values())).ours}
    seconds |= {name: comparison.other for name, comparison in found.items()}
    return {name: len(inputs[0]) / spent for name, spent in seconds.items()}


def _speed(rates: dict[int, dict[str, float]]) -> Iterator[str]:
    yield f"\n| pictures/s, by batch | {' | '.join(map(str, rates))} |"
    yield "|---|" + "---|" * len(rates)
    for name in next(iter(rates.values())):
        cells = [f"{found[name]:,.0f}" for found in rates.values()]
        yield f"| {name} | {' | '.join(cells)} |"


def _distances(path: Path, device: str) -> Iterator[str]:
    """Levels between the pictures of each device and precision and those of the CPU in float32."""
    count = 256
    exact = Generator.load(path, "cpu").generate(seed=7, count=count).astype(np.int16)
    yield f"\n| {path.stem}, {count} pictures: levels from cpu fp32 | largest | within 1 | PSNR |"
    yield "|---|---|---|---|"
    for name, generator in _generators(path, device):
        apart = np.abs(generator.generate(seed=7, count=count).astype(np.int16) - exact)
        error = float(np.mean(apart.astype(np.float64) ** 2))
        psnr = f"{10 * np.log10(255**2 / error):.1f} dB" if error else "exact"
        yield f"| {name} | {apart.max()} | {100 * np.mean(apart <= 1):.3f} % | {psnr} |"


def _gates(rates: dict[int, dict[str, float]]) -> Iterator[str]:
    for count, least, unit in _GATES:
        if count in rates:
            ours = {name: rate for name, rate in rates[count].items() if name.startswith("ours")}
            name = max(ours, key=ours.__getitem__)
            word = "met" if ours[name] >= least else "missed"
            yield f"\ngate {word}: batch {count}, {least:,.0f} {unit}; {ours[name]:,.0f} by {name}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--features", type=int, default=64)
    parser.add_argument("--batches", nargs="+", type=int, default=[2**i for i in range(9)])
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--bundle", nargs="*", type=Path, default=[], help="trained, with fp16")
    return parser.parse_args()


if __name__ == "__main__":
    main()
