import shutil
from importlib.util import find_spec

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from ganport_export import UnsupportedError, export
from ganport_export.formats.onnx import serialize
from ganport_export.transforms.polyphase import to_polyphase
from ganport_runtime import Bundle, Generator
from ganport_runtime.errors import BundleError
from ganport_runtime.verify import verify

INPUTS = 2


def graph_of(
    *, kernel=(4, 4), outputs=3, size=(3, 4), bias=True, after=(), seed=0, **attributes
) -> onnx.ModelProto:
    """Return one transposed convolution with small integer weights, and the nodes after it."""
    rng = np.random.default_rng(seed)
    arrays = {"w": rng.integers(-9, 9, (INPUTS, outputs, *kernel)).astype(np.float32)}
    arrays |= {"b": rng.integers(-9, 9, outputs).astype(np.float32)} if bias else {}
    names = ["y", *after]
    settings = {"strides": [2, 2], "kernel_shape": list(kernel)} | attributes
    nodes = [helper.make_node("ConvTranspose", ["x", *arrays], ["y"], "up", **settings)]
    for name, kind in zip(names, after, strict=False):
        nodes.append(helper.make_node(kind, [name], [kind], kind))
    shape = ["batch", INPUTS, *size]
    graph = helper.make_graph(
        nodes,
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(names[-1], TensorProto.FLOAT, ["batch", outputs, "h", "w"])],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def run_graph(model: onnx.ModelProto, size=(3, 4)) -> np.ndarray:
    onnx.checker.check_model(model, full_check=True)
    x = np.random.default_rng(1).integers(-9, 9, (2, INPUTS, *size)).astype(np.float32)
    return onnxruntime.InferenceSession(serialize(model)).run(None, {"x": x})[0]


