import json

import pytest

from ganport_export import OptionError
from ganport_export.manifest_builder import check_json, describe, embedded
from ganport_export.options import Options
from ganport_runtime.bundle.manifest import Manifest


def circle() -> dict:
    value: dict = {}
    value["self"] = value
    return value


@pytest.mark.parametrize(
    "value", [{"seed": 2**63}, {"loss": float("nan")}, {"a": {1, 2}}, circle()]
)
def test_what_json_does_not_hold_is_refused(value):
    with pytest.raises(OptionError, match="provenance: expected plain JSON") as refused:
        check_json("provenance", value)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize("image", ["uint8", "float"])
def test_the_description_follows_the_interface(interface, image):
    manifest = describe([interface], Options(image=image, precision="fp16"))
    (graph,) = manifest.graphs
    assert graph.interface == "gan.generate/1"
    assert [tensor.shape for tensor in graph.inputs] == [("batch", 4), ("batch", 5)]
    assert graph.output.shape[1:] == interface.output_shape(image)
    assert manifest.image.size == (8, 8)


def test_the_embedded_text_is_canonical_and_names_no_file(interface):
    manifest = describe([interface], Options())
    text = embedded(manifest, manifest.graphs[0])
    value = json.loads(text)
    assert text == json.dumps(value, sort_keys=True, separators=(",", ":"))
    assert "files" not in value
    assert "parity" not in value


def test_a_lone_graph_is_described_by_its_embedded_text_alone(interface):
    from ganport_runtime.bundle.manifest import FileEntry

    described = describe([interface], Options())
    value = json.loads(embedded(described, described.graphs[0]))
    entry = FileEntry("0" * 64, 1)
    manifest = Manifest.from_interface(value, "x", file="x.onnx", entry=entry)
    assert manifest.conditions == interface.conditions
