"""Every registered generator becomes a bundle that passes all gates and that the runtime plays."""

import io
import zipfile

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from safetensors.numpy import load

from ganport_export import ContractError, Interface, OptionError, Report, export
from ganport_export.networks import encoder_of, portable
from ganport_models import Generator as Network
from ganport_models import NetworkConfig, build_generator, generator_names
from ganport_runtime import Bundle, Conditions, Generator
from ganport_runtime.bundle.verify import verify

LABELS = {"hair": ["pink", "blue"], "eyes": ["red", "green", "black"]}
SHAPE = NetworkConfig(16, 5, base_channels=2, z_dim=6, embed_dim=7, num_levels=2, num_blocks=1)
PLAIN = NetworkConfig(16, 0, base_channels=2, z_dim=6, embed_dim=7)
GANS = [name for name in generator_names() if name.endswith("dcgan")] + ["residual"]


def ready(name: str, config: NetworkConfig) -> Network:
    """A network as if trained: what starts at zero is moved, what waits for data has seen some."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        network = build_generator(name, config)
        for weight in network.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
        for part in network.modules():
            if "initialized" in part._buffers:
                part.initialized.fill_(1)
    return network.eval()


def write(name: str, path, config: NetworkConfig = SHAPE, **options) -> Report:
    network = ready(name, config)
    conditions = Conditions.one_hots(LABELS) if config.condition_size else Conditions()
    z = () if network.interface == "gan.translate/1" else network.z_shape
    interface = Interface(name, z, (16, 16), conditions, kind=network.interface)
    encoder = encoder_of(network)
    return export(
        portable(network, interface),
        interface,
        path,
        encoder=encoder and portable(encoder, interface),
        **options,
    )


def faults(report: Report) -> list:
    return [check for check in verify(Bundle.open(report.path)) if check.passed is False]


def test_every_generator_is_tested_here():
    assert set(generator_names()) == {*GANS, "glow", "stargan"}


@pytest.mark.parametrize("name", GANS)
def test_every_gan_passes_the_gates_in_both_formats(name, tmp_path):
    report = write(name, tmp_path / "x.ganport")
    assert not faults(report)
    assert {"generator.onnx", "generator.ts.pt"} <= set(report.manifest.files)
    (graph,) = report.manifest.graphs
    assert graph.interface == "gan.generate/1"


def test_without_conditions_the_graph_takes_noise_alone(tmp_path):
    report = write("dcgan", tmp_path / "x.ganport", PLAIN, format="onnx")
    assert not faults(report)
    assert [tensor.name for tensor in report.manifest.graphs[0].inputs] == ["z"]
    assert Generator.load(report.path, device="cpu").generate(seed=1).shape == (1, 16, 16, 3)


@pytest.fixture(scope="module")
def translator(tmp_path_factory) -> Report:
    path = tmp_path_factory.mktemp("translator") / "x.ganport"
    return write("stargan", path, precision="fp16")


def test_a_translator_follows_its_picture_and_each_condition(translator):
    assert not faults(translator)
    assert translator.manifest.noise is None
    assert [graph.interface for graph in translator.manifest.graphs] == ["gan.translate/1"]
    assert set(translator.manifest.parity["sensitivity"]["moved"]) == {"image_in", "hair", "eyes"}
    model = onnx.load_from_string(Bundle.open(translator.path).read("generator.onnx"))
    assert "InstanceNormalization" in {node.op_type for node in model.graph.node}
    pictures = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
    player = Generator.load(translator.path, device="cpu")
    pink, blue = (player.translate(pictures, {"hair": hair}) for hair in ("pink", "blue"))
    assert pink.shape == pictures.shape
    assert (pink != blue).any()


def test_a_translator_s_fixtures_and_card_are_about_pictures(translator):
    with zipfile.ZipFile(translator.path) as archive:
        tensors = load(archive.read("fixtures.safetensors"))
        card = archive.read("MODEL_CARD.md").decode()
        preview = Image.open(io.BytesIO(archive.read("preview.png")))
    pictures = tensors["generator.onnx/n3/image_in"]
    levels = (pictures + 1) * 127.5
    assert np.abs(levels - np.rint(levels)).max() < 1e-4
    assert tensors["generator.fp16.onnx/n1/image"].shape == (1, 16, 16, 3)
    assert "A conditional image-to-image generator" in card
    assert 'generator.translate(pictures, {"hair": "pink", "eyes": "red"})' in card
    assert preview.width > 3 * 96  # before, pink, blue


@pytest.fixture(scope="module")
def flow(tmp_path_factory) -> Report:
    """A flow at half the usual noise, with a direction."""
    network = ready("glow", SHAPE)
    conditions = Conditions.one_hots(LABELS)
    interface = Interface("x", network.z_shape, (16, 16), conditions, temperature=0.5)
    directions = {"hair/pink": np.ones(network.z_shape, np.float32)}
    path = tmp_path_factory.mktemp("flow") / "x.ganport"
    encoder = encoder_of(network)
    return export(network, interface, path, encoder=encoder, directions=directions)


def test_a_flow_s_bundle_has_both_ways(flow):
    assert not faults(flow)
    manifest = flow.manifest
    assert [graph.interface for graph in manifest.graphs] == ["gan.generate/1", "gan.encode/1"]
    files = ["generator.onnx", "generator.ts.pt", "encoder.onnx", "encoder.ts.pt"]
    assert [file.path for graph in manifest.graphs for file in graph.files] == files
    assert {"directions.safetensors", *files} <= set(manifest.files)
    assert manifest.noise is not None and manifest.noise.temperature == 0.5


def test_a_flow_s_gates_measure_z_too(flow):
    parity = flow.manifest.parity
    encoder = parity["graphs"]["encoder.onnx"]
    assert encoder["levels"] == {}
    assert 0 < max(encoder["error"].values()) <= encoder["limit"]
    assert parity["limit"] == max(graph["limit"] for graph in parity["graphs"].values())
    assert set(parity["sensitivity"]["moved"]) == {"z", "hair", "eyes"}
    assert set(parity["encoder"]["sensitivity"]["moved"]) == {"image_in", "hair", "eyes"}


def test_no_matrix_is_worked_out_in_a_flow_s_graphs(flow):
    for name in ("generator.onnx", "encoder.onnx"):
        model = onnx.load_from_string(Bundle.open(flow.path).read(name))
        operators = {node.op_type for node in model.graph.node}
        assert "Conv" in operators
        assert not operators & {"MatMul", "Trilu", "Where", "Det", "If"}, name
        assert model.graph.name == name.removesuffix(".onnx")


def test_the_runtime_encodes_what_it_drew(flow):
    player = Generator.load(flow.path, device="cpu")
    pixels = player.generate({"hair": "blue"}, seed=3, count=4)
    z = player.encode(pixels, {"hair": "blue"})
    again = player.generate({"hair": "blue"}, z=z)
    assert np.abs(pixels.astype(int) - again.astype(int)).max() <= 1
    assert np.array_equal(player.directions["hair/pink"], np.ones((3, 16, 16), np.float32))


def test_a_flow_s_card_tells_the_way_back(flow):
    text = Bundle.open(flow.path).read("MODEL_CARD.md").decode()
    assert "Its encoder finds the noise of a picture." in text
    assert 'z = generator.encode(pixels, {"hair": "pink", "eyes": "red"})' in text
    assert "generator.directions" in text
    assert "What each input moves z by: image_in " in text
    assert "Interface `gan.encode/1` of ganport:" in text


def test_a_flow_that_saw_no_data_is_refused_by_its_path(tmp_path):
    network = build_generator("glow", SHAPE).eval()
    interface = Interface("x", network.z_shape, (16, 16), Conditions.one_hots(LABELS))
    with pytest.raises(
        ContractError, match=r"module 'flow\.steps\.0\.norm': expected an initialised"
    ):
        export(network, interface, tmp_path / "x.ganport", encoder=encoder_of(network))
    assert not list(tmp_path.iterdir())


def test_an_encoder_that_ignores_its_picture_is_refused(tmp_path):
    class Blind(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return image * 1e-7

    class Shown(torch.nn.Module):
        def forward(self, z: torch.Tensor) -> torch.Tensor:
            return torch.tanh(z)

    interface = Interface("x", (3, 8, 8), (8, 8))
    options = {"format": "torchscript", "encoder": Blind().eval()}
    with pytest.raises(ContractError, match=r"input 'image_in'.*the encoder ignores the picture"):
        export(Shown().eval(), interface, tmp_path / "x.ganport", **options)
    report = export(
        Shown().eval(), interface, tmp_path / "x.ganport", **options, allow_insensitive=True
    )
    assert report.manifest.parity["encoder"]["sensitivity"]["overridden"] == ["image_in"]


def test_a_translator_has_no_encoder(tmp_path):
    interface = Interface("x", (), (8, 8), kind="gan.translate/1")
    with pytest.raises(OptionError, match=r"expected gan\.generate/1, to go with an encoder"):
        export(torch.nn.Identity(), interface, tmp_path / "x.ganport", encoder=torch.nn.Identity())
