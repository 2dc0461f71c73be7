"""The files each format puts into a bundle for one graph, written from one prepared network."""

from __future__ import annotations

from dataclasses import replace

import onnx
import torch
from torch import nn

from ganport_export.checks.structure import check_structure
from ganport_export.errors import UnsupportedError
from ganport_export.formats.onnx_graph import (
    serialized,
    set_metadata,
    stripped,
    write_graph,
)
from ganport_export.formats.torchscript import loaded, saved, trace
from ganport_export.interface import Interface
from ganport_export.options import Options
from ganport_export.prepare import Prepared
from ganport_export.runners import (
    Artifact,
    Rounding,
    half_player,
    onnx_players,
    script_player,
)
from ganport_export.transforms.fp16 import in_half
from ganport_export.transforms.fp16_weights import count_weights, rounded, stored_half
from ganport_export.transforms.output_heads import ToUint8, with_uint8_head
from ganport_export.transforms.polyphase import in_phases
from ganport_runtime.bundle.constants import PHASE
from ganport_runtime.bundle.manifest import METADATA_KEY, GraphFile

_EXAMPLE = 1
"""The sample of two rows: a batch of one would be frozen into the graph."""


def graph_files(interface: Interface, options: Options) -> tuple[GraphFile, ...]:
    """The files a graph will have, the one to prefer first.

    Half precision is held to a picture's levels, which z does not have: an encoder has none. Nor
    does it make pixels from fewer, which is what phases are for.
    """
    stem, image = interface.stem, interface.output == "image"
    wanted = (
        (GraphFile(f"{stem}.onnx", "onnx", "fp32"), options.onnx),
        (GraphFile(f"{stem}.fp16.onnx", "onnx", "fp16"), options.half and image),
        (GraphFile(f"{stem}.phase.onnx", "onnx", "fp32", PHASE), options.phase and image),
        (GraphFile(f"{stem}.ts.pt", "torchscript", "fp32"), options.torchscript),
    )
    return tuple(file for file, asked in wanted if asked)


def onnx_artifacts(prepared: Prepared, options: Options, embedded: str) -> list[Artifact]:
    """The float32 graph, and the float16 one where asked for, with `embedded` inside each.

    Raises UnsupportedError or ContractError.
    """
    network, interface = prepared.network, prepared.interface
    files = [file for file in graph_files(interface, options) if file.role == "onnx"]
    full = write_graph(network, interface, prepared.samples[_EXAMPLE], options.opset)
    graph, rounding = _with_rounding(full, prepared) if options.half_weights else (full, None)
    artifacts = []
    for file in files:
        if file.precision == "fp16":
            half = _onnx_artifact(file, in_half(full), interface, options, embedded)
            ways = {"torch float16": half_player(network, interface, file.path)}
            artifacts.append(replace(half, shipped={**ways, **half.shipped}))
        else:
            written = in_phases(graph, interface.stem) if file.form == PHASE else graph
            stored = stored_half(written) if rounding else written
            plain = _onnx_artifact(file, stored, interface, options, embedded)
            artifacts.append(replace(plain, rounding=rounding))
    return artifacts


def script_artifact(prepared: Prepared, options: Options, embedded: str) -> Artifact:
    """The traced network with `embedded` inside; raises UnsupportedError or ParityError."""
    interface = prepared.interface
    file = graph_files(interface, options)[-1]
    head: nn.Module = ToUint8() if interface.head(options.image) == "uint8" else nn.Identity()
    example = prepared.samples[_EXAMPLE]
    data = saved(trace(prepared.network, head, example), METADATA_KEY, embedded)
    plain = trace(prepared.network, nn.Identity(), example)
    way = "TorchScript"
    return Artifact(
        file.path,
        file.role,
        file.precision,
        interface,
        data,
        before_head={way: script_player(plain)},
        shipped={way: script_player(_loaded_again(data, prepared.network))},
    )


def _with_rounding(full: onnx.ModelProto, prepared: Prepared) -> tuple[onnx.ModelProto, Rounding]:
    """A graph whose weights are on float16's grid, and what that did."""
    near = rounded(full)
    place = f"{prepared.interface.stem}.onnx with rounded weights"
    player = next(iter(onnx_players(serialized(near), place).values()))
    reference = [player(sample) for sample in prepared.samples]
    before = onnx_players(serialized(full), f"{prepared.interface.stem}.onnx before its rounding")
    return near, Rounding(*count_weights(full), before, reference)


def _loaded_again(data: bytes, network: nn.Module) -> torch.jit.ScriptModule:
    try:
        return loaded(data, METADATA_KEY)[0]
    except RuntimeError as error:
        raise UnsupportedError(
            f"network {type(network).__name__}",
            expected="a class that TorchScript can name",
            found=" ".join(str(error).split())[:200],
            fix="Define the network's classes in an ordinary module.",
        ) from error


def _onnx_artifact(
    file: GraphFile, graph: onnx.ModelProto, interface: Interface, options: Options, embedded: str
) -> Artifact:
    uint8 = interface.head(options.image) == "uint8"
    shipped = with_uint8_head(graph) if uint8 else stripped(graph)
    check_structure(graph, f"{file.path} before its head", interface, "float", options.opset)
    before_head = onnx_players(serialized(graph), file.path)
    set_metadata(shipped, METADATA_KEY, embedded)
    check_structure(shipped, file.path, interface, options.image, options.opset)
    data = serialized(shipped)
    return Artifact(
        file.path,
        file.role,
        file.precision,
        interface,
        data,
        before_head=before_head,
        shipped=onnx_players(data, file.path),
    )
