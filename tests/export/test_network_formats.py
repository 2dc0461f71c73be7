"""Every generator with images of every mode and size becomes a bundle with the network's images.

By default each generator has one combination, and each pair of size and mode has a generator; the
other combinations are `matrix`.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganport_export import Interface, export
from ganport_export.cli import Encoder
from ganport_models import Flow, NetworkConfig, Translator, build_generator, generator_names
from ganport_models.resolution import Resolution, to_size
from ganport_runtime import Bundle, Conditions, Generator
from ganport_runtime.images.format import CHANNELS, ImageFormat
from ganport_runtime.images.pixels import to_float, to_uint8
from ganport_runtime.verify import check_graphs

CONDITIONS = Conditions.one_hots({"hair": ["pink", "blue"], "eyes": ["red", "green", "black"]})
SIZES: list[Resolution] = [48, (96, 64), 28]
FORMATS = [(size, mode) for size in SIZES for mode in CHANNELS]
PALETTE = ("#000000", "#ff0040", "#40a0ff", "#ffffff")


def combinations() -> list[object]:
    params = []
    for number, name in enumerate(generator_names()):
        for index, (size, mode) in enumerate(FORMATS):
            marks = [] if index == number % len(FORMATS) else [pytest.mark.matrix]
            label = "x".join(map(str, to_size(size)))
            params.append(pytest.param(name, size, mode, id=f"{name}-{label}-{mode}", marks=marks))
    return params


def make_format(size: Resolution, mode: str) -> ImageFormat:
    """Return a format; RGBA images at 48 x 48 are sprites with a palette and binary alpha."""
    if mode == "rgba" and size == 48:
        return ImageFormat(to_size(size), mode, True, PALETTE, 2)
    return ImageFormat(to_size(size), mode)


@pytest.mark.parametrize(("name", "size", "mode"), combinations())
def test_bundle_generates_the_images_of_the_network(
    tmp_path: Path, name: str, size: Resolution, mode: str, graphs_fit_a_gpu: Any
) -> None:
    image, count = make_format(size, mode), 3
    config = NetworkConfig(
        size, 5, 8, 6, 7, num_levels=2, num_blocks=1, image_channels=image.channels
    )
    torch.manual_seed(0)
    network = build_generator(name, config)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(torch.randn_like(weight) * (0.1 if weight.ndim > 1 else 0.0))
        for part in network.modules():
            if "initialized" in part._buffers:
                part.initialized.fill_(1)
    network.eval()
    translates = isinstance(network, Translator)
    z = () if translates else network.z_shape
    interface = Interface(name, z, conditions=CONDITIONS, image=image, kind=network.interface)
    encoder = Encoder(network).eval() if isinstance(network, Flow) else None
    report = export(network, interface, tmp_path / "x.ganport", encoder=encoder, format="onnx")
    checks = check_graphs(Bundle.open(report.path), trust_code=False)
    assert not [check for check in checks if check.passed is False]
    graphs_fit_a_gpu(report)
    generator = Generator.load(report.path, device="cpu")
    assert generator.image == image
    if translates:
        shape = (count, *image.size, image.channels)
        sources = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        found, inputs = generator.translate(sources), to_float(sources)
    else:
        found, inputs = generator.generate(seeds=range(count)), generator.noise(range(count))
    condition = torch.from_numpy(CONDITIONS.encode_many([{}] * count))
    with torch.no_grad():
        expected = to_uint8(network(torch.from_numpy(inputs), condition).numpy(), image)
    assert found.shape == (count, *image.size, image.channels)
    assert (found != expected).mean() < 1e-3
