"""Published architectures port by their interface alone: no wrapper, no change of the network."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from ported_attention import BigGanDeep, OneStepStudent, Sagan
from ported_style import FastGan, StyleGan2
from ported_tutorials import Dcgan, MnistCgan, StarGan, randomized
from torch import nn

from ganport_export import Interface, export
from ganport_runtime import Conditions, Generator
from ganport_runtime.conditions import MultiHot
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.images.pixels import to_float, to_uint8


@dataclass(frozen=True)
class Case:
    network: Callable[[], nn.Module]
    fields: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)
    noise_maps: int = 0


def labels(count: int) -> Conditions:
    return Conditions.one_hots({"kind": [str(index) for index in range(count)]})


ATTRIBUTES = Conditions((MultiHot("face", ("black_hair", "male", "young"), max_active=3),))
CASES = {
    "dcgan": Case(Dcgan, {"z": (10, 1, 1), "resolution": (16, 16)}),
    "mnist-cgan": Case(
        MnistCgan,
        {
            "z": (12,),
            "image": ImageFormat((28, 28), "gray"),
            "conditions": labels(10),
            "condition_dtype": "int64",
        },
    ),
    "stargan": Case(
        StarGan,
        {"z": (), "resolution": (16, 16), "conditions": ATTRIBUTES, "kind": "gan.translate/1"},
    ),
    "sagan": Case(
        Sagan,
        {
            "z": (8,),
            "resolution": (16, 16),
            "conditions": labels(3),
            "arguments": {"z": "z", "labels": "condition"},
            "condition_dtype": "int64",
        },
    ),
    "biggan-deep": Case(
        BigGanDeep,
        {
            "z": (8,),
            "resolution": (32, 32),
            "conditions": labels(4),
            "condition_dtype": "int64",
        },
    ),
    "stylegan2": Case(
        StyleGan2, {"z": (8,), "resolution": (16, 16)}, {"lift_noise": True}, noise_maps=5
    ),
    "stylegan2 grouped": Case(
        partial(StyleGan2, fused=True),
        {"z": (8,), "resolution": (16, 16)},
        {"lift_noise": True},
        noise_maps=5,
    ),
    "fastgan": Case(
        FastGan,
        {"z": (8,), "resolution": (32, 32), "output": 0},
        {"lift_noise": True},
        noise_maps=6,
    ),
    "one-step student": Case(
        OneStepStudent,
        {
            "z": (3, 16, 16),
            "resolution": (16, 16),
            "conditions": labels(3),
            "condition_dtype": "int64",
            "arguments": {"sample": "z", "timestep": 999.0, "class_labels": "condition"},
            "output": "sample",
        },
    ),
}
LONG = ("dcgan", "biggan-deep", "stylegan2 grouped", "fastgan", "one-step student")
"""The others cover class indices, attributes, translation, attention and lifted noise."""


@pytest.mark.filterwarnings("ignore:.*spectral_norm.* is deprecated:FutureWarning")
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.long) if name in LONG else name for name in CASES],
)
def test_export_of_a_published_architecture_passes_the_checks(name, tmp_path):
    case = CASES[name]
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = randomized(case.network())
    interface = Interface(name, **case.fields)
    report = export(network, interface, tmp_path / "x.ganport", format="onnx", **case.options)
    assert len(report.manifest.provenance.get("lifted_noise", [])) == case.noise_maps
    generator = Generator.load(report.path, device="cpu")
    assert generate(generator, interface).std() > 1
    if interface.is_direct and not case.noise_maps:
        assert np.abs(generate(generator, interface) - direct(network, generator)).max() <= 1


def generate(generator: Generator, interface: Interface) -> np.ndarray:
    """Return three images of the bundle as signed integers."""
    if interface.input_name == "image_in":
        return generator.translate(sources()).astype(int)
    return generator.generate(seed=4, count=3).astype(int)


def direct(network: nn.Module, generator: Generator) -> np.ndarray:
    """Return the same images, computed by the network itself."""
    condition = torch.from_numpy(np.stack([generator.conditions.encode()] * 3))
    inputs = [torch.from_numpy(to_float(sources()))]
    if generator.manifest.noise is not None:
        inputs = [torch.from_numpy(generator.noise([4, 5, 6]))]
    with torch.no_grad():
        outputs = network(*inputs, *([condition] if generator.conditions.size else []))
    return to_uint8(outputs.numpy()).astype(int)


def sources() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
