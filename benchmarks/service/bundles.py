"""The served bundles, and their plain graphs for the competitors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import rfc8785
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from ganport_export import Interface, export
from ganport_models import build_generator
from ganport_runtime.bundle import Bundle
from ganport_runtime.bundle.manifest import (
    METADATA_KEY,
    BatchLimits,
    Graph,
    GraphFile,
    Image,
    Manifest,
    Noise,
    Tensor,
)
from ganport_runtime.conditions import Conditions, OneHot
from ganport_runtime.images.format import ImageFormat
from ganport_train.config import recipes

_SIDE = 64


def write_noop(path: Path) -> Path:
    """Write a graph that returns gray images of 12,288 bytes at once; return its path."""
    graph = Graph(
        "gan.generate/1",
        (Tensor("z", "float32", ("batch", 1)),),
        Tensor("image", "uint8", ("batch", _SIDE, _SIDE, 3)),
        (GraphFile(path.name, "onnx", "fp32"),),
    )
    manifest = Manifest(
        name=path.stem,
        version="1.0.0",
        family="benchmark",
        graphs=(graph,),
        conditions=Conditions(),
        noise=Noise(),
        image=Image(ImageFormat((_SIDE, _SIDE))),
        batch=BatchLimits(1, 64, 1024),
        files={},
        parity={},
        provenance={},
        license="Apache-2.0",
    )
    constants = {
        "gray": np.full((1, _SIDE, _SIDE, 3), 128, np.uint8),
        "rest": np.array([_SIDE, _SIDE, 3], np.int64),
    }
    model = helper.make_model(
        helper.make_graph(
            [
                helper.make_node("Shape", ["z"], ["batch"], start=0, end=1),
                helper.make_node("Concat", ["batch", "rest"], ["shape"], axis=0),
                helper.make_node("Expand", ["gray", "shape"], ["image"]),
            ],
            path.stem,
            [helper.make_tensor_value_info("z", TensorProto.FLOAT, graph.inputs[0].shape)],
            [helper.make_tensor_value_info("image", TensorProto.UINT8, graph.output.shape)],
            [numpy_helper.from_array(value, name) for name, value in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=8,
    )
    embedded = rfc8785.dumps(manifest.interface_json(graph)).decode()
    helper.set_model_props(model, {METADATA_KEY: embedded})
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))
    return path


def write_random(
    path: Path, features: int, precision: str = "fp32", *, polyphase: bool = False
) -> nn.Module:
    """Write the `quick` generator of width `features` with random weights; return the network."""
    conditions = recipes.load("anime-cgan").vocabulary()
    assert conditions is not None
    recipe = recipes.load("quick", [f"network.base_channels={features}"])
    torch.manual_seed(features)
    network = build_generator(recipe.network.generator, recipe.network_config(conditions)).eval()
    interface = Interface(
        name=path.stem, z=network.z_shape, resolution=(_SIDE, _SIDE), conditions=conditions
    )
    options = {"precision": precision, "polyphase": polyphase, "allow_insensitive": True}
    export(network, interface, path, format="onnx", **options)
    return network


def write_baseline(bundle: Bundle, folder: Path) -> Path:
    """Write the graph and the layout of its condition vector, for programs without ganport."""
    conditions = bundle.manifest.conditions
    groups: dict[str, tuple[int, list[str]]] = {}
    start = 0
    for group in conditions.groups:
        if isinstance(group, OneHot):
            groups[group.name] = (start, list(group.labels))
        start += group.size
    labels = {
        "noise": int(np.prod(bundle.manifest.z_shape)),
        "default": conditions.encode({}).tolist(),
        "groups": groups,
    }
    _, file = bundle.find_onnx("gan.generate/1")
    folder.mkdir()
    (folder / "model.onnx").write_bytes(bundle.read(file.path))
    (folder / "labels.json").write_text(json.dumps(labels))
    return folder


def sample_conditions(bundle: Bundle) -> dict[str, str]:
    """Return one label of each one-hot group that is not its default."""
    return {
        group.name: next(label for label in group.labels if label != group.default)
        for group in bundle.manifest.conditions.groups
        if isinstance(group, OneHot)
    }
