import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.bundle.manifest import SCHEMA_VERSION, Image, Manifest
from ganport_runtime.errors import BundleError
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.noise import ALGORITHM

REQUIRED = [
    "schema_version", "name", "version", "family", "graphs", "conditions", "noise", "image",
    "batch", "files", "parity", "provenance", "license",
]  # fmt: skip
JSON = json.loads((Path(__file__).parents[1] / "data/tiny.ganport/manifest.json").read_bytes())
PLANES = ["batch", 3, 8, 8]


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(json.dumps(JSON))
    change(value)
    return value


def test_manifest_round_trips_through_json() -> None:
    manifest = Manifest.from_json(JSON, "manifest.json")
    assert manifest.to_json() == JSON
    assert Manifest.from_json(manifest.to_json(), "again") == manifest


@pytest.mark.parametrize("form", ["phase", "of a later version"])
def test_graph_file_form_is_optional(form: str) -> None:
    value = changed(lambda manifest: manifest["graphs"][0]["files"][0].update(form=form))
    manifest = Manifest.from_json(value, "manifest.json")
    assert manifest.graphs[0].files[0].form == form
    assert manifest.to_json() == value
    assert Manifest.from_json(JSON, "manifest.json").graphs[0].files[0].form is None


def test_manifest_has_the_values_of_the_file() -> None:
    manifest = Manifest.from_json(JSON, "manifest.json")
    graph = manifest.graph("gan.generate/1")
    assert graph is not None
    assert [tensor.name for tensor in graph.inputs] == ["z", "condition"]
    assert graph.output.shape == ("batch", 8, 8, 3)
    assert graph.files[0].path == "generator.onnx"
    assert manifest.noise is not None
    assert manifest.noise.algorithm == ALGORITHM
    assert manifest.image == Image(ImageFormat((8, 8)), "uint8")
    assert manifest.graph("gan.encode/1") is None


def test_interface_json_has_no_digests_and_no_parity() -> None:
    part = Manifest.from_json(JSON, "manifest.json").interface_json()
    assert set(part) == {
        "schema_version", "interface", "inputs", "output", "conditions", "noise", "image"
    }  # fmt: skip


@pytest.mark.parametrize("key", REQUIRED)
def test_missing_key_is_named(key: str) -> None:
    with pytest.raises(BundleError, match=f"expected the required key '{key}'"):
        Manifest.from_json(changed(lambda value: value.pop(key)), "manifest.json")


def test_unknown_manifest_keys_are_ignored() -> None:
    def add(value: dict[str, Any]) -> None:
        value["future"] = {"a": 1}
        value["graphs"][0]["future"] = 1
        value["image"]["future"] = 1

    assert Manifest.from_json(changed(add), "manifest.json").to_json() == JSON


def test_graph_of_unknown_interface_is_kept_unchecked() -> None:
    other = JSON["graphs"][0] | {"interface": "gan.dream/7", "inputs": []}
    value = changed(lambda value: value["graphs"].append(other))
    assert len(Manifest.from_json(value, "manifest.json").graphs) == 2


def test_newer_schema_names_the_upgrade() -> None:
    value = changed(lambda value: value.update(schema_version=SCHEMA_VERSION + 1))
    with pytest.raises(BundleError, match=r"schema_version 2 or lower; found schema_version 3"):
        Manifest.from_json(value, "manifest.json")


TRANSLATE = {
    "interface": "gan.translate/1",
    "inputs": [
        {"name": "image_in", "dtype": "float32", "shape": PLANES},
        {"name": "condition", "dtype": "float32", "shape": ["batch", 5]},
    ],
    "output": JSON["graphs"][0]["output"],
    "files": JSON["graphs"][0]["files"],
}
ENCODE = TRANSLATE | {
    "interface": "gan.encode/1",
    "output": {"name": "z", "dtype": "float32", "shape": ["batch", 12, 4, 4]},
}


def test_all_interfaces_parse() -> None:
    value = changed(lambda value: value["graphs"].extend([TRANSLATE, ENCODE]))
    graphs = Manifest.from_json(value, "manifest.json").graphs
    assert [graph.interface for graph in graphs] == [
        "gan.generate/1", "gan.translate/1", "gan.encode/1"
    ]  # fmt: skip


def test_translator_needs_no_noise_rule() -> None:
    value = changed(lambda value: value.update(graphs=[TRANSLATE], noise=None))
    assert Manifest.from_json(value, "manifest.json").noise is None


def unconditional(value: dict[str, Any]) -> None:
    value["conditions"] = []
    value["graphs"][0]["inputs"].pop()


def test_unconditional_manifest_has_no_condition_input() -> None:
    assert Manifest.from_json(changed(unconditional), "manifest.json").conditions.size == 0


def floats(value: dict[str, Any]) -> None:
    value["image"] |= {"dtype": "float32", "range": [-1, 1]}
    value["graphs"][0]["output"] = {"name": "image", "dtype": "float32", "shape": PLANES}


def test_float_image_parses() -> None:
    manifest = Manifest.from_json(changed(floats), "manifest.json")
    assert manifest.image == Image(ImageFormat((8, 8)), "signed")
    assert manifest.to_json() == changed(floats)


def at(*path: str | int, to: object) -> Callable[[dict[str, Any]], None]:
    """Return a function that changes one nested value of the manifest."""

    def change(value: Any) -> None:
        for step in path[:-1]:
            value = value[step]
        value[path[-1]] = to

    return change


