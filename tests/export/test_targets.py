import tomllib
from importlib.resources import files
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from ganport_export import Interface, OptionError, UnsupportedError, export
from ganport_export.artifact import onnx_runners
from ganport_export.formats.onnx import serialize
from ganport_export.formats.onnx_capture import capture_graph
from ganport_export.options import MIN_OPSET, ExportOptions
from ganport_export.targets import TARGETS, find_target, format_report
from ganport_export.test_inputs import make_batch
from ganport_export.transforms.opset import convert_opset
from ganport_runtime import Bundle, Generator
from ganport_runtime.bundle.graph_check import check_graph
from ganport_runtime.errors import BundleError
from ganport_runtime.images.format import ImageFormat

TABLE = tomllib.loads(files("ganport_export").joinpath("targets.toml").read_text())


class Modern(nn.Module):
    """Uses operators that opset 15 has in another form, or not at all."""

    def __init__(self, channels: int = 3, last: nn.Module | None = None) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.stem = nn.Linear(4, 64)
            self.norm = nn.LayerNorm(64)
            self.act = nn.Mish()
            self.to_image = nn.Conv2d(8, channels, 3)
        self.last = last or nn.Identity()

    def forward(self, z: Tensor) -> Tensor:
        x = self.act(self.norm(self.stem(z))).view(-1, 4, 4, 4)
        first, second = x.chunk(2, dim=1)
        x = torch.cat([second, first, x - x.mean((2, 3), keepdim=True)], dim=1)
        x = nn.functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        x = nn.functional.pad(x, (1, 1, 1, 1), mode="reflect")
        return torch.tanh(self.last(self.to_image(x)))


class Warp(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        grid = torch.stack(torch.meshgrid(*[torch.linspace(-1, 1, 8)] * 2, indexing="xy"), -1)
        return nn.functional.grid_sample(x, grid.expand(x.shape[0], -1, -1, -1), align_corners=True)


def describe(image: ImageFormat | None = None) -> Interface:
    return Interface("x", (4,), image=image or ImageFormat((8, 8)))


def test_export_for_unity_writes_opset_15_with_a_unit_head(tmp_path):
    report = export(Modern().eval(), describe(), tmp_path / "x.ganport", target="unity")
    model = onnx.load_from_string(Bundle.open(report.path).read("generator.onnx"))
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 15)]
    assert model.ir_version == 8
    operators = {node.op_type for node in model.graph.node}
    assert operators <= set(TABLE["unity"]["operators"].split())
    assert not operators & {"LayerNormalization", "Mish"}  # of opsets 17 and 18
    assert report.manifest.image.range == "unit"
    assert report.target == report.to_json()["target"]
    assert report.manifest.provenance["target"]["version"] == "2.4.0"
    pixels = Generator.load(report.path, device="cpu").generate(seed=1, count=2)
    assert pixels.shape == (2, 8, 8, 3) and pixels.std() > 1


def test_export_for_unity_of_sprites_chooses_colors_in_the_graph(tmp_path):
    image = ImageFormat((8, 8), "rgba", palette=("#000000", "#ff0040", "#ffffff"), alpha_levels=2)
    network = Modern(4, nn.Tanh()).eval()
    report = export(network, describe(image), tmp_path / "x.ganport", target="unity")
    pixels = Generator.load(report.path, device="cpu").generate(seed=1, count=4)
    visible = pixels[pixels[..., 3] == 255][:, :3]
    assert {tuple(color) for color in visible.tolist()} <= {
        (0, 0, 0),
        (255, 0, 64),
        (255, 255, 255),
    }


def test_export_for_unity_of_an_absent_operator_names_the_module(tmp_path):
    network = Modern(last=Warp()).eval()
    with pytest.raises(UnsupportedError, match=r"module 'last'.*opset 15; found GridSample"):
        export(network, describe(), tmp_path / "x.ganport", target="unity")
    report = export(network, describe(), tmp_path / "y.ganport", target="unity", opset=20)
    assert report.target is not None and report.target["version"] == "2.6.0"


class Resizing(nn.Module):
    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.options = options

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.interpolate(x, size=(8, 8), **self.options)


REPLACED: dict[str, dict[str, Any]] = {
    "mode = cubic": {"mode": "bicubic"},
    "antialias = 1": {"mode": "bilinear", "antialias": True},
}


@pytest.mark.parametrize("found", REPLACED)
def test_export_for_unity_of_a_resize_that_it_replaces_names_the_module(tmp_path, found):
    last = nn.Sequential(nn.Upsample(scale_factor=2), Resizing(**REPLACED[found]))
    network = Modern(last=last).eval()
    with pytest.raises(UnsupportedError) as caught:
        export(network, describe(), tmp_path / "x.ganport", target="unity", opset=18)
    assert caught.value.place == "module 'last.1'"
    assert caught.value.found == found
    assert 'mode="bilinear"' in caught.value.fix


def test_export_without_target_of_resizes_that_unity_replaces_passes(tmp_path):
    resizes = nn.Sequential(*(Resizing(**resize) for resize in REPLACED.values()))
    network = Modern(last=nn.Sequential(nn.Upsample(scale_factor=2), resizes)).eval()
    export(network, describe(), tmp_path / "x.ganport", format="onnx")


