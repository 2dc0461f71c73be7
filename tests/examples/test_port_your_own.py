import runpy
from pathlib import Path

from PIL import Image

from ganport_runtime import Bundle

EXAMPLE = Path(__file__).parents[2] / "examples" / "port_your_own.py"


def test_example_exports_a_foreign_network_and_writes_a_sheet(tmp_path, capsys):
    example = runpy.run_path(str(EXAMPLE), run_name="port_your_own")
    path = tmp_path / "season.ganport"
    report = example["export_bundle"](path)
    assert Bundle.open(path).manifest.family == "dcgan"
    parity = report.manifest.parity
    assert 0 < max(parity["graphs"]["generator.onnx"]["error"].values()) <= parity["limit"] <= 1e-3
    with Image.open(example["generate_sheet"](path)) as sheet:
        assert sheet.size[0] > 4 * 32 * 3
    assert capsys.readouterr().out.count("\n") == len(report.seconds)