GRAPH = ("graphs", 0)
ENTRY = {"sha256": "0" * 64, "size": 0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (at("schema_version", to="1"), "an integer"),
        (at("schema_version", to=True), "an integer"),
        (at("schema_version", to=0), "an integer from 1"),
        (at("name", to=""), "name: expected text of 1 to 200"),
        (at("name", to="a\x1b[31m"), "printable"),
        (at("graphs", to=[]), "at least one graph"),
        (at("graphs", to=JSON["graphs"] * 2), "each interface once"),
        (at("graphs", to=JSON["graphs"] * 99), "at most 16"),
        (at(*GRAPH, "inputs", 0, "name", to="noise"), "expected z, condition; found noise"),
        (at(*GRAPH, "inputs", to=[]), "expected z, condition; found none"),
        (at(*GRAPH, "inputs", 0, "dtype", to="int64"), "one of float32, uint8"),
        (at(*GRAPH, "inputs", 0, "dtype", to="uint8"), r"float32 \[batch, Z\]"),
        (at(*GRAPH, "inputs", 0, "shape", to=[4]), 'starts with "batch"'),
        (at(*GRAPH, "inputs", 0, "shape", to=["batch", "n"]), "an integer from 1"),
        (at(*GRAPH, "inputs", 0, "shape", to=["batch", 0]), "an integer from 1"),
        (at(*GRAPH, "inputs", 0, "shape", to=["batch", 4, 4]), r"float32 \[batch, Z\]"),
        (at(*GRAPH, "inputs", 0, "shape", to=["batch", 2**30]), "at most 16777216 numbers"),
        (at(*GRAPH, "inputs", 1, "shape", to=["batch", 6]), r"condition: expected .* 5\]"),
        (at(*GRAPH, "output", "name", to="picture"), "output: expected image; found picture"),
        (at(*GRAPH, "output", "shape", to=["batch", 8, 9, 3]), r"image: expected .* 8, 8, 3\]"),
        (at(*GRAPH, "output", "dtype", to="float32"), "image: expected uint8"),
        (at(*GRAPH, "files", 0, "path", to="other.onnx"), "an entry for the graph other.onnx"),
        (at(*GRAPH, "files", 0, "path", to="../x"), "plain file names"),
        (at(*GRAPH, "files", 0, "role", to="pickle"), "one of onnx, torchscript, pt2"),
        (at(*GRAPH, "files", 0, "precision", to="fp8"), "one of fp32, fp16"),
        (at(*GRAPH, "files", 0, "form", to=3), r"files\[0\]: form: expected text"),
        (at("noise", to=None), "a noise rule"),
        (at("noise", "algorithm", to="mt19937"), "one of philox4x32-10"),
        (at("noise", "temperature", to=-1), "from 0 to 100"),
        (at("image", "size", to=[8]), r"\[height, width\]"),
        (at("image", "size", to=[9000, 8]), "an integer from 1 to 8192"),
        (at("image", "range", to=[0, 1]), r"\[0, 255\] for uint8"),
        (at("image", "colour", to="BGR"), "one of RGB"),
        (at("image", "dtype", to="uint16"), "one of uint8, float32"),
        (at("batch", "min", to=2), "an integer from 1 to 1"),
        (at("batch", "opt", to=65), "opt: expected an integer from 1 to 64"),
        (at("batch", "max", to=10**9), "an integer from 1 to 65536"),
        (at("files", to=[]), "a JSON object"),
        (at("files", "generator.onnx", "sha256", to="A" * 64), "64 lower-case hex digits"),
        (at("files", "generator.onnx", "size", to=-1), "an integer from 0"),
        (at("files", "generator.onnx", "size", to=10**12), "an integer from 0"),
        (at("files", "manifest.json", to=ENTRY), "every file but"),
        (at("files", "Generator.onnx", to=ENTRY), "differ in more than case"),
        (at("files", to={f"f{i}": ENTRY for i in range(2000)}), "at most 1024"),
        (at("conditions", 0, "slice", to=[0, 4]), "groups without gaps"),
        (at("conditions", to=[JSON["conditions"][0]] * 300), "at most 256"),
        (at("parity", to=None), "a JSON object"),
        (at("license", to=3), "text"),
    ],
)  # fmt: skip
def test_invalid_manifest_is_a_bundle_error(change: Any, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        Manifest.from_json(changed(change), "manifest.json")


@pytest.mark.parametrize(
    "name", ["", "..", ".", "a/b", "/a", "a\\b", "C:x", "a\0", "-", ".x", "a.", "ä", "x" * 200]
)
def test_file_name_that_is_a_path_is_refused(name: str) -> None:
    with pytest.raises(BundleError, match="plain file names"):
        Manifest.from_json(changed(lambda value: value["files"].update({name: ENTRY})), "here")


PATHS = [
    ("schema_version",), ("name",), ("graphs",), GRAPH, (*GRAPH, "inputs"), (*GRAPH, "files"),
    (*GRAPH, "inputs", 0), (*GRAPH, "inputs", 0, "shape"), (*GRAPH, "output"), ("conditions",),
    ("conditions", 0), ("conditions", 0, "labels"), ("conditions", 0, "default"), ("noise",),
    ("image",), ("image", "size"), ("batch",), ("files",), ("files", "generator.onnx"),
    ("parity",), ("provenance",), ("license",),
]  # fmt: skip
GARBAGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)


@given(st.sampled_from(PATHS), GARBAGE)
def test_garbage_in_any_key_is_a_bundle_error(path: tuple[str | int, ...], garbage: object) -> None:
    try:
        Manifest.from_json(changed(at(*path, to=garbage)), "manifest.json")
    except BundleError as error:
        assert "manifest.json" in str(error)
