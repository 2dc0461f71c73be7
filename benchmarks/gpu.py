"""Generation on a GPU: ours against raw onnxruntime and torch, and the error of each precision.

`python benchmarks/gpu.py` prints Markdown; `--device cpu` runs everything that does not need
CUDA. Each way starts from noise and conditions in NumPy and returns uint8 rows in NumPy,
interleaved; medians. The network is `quick` at width 64 with random weights; `--bundle` adds the
errors of the precisions on trained ones. torch and raw onnxruntime convolve in TF32, their default;
our fp32 does not.
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
from numpy.typing import NDArray
from service import bundles
from system_info import describe_system
from timing import compare_interleaved
from torch import nn

from ganport_export.transforms.output_heads import OutputHead
from ganport_runtime import Generator
from ganport_runtime.errors import GanportError
from ganport_runtime.images.format import ImageFormat

HEAD = OutputHead(ImageFormat((64, 64)), "uint8")
Generate = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.uint8]]
"""Turns noise and condition vectors into images."""
_TARGETS = ((256, 200_000, "images/s"), (1, 1 / 150e-6, "images/s, 150 µs each"))


def main() -> None:
    """Print the table of speeds, the errors and the targets."""
    arguments = _arguments()
    torch.backends.cudnn.benchmark = True
    print(describe_system())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "width.ganport"
        network = bundles.write_random(path, arguments.features, "fp16")
        reference = Generator.load(path, "cpu")
        ways = dict(_ours(path, arguments.device)) | dict(
            _theirs(reference, network, arguments.device)
        )
        rates = {}
        for count in arguments.batches:
            torch.compiler.reset()  # each batch size is compiled separately
            rates[count] = _rates(ways, _inputs(reference, count), arguments.rounds)
        print(*_speed(rates), sep="\n")
        for bundle in (path, *arguments.bundle):
            print(*_distances(bundle, arguments.device), sep="\n")
    if arguments.device != "cpu":
        print(*_targets(rates), sep="\n")


def _ours(path: Path, device: str) -> Iterator[tuple[str, Generate]]:
    """Yield our runtime on every device and in every precision of this machine."""
    for name, generator in _generators(path, device):
        yield f"ours, {name}", lambda z, _, generator=generator: generator.generate(z=z)
        yield (
            f"ours, {name}, noise of seeds included",
            lambda z, _, generator=generator: generator.generate(seed=7, count=len(z)),
        )


def _generators(path: Path, device: str) -> Iterator[tuple[str, Generator]]:
    attempts = [(device, "fp32"), (device, "fp16")]
    attempts += [("tensorrt", "fp32"), ("tensorrt", "fp16")] if device != "cpu" else []
    for where, precision in attempts:
        try:
            yield f"{where} {precision}", Generator.load(path, where, precision=precision)
        except GanportError as error:
            print(f"skipped {where} {precision}: {error}\n")


def _theirs(
    reference: Generator, network: nn.Module, device: str
) -> Iterator[tuple[str, Generate]]:
    """Yield onnxruntime without binding, and torch."""
    _, file = reference.bundle.find_onnx("gan.generate/1")
    yield "raw onnxruntime, no binding", _session(reference.bundle.read(file.path), device)
    with_head = nn.Sequential(_TupleInput(network), HEAD).to(device).eval()
    yield "torch, eager", _torch(with_head, device, torch.float32)
    mode = "default" if device == "cpu" else "reduce-overhead"  # the latter: CUDA graphs
    compiled = torch.compile(with_head, mode=mode, dynamic=False)
    yield "torch.compile", _torch(compiled, device, torch.float32)
    if device != "cpu":
        yield "torch, eager, fp16", _torch(with_head, device, torch.float16)
        yield "torch.compile, fp16", _torch(compiled, device, torch.float16)


class _TupleInput(nn.Module):
    """A generator that takes noise and condition as one tuple, for `nn.Sequential`."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        image: torch.Tensor = self.network(*inputs)
        return image.float()


def _session(model: bytes, device: str) -> Generate:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    wanted = "CPUExecutionProvider" if device == "cpu" else "CUDAExecutionProvider"
    if device != "cpu":
        onnxruntime.preload_dlls()
    session = onnxruntime.InferenceSession(model, options, providers=[wanted])
    assert session.get_providers()[0] == wanted, session.get_providers()

    def generate(z: NDArray[np.float32], condition: NDArray[np.float32]) -> NDArray[np.uint8]:
        result: NDArray[np.uint8] = session.run(None, {"z": z, "condition": condition})[0]
        return result

    return generate


def _torch(network: Any, device: str, precision: torch.dtype) -> Generate:
    half = precision == torch.float16

    def generate(z: NDArray[np.float32], condition: NDArray[np.float32]) -> NDArray[np.uint8]:
        with torch.inference_mode(), torch.autocast(device, precision, enabled=half):
            inputs = tuple(torch.from_numpy(value).to(device) for value in (z, condition))
            result: NDArray[np.uint8] = network(inputs).cpu().numpy()
        return result

    return generate


def _inputs(faces: Generator, count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return faces.noise(range(count)), faces.conditions.encode_many([{}] * count)


def _rates(ways: dict[str, Generate], inputs: Any, rounds: int) -> dict[str, float]:
    """Return images per second of each way, from the median of interleaved rounds."""
    (first, ours), *others = ((name, partial(generate, *inputs)) for name, generate in ways.items())
    ours()  # three warm-up calls each: compilation, capture, arenas
    for _, work in others:
        work()
    found = compare_interleaved("", ours, dict(others), rounds)
    seconds = {first: next(iter(found.values())).ours}
    seconds |= {name: comparison.other for name, comparison in found.items()}
    return {name: len(inputs[0]) / seconds_per_call for name, seconds_per_call in seconds.items()}


def _speed(rates: dict[int, dict[str, float]]) -> Iterator[str]:
    yield f"\n| images/s, by batch | {' | '.join(map(str, rates))} |"
    yield "|---|" + "---|" * len(rates)
    for name in next(iter(rates.values())):
        cells = [f"{found[name]:,.0f}" for found in rates.values()]
        yield f"| {name} | {' | '.join(cells)} |"


def _distances(path: Path, device: str) -> Iterator[str]:
    """Yield the error of each device and precision from the CPU in float32, in levels."""
    count = 256
    exact = Generator.load(path, "cpu").generate(seed=7, count=count).astype(np.int16)
    yield f"\n| {path.stem}, {count} images: levels from cpu fp32 | largest | within 1 | PSNR |"
    yield "|---|---|---|---|"
    for name, generator in _generators(path, device):
        errors = np.abs(generator.generate(seed=7, count=count).astype(np.int16) - exact)
        error = float(np.mean(errors.astype(np.float64) ** 2))
        psnr = f"{10 * np.log10(255**2 / error):.1f} dB" if error else "exact"
        yield f"| {name} | {errors.max()} | {100 * np.mean(errors <= 1):.3f} % | {psnr} |"


def _targets(rates: dict[int, dict[str, float]]) -> Iterator[str]:
    for count, least, unit in _TARGETS:
        if count in rates:
            ours = {name: rate for name, rate in rates[count].items() if name.startswith("ours")}
            name = max(ours, key=ours.__getitem__)
            word = "met" if ours[name] >= least else "missed"
            rate = f"{ours[name]:,.0f} by {name}"
            yield f"\ntarget {word}: batch {count}, {least:,.0f} {unit}; {rate}"


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
