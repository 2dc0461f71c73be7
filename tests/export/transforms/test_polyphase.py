import shutil
from importlib.util import find_spec

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from ganport_export import OptionError, UnsupportedError, export
from ganport_export.formats.onnx_graph import serialized
from ganport_export.transforms.polyphase import in_phases
from ganport_runtime import Bundle, Generator
from ganport_runtime.bundle.verify import verify
from ganport_runtime.errors import BundleError

INPUTS = 2


def graph_of(
    *, kernel=(4, 4), outputs=3, size=(3, 4), bias=True, after=(), seed=0, **attributes
) -> onnx.ModelProto:
    """One transposed convolution with small whole weights, and what follows it."""
    rng = np.random.default_rng(seed)
    arrays = {"w": rng.integers(-9, 9, (INPUTS, outputs, *kernel)).astype(np.float32)}
    arrays |= {"b": rng.integers(-9, 9, outputs).astype(np.float32)} if bias else {}
    names = ["y", *after]
    settings = {"strides": [2, 2], "kernel_shape": list(kernel)} | attributes
    nodes = [helper.make_node("ConvTranspose", ["x", *arrays], ["y"], "up", **settings)]
    for name, kind in zip(names, after, strict=False):
        nodes.append(helper.make_node(kind, [name], [kind], kind))
    whole = ["batch", INPUTS, *size]
    graph = helper.make_graph(
        nodes,
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, whole)],
        [helper.make_tensor_value_info(names[-1], TensorProto.FLOAT, ["batch", outputs, "h", "w"])],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def drawn(model: onnx.ModelProto, size=(3, 4)) -> np.ndarray:
    onnx.checker.check_model(model, full_check=True)
    x = np.random.default_rng(1).integers(-9, 9, (2, INPUTS, *size)).astype(np.float32)
    return onnxruntime.InferenceSession(serialized(model)).run(None, {"x": x})[0]


