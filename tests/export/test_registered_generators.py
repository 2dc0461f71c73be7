"""Every registered generator exports to a bundle that passes all checks and runs."""

import io
import zipfile

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from safetensors.numpy import load

from ganport_export import ContractError, ExportReport, Interface, OptionError, export
from ganport_export.cli import Encoder, without_empty_condition
from ganport_models import Generator as Network
from ganport_models import NetworkConfig, build_generator, generator_names
from ganport_models.network import Flow, Translator
from ganport_runtime import Bundle, Conditions, Generator
from ganport_runtime.verify import verify

LABELS = {"hair": ["pink", "blue"], "eyes": ["red", "green", "black"]}
CONFIG = NetworkConfig(16, 5, base_channels=2, z_dim=6, embed_dim=7, num_levels=1, num_blocks=1)
UNCONDITIONAL = NetworkConfig(16, 0, base_channels=2, z_dim=6, embed_dim=7)
NETWORKS = {name: build_generator(name, CONFIG) for name in generator_names()}
FLOWS = [name for name, network in NETWORKS.items() if isinstance(network, Flow)]
TRANSLATORS = [name for name, network in NETWORKS.items() if isinstance(network, Translator)]
GANS = [name for name in NETWORKS if name not in (*FLOWS, *TRANSLATORS)]
RECIPES = ("film_skip_dcgan", "residual_skip")
"""The generators of the recipes quick and flagship; the others have a default export as ONNX in
`test_network_formats.py`."""


