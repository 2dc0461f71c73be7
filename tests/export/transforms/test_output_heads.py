import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from onnx import TensorProto, helper

from ganport_export.artifact import onnx_runners
from ganport_export.formats.onnx import serialize
from ganport_export.test_inputs import InputBatch
from ganport_export.transforms.onnx_heads import add_head
from ganport_export.transforms.output_heads import OutputHead, chooses
from ganport_runtime.bundle.graph_check import check_graph
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.images.pixels import to_uint8

SIZE = (4, 5)
PICO = ("#000000", "#1d2b53", "#7e2553", "#008751", "#ff004d", "#ffec27", "#29adff", "#fff1e8")
GRAYS = tuple(f"#{level:02x}{level:02x}{level:02x}" for level in range(0, 256, 3))
FORMATS = {
    "gray": ImageFormat(SIZE, "gray"),
    "rgb": ImageFormat(SIZE),
    "rgba": ImageFormat(SIZE, "rgba"),
    "binary": ImageFormat(SIZE, "rgba", alpha_levels=2),
    "palette": ImageFormat(SIZE, "rgb", palette=PICO),
    "sprites": ImageFormat(SIZE, "rgba", palette=PICO, alpha_levels=2),
    "many": ImageFormat(SIZE, "rgba", palette=GRAYS),
}
VALUES = st.floats(-1.5, 1.5, width=32) | st.integers(-127, 127).map(
    lambda level: float(np.float32(level / 127.5))
)


def copying_graph(channels: int, opset: int = 18) -> onnx.ModelProto:
    """Return a graph that copies z (batch, C, 4, 5) to `image`."""
    tensors = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", channels, *SIZE])
        for name in ("z", "image")
    ]
    node = helper.make_node("Identity", ["z"], ["image"])
    body = helper.make_graph([node], "body", tensors[:1], tensors[1:])
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


@pytest.fixture(scope="module", params=FORMATS)
def image(request) -> ImageFormat:
    return FORMATS[request.param]


@pytest.fixture(scope="module", params=["uint8", "unit"])
def head(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def runners(image, head):
    final = add_head(copying_graph(image.channels), image, head)
    return list(onnx_runners(serialize(final), "graph").values())


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_heads_of_every_format_equal_the_runtime(image, head, runners, data):
    planes = data.draw(arrays(np.float32, (2, image.channels, *SIZE), elements=VALUES))
    expected = to_uint8(planes, image)
    script = OutputHead(image, head)(torch.from_numpy(planes.copy())).numpy()
    outputs = [script, *(runner(InputBatch({"z": planes})) for runner in runners)]
    for output in outputs:
        pixels = output if head == "uint8" else to_uint8(output, image, "unit")
        assert np.array_equal(pixels, expected)
        if head == "unit":
            assert output.min() >= 0.0 and output.max() <= 1.0


def test_head_is_a_valid_copy_that_a_runtime_accepts(image, head):
    graph = copying_graph(image.channels)
    before = serialize(graph)
    final = add_head(graph, image, head)
    onnx.checker.check_model(final, full_check=True)
    check_graph(serialize(final), "graph")
    assert serialize(graph) == before
    output = final.graph.output[0].type.tensor_type
    is_uint8 = head == "uint8"
    assert output.elem_type == (TensorProto.UINT8 if is_uint8 else TensorProto.FLOAT)
    dims = [dim.dim_param or dim.dim_value for dim in output.shape.dim]
    assert dims == (
        ["batch", 4, 5, image.channels] if is_uint8 else ["batch", image.channels, 4, 5]
    )


def test_head_is_the_same_under_opset_15(image, head, runners):
    final = add_head(copying_graph(image.channels, opset=15), image, head)
    onnx.checker.check_model(final, full_check=True)
    planes = np.random.default_rng(0).normal(size=(3, image.channels, *SIZE)).astype(np.float32)
    batch = InputBatch({"z": planes})
    older = onnx_runners(serialize(final), "graph")
    for runner in older.values():
        assert np.array_equal(runner(batch), runners[0](batch))


def test_float_head_returns_its_input():
    graph = copying_graph(4)
    assert serialize(add_head(graph, FORMATS["rgba"], "float")) == serialize(graph)
    planes = torch.randn(1, 4, *SIZE)
    assert OutputHead(FORMATS["rgba"], "float")(planes) is planes


def test_uint8_head_of_range_limits_and_middle():
    values = torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0]).view(1, 1, 1, 5).expand(1, 3, 1, 5)
    head = OutputHead(ImageFormat((1, 5)), "uint8")
    assert head(values)[0, 0, :, 0].tolist() == [0, 0, 128, 255, 255]
    assert head(values).is_contiguous()


def test_rgba_head_divides_and_hides_the_color_of_invisible_pixels():
    """Half-transparent white is premultiplied 0.5, and has no fringe over any background."""
    pixels = [(0.5, 0.5, 0.5, 0.5), (1.0, 0.0, 0.0, 1.0), (0.3, 0.3, 0.3, 0.0)]
    planes = torch.tensor(pixels).T.reshape(1, 4, 1, 3) * 2 - 1
    rgba = ImageFormat((1, 3), "rgba")
    found = OutputHead(rgba, "uint8")(planes)[0, 0].tolist()
    assert found == [[255, 255, 255, 128], [255, 0, 0, 255], [0, 0, 0, 0]]
    unit = OutputHead(rgba, "unit")(planes)[0, :, 0].T.tolist()
    assert unit == [[1.0, 1.0, 1.0, 0.5], [1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]]


def test_palette_head_takes_the_lowest_index_of_equally_near_colors():
    """The level 2 is as far from 0 as from 4, also across blocks of the palette."""
    far = [f"#{255 - index:02x}ffff" for index in range(60)]
    level = 2 / 127.5 - 1 + 1e-4
    for palette in (["#000000", "#040404"], ["#040404", "#000000"]):
        colors = (*far[:20], palette[0], *far[20:], palette[1])
        image = ImageFormat((1, 1), palette=tuple(colors))
        expected = int(palette[0][1:3], 16)
        assert OutputHead(image, "uint8")(torch.full((1, 3, 1, 1), level)).unique() == expected


@pytest.mark.parametrize(("name", "expected"), [("gray", False), ("rgb", False), ("rgba", True)])
def test_chooses_is_true_for_heads_that_divide_or_choose(name, expected):
    assert chooses(FORMATS[name]) is expected
    assert chooses(FORMATS["palette"])
