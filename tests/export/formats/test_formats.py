import runpy

import pytest

from ganport_export import Interface, UnsupportedError
from ganport_export.formats.formats import graph_files, script_artifact
from ganport_export.options import Options
from ganport_export.prepare import prepare

NETWORK = """
import torch
class Sky(torch.nn.Module):
    def forward(self, z):
        return torch.tanh(z)
"""


@pytest.mark.parametrize(
    ("choices", "kind", "names"),
    [
        ({"format": "onnx"}, "generate", ["generator.onnx"]),
        ({"format": "torchscript"}, "generate", ["generator.ts.pt"]),
        (
            {"precision": "fp16"},
            "generate",
            ["generator.onnx", "generator.fp16.onnx", "generator.ts.pt"],
        ),
        ({"precision": "fp16"}, "encode", ["encoder.onnx", "encoder.ts.pt"]),
    ],
)
def test_the_graph_to_prefer_comes_first(choices, kind, names):
    interface = Interface("a", (4,), (8, 8), kind=f"gan.{kind}/1")
    assert [file.path for file in graph_files(interface, Options(**choices))] == names


def test_a_class_torchscript_cannot_name_is_refused(tmp_path):
    (tmp_path / "sky.py").write_text(NETWORK)
    network = runpy.run_path(str(tmp_path / "sky.py"))["Sky"]().eval()  # lives in "<run_path>"
    prepared = prepare(network, Interface("sky", (3, 8, 8), (8, 8)), "uint8")
    with pytest.raises(UnsupportedError, match="a class that TorchScript can name"):
        script_artifact(prepared, Options(), "{}")
