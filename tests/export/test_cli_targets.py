"""`export-gan --for` of a checkpoint with sprites: RGBA, a palette, binary alpha."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from click.testing import CliRunner

from ganport_export.cli import export_gan
from ganport_models import NetworkConfig, build_generator
from ganport_models.metadata import METADATA, WEIGHTS, describe_files
from ganport_runtime import Bundle, Conditions, Generator
from ganport_runtime.images.format import ImageFormat

CONDITIONS = Conditions.one_hots({"kind": ["elf", "orc"]})
PALETTE = ("#000000", "#3a86ff", "#ffbe0b", "#fb5607")
IMAGE = ImageFormat((24, 16), "rgba", pixelated=True, palette=PALETTE, alpha_levels=2)
CONFIG = NetworkConfig(
    resolution=(24, 16),
    condition_size=2,
    base_channels=4,
    z_dim=8,
    embed_dim=8,
    image_channels=4,
)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sprites") / "sprites"
    folder.mkdir()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator = build_generator("film_dcgan", CONFIG)
        for weight in generator.parameters():
            weight.data.mul_(3.0)
        generator.stages[-1].up.bias.data[3] += 0.4  # about half of the pixels are visible
        generator(torch.randn(16, 8), torch.rand(16, 2))
    safetensors.torch.save_file(generator.state_dict(), folder / WEIGHTS)
    metadata = {"schema_version": 3, "architecture": "film_dcgan"}
    metadata |= {"network_config": CONFIG.to_json(), "conditions": CONDITIONS.to_json()}
    metadata |= {"image": IMAGE.to_json(), "recipe": {}, "step": 3, "images": 9}
    (folder / METADATA).write_text(json.dumps(metadata | {"files": describe_files(folder)}))
    return folder


def run(*arguments: object) -> str:
    result = CliRunner().invoke(export_gan, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_export_gan_for_unity_writes_one_graph_with_straight_sprites(checkpoint, tmp_path):
    output = run(checkpoint, "--for", "unity", "--out", tmp_path / "sprites.onnx")
    assert "target       unity 2.4.0, opset 15" in output
    generator = Generator.load(tmp_path / "sprites.onnx", device="cpu")
    assert (generator.manifest.image.format, generator.manifest.image.range) == (IMAGE, "unit")
    pixels = generator.generate({"kind": "orc"}, seed=1, count=4).reshape(-1, 4)
    assert set(pixels[:, 3].tolist()) == {0, 255}
    visible = {tuple(color) for color in pixels[pixels[:, 3] == 255][:, :3].tolist()}
    assert visible <= {tuple(bytes.fromhex(color[1:])) for color in PALETTE}
    assert not pixels[pixels[:, 3] == 0].any()


def test_export_gan_for_web_reports_sizes(checkpoint, tmp_path):
    report = tmp_path / "report.json"
    out = tmp_path / "x.ganport"
    output = run(checkpoint, "--for", "web", "--out", out, "--report", report)
    assert "compressed, runtime 14.2 MB" in output
    target = json.loads(report.read_text())["target"]
    assert (target["name"], target["opset"]) == ("web", 18)
    manifest = Bundle.open(out).manifest
    assert [file.role for file in manifest.graphs[0].files] == ["onnx"]
    assert manifest.image.range == "uint8"


def test_export_gan_for_unity_with_uint8_exits_2_with_the_reason(checkpoint, tmp_path):
    arguments = [checkpoint, "--for", "unity", "--image", "uint8", "--out", tmp_path / "x.ganport"]
    result = CliRunner().invoke(export_gan, [str(argument) for argument in arguments])
    assert result.exception is not None
    assert "RenderToTexture takes float" in str(result.exception)
    assert not list(tmp_path.iterdir())
