"""The numbers and the time of a convolution under the options of onnxruntime's CUDA provider.

`python benchmarks/gpu_convolution.py` prints a row for each precision and each pair of `use_tf32`
and `fuse_conv_bias`: the largest difference from float32 on the CPU, in levels of an image, and the
median time. `--device cpu` runs everything without these options.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from system_info import describe_system

from ganport_runtime.devices.cuda import CUDA, cuda_settings, open_gpu_session
from ganport_runtime.errors import DeviceError

WIDTH, SIDE, ROWS = 64, 16, 16
_LEVELS = 127.5


def build_model(precision: str) -> bytes:
    """Return a graph: ConvTranspose with bias (stride 2), LeakyReLU, Conv with bias, Tanh."""
    half = precision == "fp16"
    kind, dtype = (TensorProto.FLOAT16, np.float16) if half else (TensorProto.FLOAT, np.float32)
    random = np.random.default_rng(1)
    shapes = {
        "up": (WIDTH, WIDTH, 4, 4),
        "up_bias": (WIDTH,),
        "out": (3, WIDTH, 3, 3),
        "bias": (3,),
    }
    weights = [
        numpy_helper.from_array(random.normal(0, 0.05, shape).astype(dtype), name)
        for name, shape in shapes.items()
    ]
    nodes = [
        helper.make_node("Cast", ["x"], ["a"], to=kind),
        helper.make_node(
            "ConvTranspose", ["a", "up", "up_bias"], ["b"], strides=[2, 2], pads=[1, 1, 1, 1]
        ),
        helper.make_node("LeakyRelu", ["b"], ["c"], alpha=0.2),
        helper.make_node("Conv", ["c", "out", "bias"], ["d"], pads=[1, 1, 1, 1]),
        helper.make_node("Tanh", ["d"], ["e"]),
        helper.make_node("Cast", ["e"], ["y"], to=TensorProto.FLOAT),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", WIDTH, SIDE, SIDE])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3, 2 * SIDE, 2 * SIDE])
    graph = helper.make_graph(nodes, "convolution", [x], [y], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


def cpu_session(model: bytes) -> Any:
    """Return a session on the CPU."""
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])


def sessions(device: str) -> Iterator[tuple[str, Any]]:
    """Yield each precision with its options, and the session."""
    for precision, tf32, fused in product(("fp32", "fp16"), (0, 1), (0, 1)):
        name = f"{precision} | {tf32} | {fused}"
        ours = cuda_settings(0, precision)
        options = ours | {"use_tf32": tf32, "fuse_conv_bias": fused}
        model = build_model(precision)
        if device == "cpu":
            yield name, cpu_session(model)
            continue
        try:
            session, _ = open_gpu_session(model, "cuda:0", [[(CUDA, options)]])
            yield f"{name}{' (ours)' if options == ours else ''}", session
        except DeviceError as error:
            print(f"| {name} | {error.found} | |", flush=True)


def median_seconds(session: Any, x: NDArray[np.float32], rounds: int) -> float:
    """Return the median time of a run, after three others."""
    seconds = []
    for _ in range(rounds + 3):
        start = time.perf_counter()
        session.run(None, {"x": x})
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[3:])


def main() -> None:
    """Print the table, each row as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--rounds", type=int, default=50)
    arguments = parser.parse_args()
    x = np.random.default_rng(0).standard_normal((ROWS, WIDTH, SIDE, SIDE)).astype(np.float32)
    print(describe_system(), f"onnxruntime {onnxruntime.__version__}", f"onnx {onnx.__version__}")
    expected = cpu_session(build_model("fp32")).run(None, {"x": x})[0]
    print("\n| precision | use_tf32 | fuse_conv_bias | largest difference, levels | ms |")
    print("|---|---|---|---|---|")
    for name, session in sessions(arguments.device):
        error = _LEVELS * float(np.abs(session.run(None, {"x": x})[0] - expected).max())
        seconds = median_seconds(session, x, arguments.rounds)
        print(f"| {name} | {error:.4f} | {1e3 * seconds:.3f} |", flush=True)


if __name__ == "__main__":
    main()