def trained_network(name: str, config: NetworkConfig) -> Network:
    """Return a network with random weights and set initialization flags, as after training."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        network = build_generator(name, config)
        for weight in network.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
        for part in network.modules():
            if "initialized" in part._buffers:
                part.initialized.fill_(1)
    return network.eval()


def export_network(name: str, path, config: NetworkConfig = CONFIG, **options) -> ExportReport:
    network = trained_network(name, config)
    conditions = Conditions.one_hots(LABELS) if config.condition_size else Conditions()
    z = () if network.interface == "gan.translate/1" else network.z_shape
    interface = Interface(name, z, (16, 16), conditions, kind=network.interface)
    encoder = Encoder(network).eval() if isinstance(network, Flow) else None
    return export(
        without_empty_condition(network, interface),
        interface,
        path,
        encoder=encoder and without_empty_condition(encoder, interface),
        **options,
    )


def failed_checks(report: ExportReport) -> list:
    return [check for check in verify(Bundle.open(report.path)) if check.passed is False]


@pytest.mark.parametrize(
    "name",
    [name if name in RECIPES else pytest.param(name, marks=pytest.mark.long) for name in GANS],
)
def test_export_of_every_gan_passes_the_checks(name, tmp_path, graphs_fit_a_gpu):
    report = export_network(name, tmp_path / "x.ganport")
    assert not failed_checks(report)
    graphs_fit_a_gpu(report)
    assert {"generator.onnx", "generator.ts.pt"} <= set(report.manifest.files)
    (graph,) = report.manifest.graphs
    assert graph.interface == "gan.generate/1"


def test_export_without_conditions_has_z_as_only_input(tmp_path):
    report = export_network("dcgan", tmp_path / "x.ganport", UNCONDITIONAL, format="onnx")
    assert not failed_checks(report)
    assert [tensor.name for tensor in report.manifest.graphs[0].inputs] == ["z"]
    assert Generator.load(report.path, device="cpu").generate(seed=1).shape == (1, 16, 16, 3)


@pytest.fixture(scope="module", params=TRANSLATORS)
def translator(request, tmp_path_factory) -> ExportReport:
    path = tmp_path_factory.mktemp("translator") / "x.ganport"
    return export_network(request.param, path, precision="fp16")


def test_export_of_a_translator_depends_on_image_and_conditions(translator, graphs_fit_a_gpu):
    assert not failed_checks(translator)
    graphs_fit_a_gpu(translator)
    assert translator.manifest.noise is None
    assert [graph.interface for graph in translator.manifest.graphs] == ["gan.translate/1"]
    assert set(translator.manifest.parity["sensitivity"]["moved"]) == {"image_in", "hair", "eyes"}
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
    generator = Generator.load(translator.path, device="cpu")
    pink, blue = (generator.translate(images, {"hair": hair}) for hair in ("pink", "blue"))
    assert pink.shape == images.shape
    assert (pink != blue).any()


def test_export_of_a_translator_has_image_fixtures_and_usage(translator):
    with zipfile.ZipFile(translator.path) as archive:
        tensors = load(archive.read("fixtures.safetensors"))
        card = archive.read("MODEL_CARD.md").decode()
        preview = Image.open(io.BytesIO(archive.read("preview.png")))
    images = tensors["generator.onnx/n3/image_in"]
    levels = (images + 1) * 127.5
    assert np.abs(levels - np.rint(levels)).max() < 1e-4
    assert tensors["generator.fp16.onnx/n1/image"].shape == (1, 16, 16, 3)
    assert "A conditional image-to-image generator" in card
    assert 'generator.translate(images, {"hair": "pink", "eyes": "red"})' in card
    assert preview.width > 3 * 96  # before, pink, blue


@pytest.fixture(scope="module", params=FLOWS)
def flow(request, tmp_path_factory) -> ExportReport:
    """Return the report of a flow with temperature 0.5 and a latent direction."""
    network = trained_network(request.param, CONFIG)
    conditions = Conditions.one_hots(LABELS)
    interface = Interface("x", network.z_shape, (16, 16), conditions, temperature=0.5)
    directions = {"hair/pink": np.ones(network.z_shape, np.float32)}
    path = tmp_path_factory.mktemp("flow") / "x.ganport"
    encoder = Encoder(network).eval()
    return export(network, interface, path, encoder=encoder, directions=directions)


def test_export_of_a_flow_contains_generator_and_encoder(flow, graphs_fit_a_gpu):
    assert not failed_checks(flow)
    graphs_fit_a_gpu(flow)
    manifest = flow.manifest
    assert [graph.interface for graph in manifest.graphs] == ["gan.generate/1", "gan.encode/1"]
    files = ["generator.onnx", "generator.ts.pt", "encoder.onnx", "encoder.ts.pt"]
    assert [file.path for graph in manifest.graphs for file in graph.files] == files
    assert {"directions.safetensors", *files} <= set(manifest.files)
    assert manifest.noise is not None and manifest.noise.temperature == 0.5


def test_export_of_a_flow_checks_z(flow):
    parity = flow.manifest.parity
    encoder = parity["graphs"]["encoder.onnx"]
    assert encoder["levels"] == {}
    assert 0 < max(encoder["error"].values()) <= encoder["limit"]
    assert parity["limit"] == max(graph["limit"] for graph in parity["graphs"].values())
    assert set(parity["sensitivity"]["moved"]) == {"z", "hair", "eyes"}
    assert set(parity["encoder"]["sensitivity"]["moved"]) == {"image_in", "hair", "eyes"}


def test_graphs_of_a_flow_compute_no_weights(flow):
    for name in ("generator.onnx", "encoder.onnx"):
        model = onnx.load_from_string(Bundle.open(flow.path).read(name))
        operators = {node.op_type for node in model.graph.node}
        assert "Conv" in operators
        assert not operators & {"MatMul", "Trilu", "Where", "Det", "If"}, name
        assert model.graph.name == name.removesuffix(".onnx")


def test_encode_of_generated_images_returns_their_noise(flow):
    generator = Generator.load(flow.path, device="cpu")
    pixels = generator.generate({"hair": "blue"}, seed=3, count=4)
    z = generator.encode(pixels, {"hair": "blue"})
    again = generator.generate({"hair": "blue"}, z=z)
    assert np.abs(pixels.astype(int) - again.astype(int)).max() <= 1
    assert np.array_equal(generator.directions["hair/pink"], np.ones((3, 16, 16), np.float32))


def test_card_of_a_flow_describes_the_encoder(flow):
    text = Bundle.open(flow.path).read("MODEL_CARD.md").decode()
    assert 'z = generator.encode(images, {"hair": "pink", "eyes": "red"})' in text
    assert "generator.directions" in text
    assert "Largest change of z, by input: image_in " in text
    assert "Interface `gan.encode/1` of ganport:" in text


def test_export_of_an_uninitialized_flow_raises_with_the_module_path(tmp_path):
    network = build_generator("glow", CONFIG).eval()
    interface = Interface("x", network.z_shape, (16, 16), Conditions.one_hots(LABELS))
    with pytest.raises(ContractError, match=r"module 'flow\.steps\.0\.norm'"):
        export(network, interface, tmp_path / "x.ganport", encoder=Encoder(network).eval())
    assert not list(tmp_path.iterdir())


def test_export_of_an_insensitive_encoder_raises(tmp_path):
    class InsensitiveEncoder(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return image * 1e-7

    class Tanh(torch.nn.Module):
        def forward(self, z: torch.Tensor) -> torch.Tensor:
            return torch.tanh(z)

    interface = Interface("x", (3, 8, 8), (8, 8))
    options = {"format": "torchscript", "encoder": InsensitiveEncoder().eval()}
    with pytest.raises(ContractError, match=r"input 'image_in'.*the encoder ignores"):
        export(Tanh().eval(), interface, tmp_path / "x.ganport", **options)
    report = export(
        Tanh().eval(), interface, tmp_path / "x.ganport", **options, allow_insensitive=True
    )
    assert report.manifest.parity["encoder"]["sensitivity"]["overridden"] == ["image_in"]


def test_export_of_a_translator_with_encoder_raises(tmp_path):
    interface = Interface("x", (), (8, 8), kind="gan.translate/1")
    with pytest.raises(OptionError, match=r"expected gan\.generate/1"):
        export(torch.nn.Identity(), interface, tmp_path / "x.ganport", encoder=torch.nn.Identity())