def test_export_for_unity_of_a_cubic_warp_names_the_module(tmp_path):
    class Cubic(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            grid = torch.zeros(x.shape[0], 8, 8, 2)
            return nn.functional.grid_sample(x, grid, mode="bicubic", align_corners=True)

    network = Modern(last=Cubic()).eval()
    with pytest.raises(UnsupportedError, match=r"module 'last'.*GridSample with mode = nearest"):
        export(network, describe(), tmp_path / "x.ganport", target="unity", opset=20)


def refusal(operator: str) -> str:
    """Return why a graph of one node of an operator is refused."""
    z = onnx.helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, ["batch", 4])
    node = onnx.helper.make_node(operator, ["z"], ["image"])
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "graph", [z], [z]))
    try:
        check_graph(model.SerializeToString(), "graph")
    except BundleError as error:
        return error.found
    return ""


@pytest.mark.parametrize("name", TARGETS)
def test_table_holds_only_operators_that_every_export_accepts(name):
    assert "not in the list" in refusal("DFT")
    for key in ("operators", "gpu_operators"):
        refusals = {entry: refusal(entry) for entry in TABLE[name].get(key, "").split()}
        assert not [entry for entry, found in refusals.items() if "not in the list" in found]


def test_export_for_web_reports_sizes_and_operators_off_the_gpu(tmp_path):
    messages: list[str] = []
    report = export(
        Modern().eval(), describe(), tmp_path / "x.ganport", target="web", progress=messages.append
    )
    assert report.target is not None
    assert report.manifest.image.range == "uint8"
    assert report.target["cpu_operators"] == {"Mish": 1}
    assert 0 < report.target["gzip_bytes"] < report.target["bytes"]
    assert any("on the CPU under WebGPU: Mish" in line for line in messages)
    assert format_report(report.target).startswith("web 1.30.0, opset 18")


def test_target_check_names_the_first_missing_operator_and_its_modules(make, interface):
    from ganport_export.checks.preflight import prepare
    from ganport_export.formats.onnx import write_onnx

    (artifact,) = write_onnx(
        prepare(make(), interface, "uint8"), ExportOptions(format="onnx"), "{}"
    )
    target = find_target("unity")
    target.check_graph(artifact)
    poor = type(target)(**{**vars(target), "operators": "Gemm Relu Concat"})
    with pytest.raises(UnsupportedError, match=r"module 'norm'|module 'up'|module 'Plain'"):
        poor.check_graph(artifact)


@pytest.mark.parametrize("name", TARGETS)
def test_table_names_its_source_and_known_operators(name):
    entry = TABLE[name]
    assert entry["source"].startswith("https://") and entry["version"]
    known = {schema.name for schema in onnx.defs.get_all_schemas()}
    for key in ("operators", "gpu_operators"):
        listed = entry.get(key, "").split()
        assert set(listed) <= known and len(listed) == len(set(listed))


LATEST_OPSET = onnx.defs.onnx_opset_version()


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"target": "godot"}, "target"),
        ({"target": "unity", "image": "uint8"}, "image for unity"),
        ({"target": "unity", "opset": 14}, "opset"),
        ({"target": "unity", "opset": 26}, "opset for unity" if LATEST_OPSET >= 26 else "opset"),
        ({"target": "web", "opset": 17}, "opset"),
        ({"target": "web", "format": "torchscript"}, "format for web"),
    ],
)
def test_options_that_a_target_does_not_take_raise(options, place):
    values = {"format": None, "image": None, "opset": None} | options
    with pytest.raises(OptionError) as caught:
        ExportOptions.of(**values)
    assert caught.value.place == place


@pytest.fixture(scope="module")
def captured_modern() -> onnx.ModelProto:
    return capture_graph(Modern().eval(), describe(), make_batch(describe(), 2), MIN_OPSET)


@pytest.mark.parametrize("opset", [15, 16, 17])
def test_convert_opset_below_18_gives_the_same_values(captured_modern, opset):
    converted = convert_opset(captured_modern, opset, {})
    assert converted.opset_import[0].version == opset
    batch = make_batch(describe(), 3)
    older, newer = (onnx_runners(serialize(g), "graph") for g in (converted, captured_modern))
    for mode, runner in older.items():
        assert np.abs(runner(batch) - newer[mode](batch)).max() < 1e-5


@pytest.mark.long  # both steps are in the default suite: the conversion, and an export of opset 15
@pytest.mark.parametrize("opset", [16, 17])
def test_opsets_between_15_and_18_give_the_same_images(opset, tmp_path):
    network = Modern().eval()
    for name, chosen in (("a", opset), ("b", 18)):
        options = {"target": "unity", "image": "float", "opset": chosen}
        export(network, describe(), tmp_path / f"{name}.ganport", **options)
    images = [
        Generator.load(tmp_path / f"{name}.ganport", device="cpu").generate(seed=2, count=3)
        for name in "ab"
    ]
    assert np.abs(images[0].astype(int) - images[1]).max() <= 1