def kinds(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize(
    ("kernel", "pads", "extra"),
    [(4, 1, 0), (5, 2, 1), (3, 1, 1), (2, 0, 0), (6, 2, 0), (3, 0, 0), (1, 0, 1), (7, 1, 1)],
)
@pytest.mark.parametrize("outputs", [3, 16])
def test_whole_numbers_come_out_the_same(kernel, pads, extra, outputs):
    full = graph_of(
        kernel=(kernel, kernel), outputs=outputs, pads=[pads] * 4, output_padding=[extra] * 2
    )
    phased = in_phases(full, "graph")
    assert "ConvTranspose" not in kinds(phased)
    assert np.array_equal(drawn(phased), drawn(full))


@settings(max_examples=25, deadline=None)
@given(
    kernel=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    pads=st.lists(st.integers(0, 3), min_size=4, max_size=4),
    extra=st.lists(st.integers(0, 1), min_size=2, max_size=2),
    outputs=st.sampled_from([1, 16]),
    bias=st.booleans(),
)
def test_any_padding_is_kept_or_left_alone(kernel, pads, extra, outputs, bias):
    # Something is left of 2 * (3 - 1) + kernel pixels; ONNX has no empty pictures.
    assume(all(4 + kernel[i] - pads[i] - pads[2 + i] + extra[i] > 0 for i in (0, 1)))
    choices = {"kernel": kernel, "outputs": outputs, "bias": bias}
    full = graph_of(**choices, pads=pads, output_padding=extra)
    try:
        phased = in_phases(full, "graph")
    except UnsupportedError:
        assert any(kernel[i] - pads[2 + i] + extra[i] > 2 * -(-kernel[i] // 2) for i in (0, 1))
        return
    assert np.array_equal(drawn(phased), drawn(full))


def test_many_channels_are_four_convolutions_of_a_quarter_of_the_kernel():
    phased = in_phases(graph_of(outputs=16, pads=[1] * 4), "graph")
    assert kinds(phased) == ["Conv"] * 4 + ["Concat", "DepthToSpace"]
    shapes = [tuple(tensor.dims) for tensor in phased.graph.initializer]
    assert shapes == [(16,), *[(16, INPUTS, 2, 2)] * 4]


def test_few_channels_are_one_convolution_with_a_border_cut_off():
    phased = in_phases(graph_of(outputs=3, pads=[1] * 4), "graph")
    assert kinds(phased) == ["Conv", "DepthToSpace", "Slice"]
    assert tuple(phased.graph.initializer[0].dims) == (12, INPUTS, 2, 2)


@pytest.mark.parametrize("outputs", [3, 16])
def test_an_activation_comes_before_the_interleaving(outputs):
    full = graph_of(outputs=outputs, pads=[1] * 4, after=("Relu", "Neg"))
    phased = in_phases(full, "graph")
    assert kinds(phased)[-1] == "Neg"
    assert kinds(phased).index("DepthToSpace") > max(
        place for place, kind in enumerate(kinds(phased)) if kind == "Relu"
    )
    assert np.array_equal(drawn(phased), drawn(full))


def test_an_activation_beside_another_reader_stays():
    full = graph_of(pads=[1] * 4, after=("Relu",))
    full.graph.node.append(helper.make_node("Add", ["Relu", "y"], ["sum"]))
    full.graph.output[0].name = "sum"
    phased = in_phases(full, "graph")
    assert kinds(phased) == ["Conv", "DepthToSpace", "Slice", "Relu", "Add"]
    assert np.array_equal(drawn(phased), drawn(full))


@pytest.mark.parametrize("pads", [[0] * 4, [1, 0, 0, 2]])
def test_a_single_pixel_is_spread_by_a_matrix_product(pads):
    full = graph_of(size=(1, 1), strides=[1, 1], pads=pads)
    phased = in_phases(full, "graph")
    assert kinds(phased) == ["Flatten", "Gemm", "Reshape"]
    assert np.array_equal(drawn(phased, (1, 1)), drawn(full, (1, 1)))


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
def test_other_layers_stay_and_a_graph_of_them_is_refused(other):
    with pytest.raises(UnsupportedError) as refused:
        in_phases(graph_of(**other), "generator")
    assert str(refused.value) == (
        "generator: expected a network with transposed convolutions of stride 2; "
        "found none that can be rewritten. Leave --phase out."
    )
    assert refused.value.exit_code == 3


def test_the_graph_that_was_given_is_untouched():
    full = graph_of(pads=[1] * 4, after=("Relu",))
    before = serialized(full)
    in_phases(full, "graph")
    assert serialized(full) == before


def test_phases_need_onnx(make, interface, tmp_path):
    with pytest.raises(OptionError, match="phase: expected a format with ONNX; found format torch"):
        export(make(), interface, tmp_path / "x.ganport", format="torchscript", phase=True)


@pytest.fixture(scope="module")
def bundle(make, interface, tmp_path_factory) -> Bundle:
    folder = f"{tmp_path_factory.mktemp('phase')}/x.ganport/"
    choices = {"format": "onnx", "phase": True, "weights": "fp16"}
    return Bundle.open(export(make(), interface, folder, **choices).path)


def test_the_file_passes_every_gate_beside_the_other(bundle):
    assert [(file.path, file.precision, file.form) for file in bundle.manifest.graphs[0].files] == [
        ("generator.onnx", "fp32", None),
        ("generator.phase.onnx", "fp32", "phase"),
    ]
    assert not [check for check in verify(bundle) if check.passed is False]
    card = bundle.read("MODEL_CARD.md").decode()
    assert "| `generator.phase.onnx` | onnx, fp32, phase |" in card
    measured = bundle.manifest.parity["graphs"]
    assert measured["generator.phase.onnx"].keys() == measured["generator.onnx"].keys()
    phased = onnx.load_from_string(bundle.read("generator.phase.onnx"))
    assert "ConvTranspose" not in kinds(phased)
    assert "ConvTranspose" in kinds(onnx.load_from_string(bundle.read("generator.onnx")))


def test_rounded_weights_lie_in_half_the_bytes_there_too(bundle):
    phased = onnx.load_from_string(bundle.read("generator.phase.onnx"))
    halves = [t.name for t in phased.graph.initializer if t.data_type == TensorProto.FLOAT16]
    assert halves == ["stem.weight.stored", "convolution/weight.stored"]


@pytest.mark.skipif(not find_spec("openvino"), reason="openvino is not installed")
def test_openvino_draws_with_the_one_and_the_cpu_with_the_other(bundle, tmp_path):
    usual = Generator.load(bundle.path, device="cpu").generate(seed=1, count=9).astype(int)
    path = shutil.copytree(bundle.path, tmp_path / "x.ganport")
    (path / "generator.onnx").write_bytes(b"spoilt")
    drawn = Generator.load(path, device="openvino").generate(seed=1, count=9)
    assert np.abs(drawn - usual).max() <= 1
    with pytest.raises(BundleError, match=r"generator\.onnx"):
        Generator.load(path, device="cpu")


def test_a_reader_that_asks_for_no_form_takes_the_usual_graph(bundle):
    assert bundle.onnx("gan.generate/1")[1].path == "generator.onnx"
    assert Generator.load(bundle.path, device="cpu").generate(seed=1).shape == (1, 8, 8, 3)