def operators(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize(
    ("kernel", "pads", "extra"),
    [(4, 1, 0), (5, 2, 1), (3, 1, 1), (2, 0, 0), (6, 2, 0), (3, 0, 0), (1, 0, 1), (7, 1, 1)],
)
@pytest.mark.parametrize("outputs", [3, 16])
def test_to_polyphase_keeps_the_output_of_integer_weights(kernel, pads, extra, outputs):
    full = graph_of(
        kernel=(kernel, kernel), outputs=outputs, pads=[pads] * 4, output_padding=[extra] * 2
    )
    polyphase = to_polyphase(full, "graph")
    assert "ConvTranspose" not in operators(polyphase)
    assert np.array_equal(run_graph(polyphase), run_graph(full))


@settings(max_examples=25)
@given(
    kernel=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    pads=st.lists(st.integers(0, 3), min_size=4, max_size=4),
    extra=st.lists(st.integers(0, 1), min_size=2, max_size=2),
    outputs=st.sampled_from([1, 16]),
    bias=st.booleans(),
)
def test_to_polyphase_with_any_padding_is_exact_or_raises(kernel, pads, extra, outputs, bias):
    # The output, 2 * (3 - 1) + kernel - pads + extra pixels, must not be empty.
    assume(all(4 + kernel[i] - pads[i] - pads[2 + i] + extra[i] > 0 for i in (0, 1)))
    attributes = {"kernel": kernel, "outputs": outputs, "bias": bias}
    full = graph_of(**attributes, pads=pads, output_padding=extra)
    try:
        polyphase = to_polyphase(full, "graph")
    except UnsupportedError:
        assert any(kernel[i] - pads[2 + i] + extra[i] > 2 * -(-kernel[i] // 2) for i in (0, 1))
        return
    assert np.array_equal(run_graph(polyphase), run_graph(full))


def test_to_polyphase_of_many_channels_makes_four_convolutions():
    polyphase = to_polyphase(graph_of(outputs=16, pads=[1] * 4), "graph")
    assert operators(polyphase) == ["Conv"] * 4 + ["Concat", "DepthToSpace"]
    shapes = [tuple(tensor.dims) for tensor in polyphase.graph.initializer]
    assert shapes == [(16,), *[(16, INPUTS, 2, 2)] * 4]


def test_to_polyphase_of_few_channels_makes_one_cropped_convolution():
    polyphase = to_polyphase(graph_of(outputs=3, pads=[1] * 4), "graph")
    assert operators(polyphase) == ["Conv", "DepthToSpace", "Slice"]
    assert tuple(polyphase.graph.initializer[0].dims) == (12, INPUTS, 2, 2)


@pytest.mark.parametrize("outputs", [3, 16])
def test_to_polyphase_moves_an_activation_before_the_interleaving(outputs):
    full = graph_of(outputs=outputs, pads=[1] * 4, after=("Relu", "Neg"))
    polyphase = to_polyphase(full, "graph")
    assert operators(polyphase)[-1] == "Neg"
    assert operators(polyphase).index("DepthToSpace") > max(
        index for index, kind in enumerate(operators(polyphase)) if kind == "Relu"
    )
    assert np.array_equal(run_graph(polyphase), run_graph(full))


def test_to_polyphase_keeps_an_activation_with_a_second_reader_after_it():
    full = graph_of(pads=[1] * 4, after=("Relu",))
    full.graph.node.append(helper.make_node("Add", ["Relu", "y"], ["sum"]))
    full.graph.output[0].name = "sum"
    polyphase = to_polyphase(full, "graph")
    assert operators(polyphase) == ["Conv", "DepthToSpace", "Slice", "Relu", "Add"]
    assert np.array_equal(run_graph(polyphase), run_graph(full))


@pytest.mark.parametrize("pads", [[0] * 4, [1, 0, 0, 2]])
def test_to_polyphase_of_a_single_pixel_makes_a_matrix_product(pads):
    full = graph_of(size=(1, 1), strides=[1, 1], pads=pads)
    polyphase = to_polyphase(full, "graph")
    assert operators(polyphase) == ["Flatten", "Gemm", "Reshape"]
    assert np.array_equal(run_graph(polyphase, (1, 1)), run_graph(full, (1, 1)))


@pytest.mark.parametrize(
    "other",
    [
        {"strides": [1, 1]},
        {"strides": [2, 1]},
        {"strides": [3, 3]},
        {"dilations": [2, 2]},
        {"auto_pad": "SAME_UPPER"},
        {"output_shape": [6, 8]},
    ],
)
def test_to_polyphase_of_other_layers_raises(other):
    with pytest.raises(UnsupportedError) as caught:
        to_polyphase(graph_of(**other), "generator")
    assert (caught.value.place, caught.value.exit_code) == ("generator", 3)
    assert "--polyphase" in caught.value.fix


def test_to_polyphase_does_not_change_the_given_graph():
    full = graph_of(pads=[1] * 4, after=("Relu",))
    before = serialize(full)
    to_polyphase(full, "graph")
    assert serialize(full) == before


@pytest.fixture(scope="module")
def bundle(make, interface, tmp_path_factory) -> Bundle:
    folder = f"{tmp_path_factory.mktemp('phase')}/x.ganport/"
    choices = {"format": "onnx", "polyphase": True, "weights": "fp16"}
    return Bundle.open(export(make(), interface, folder, **choices).path)


def test_export_with_polyphase_adds_a_verified_file(bundle):
    assert [(file.path, file.precision, file.form) for file in bundle.manifest.graphs[0].files] == [
        ("generator.onnx", "fp32", None),
        ("generator.phase.onnx", "fp32", "phase"),
    ]
    assert not [check for check in verify(bundle) if check.passed is False]
    card = bundle.read("MODEL_CARD.md").decode()
    assert "| `generator.phase.onnx` | onnx, fp32, phase |" in card
    measured = bundle.manifest.parity["graphs"]
    assert measured["generator.phase.onnx"].keys() == measured["generator.onnx"].keys()
    polyphase = onnx.load_from_string(bundle.read("generator.phase.onnx"))
    assert "ConvTranspose" not in operators(polyphase)
    assert "ConvTranspose" in operators(onnx.load_from_string(bundle.read("generator.onnx")))


def test_export_with_polyphase_and_fp16_weights_stores_float16(bundle):
    polyphase = onnx.load_from_string(bundle.read("generator.phase.onnx"))
    halves = [t.name for t in polyphase.graph.initializer if t.data_type == TensorProto.FLOAT16]
    assert halves == ["stem.weight.stored", "convolution/weight.stored"]


@pytest.mark.skipif(not find_spec("openvino"), reason="openvino is not installed")
def test_openvino_uses_the_polyphase_file_and_the_cpu_the_other(bundle, tmp_path):
    expected = Generator.load(bundle.path, device="cpu").generate(seed=1, count=9).astype(int)
    path = shutil.copytree(bundle.path, tmp_path / "x.ganport")
    (path / "generator.onnx").write_bytes(b"corrupt")
    images = Generator.load(path, device="openvino").generate(seed=1, count=9)
    assert np.abs(images - expected).max() <= 1
    with pytest.raises(BundleError, match=r"generator\.onnx"):
        Generator.load(path, device="cpu")


def test_onnx_without_form_returns_the_plain_file(bundle):
    assert bundle.find_onnx("gan.generate/1")[1].path == "generator.onnx"
    assert Generator.load(bundle.path, device="cpu").generate(seed=1).shape == (1, 8, 8, 3)
