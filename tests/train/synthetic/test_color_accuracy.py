"""`eval-gan colours` on bundles that draw, word for word, what they were given."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from ganport_runtime.bundle.manifest import (
    METADATA_KEY,
    BatchLimits,
    Graph,
    GraphFile,
    Image,
    Manifest,
    Noise,
    Tensor,
)
from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import BundleError, RequestError
from ganport_train.cli.eval import eval_gan
from ganport_train.synthetic.color_accuracy import Agreement, agreement, drawn
from ganport_train.synthetic.faces import draw_face
from ganport_train.synthetic.palette import EYES, HAIR

onnx = pytest.importorskip("onnx")

SIDE = 48
PAIRS = list(product(HAIR, EYES))
FACES = {"hair": list(HAIR), "eyes": list(EYES)}
Write = Callable[..., Path]


def picture_book(pictures: NDArray[np.uint8], labels: dict[str, list[str]]) -> bytes:
    """A lone .onnx that answers hair i and eyes j with picture i * len(eyes) + j."""
    height, width = pictures.shape[1:3]
    hair, eyes = len(labels["hair"]), len(next(v for k, v in labels.items() if k != "hair"))
    helper, dtypes = onnx.helper, onnx.TensorProto
    conditions = Conditions.one_hots(labels)
    graph = Graph(
        "gan.generate/1",
        (
            Tensor("z", "float32", ("batch", 2)),
            Tensor("condition", "float32", ("batch", conditions.size)),
        ),
        Tensor("image", "uint8", ("batch", height, width, 3)),
        (GraphFile("book.onnx", "onnx", "fp32"),),
    )
    manifest = Manifest(
        name="book",
        version="1",
        family="test",
        graphs=(graph,),
        conditions=conditions,
        noise=Noise(),
        image=Image((height, width), (0, 255), "RGB", "uint8"),
        batch=BatchLimits(1, 64, 128),
        files={},
    )
    constants = {
        "sizes": np.array([hair, eyes], np.int64),
        "column": np.array([2], np.int64),
        "row": np.array([1], np.int64),
        "flat": np.array([-1, hair * eyes], np.int64),
        "frame": np.array([-1, height, width, 3], np.int64),
        "zero": np.float32(0),
        "book": pictures.reshape(len(pictures), -1).astype(np.float32),
    }
    nodes = [
        helper.make_node("Split", ["condition", "sizes"], ["hair", "eyes"], axis=1),
        helper.make_node("Unsqueeze", ["hair", "column"], ["tall"]),
        helper.make_node("Unsqueeze", ["eyes", "row"], ["broad"]),
        helper.make_node("Mul", ["tall", "broad"], ["pair"]),
        helper.make_node("Reshape", ["pair", "flat"], ["choice"]),
        helper.make_node("MatMul", ["choice", "book"], ["pixels"]),
        helper.make_node("ReduceSum", ["z", "row"], ["total"], keepdims=1),
        helper.make_node("Mul", ["total", "zero"], ["nothing"]),
        helper.make_node("Add", ["pixels", "nothing"], ["sum"]),
        helper.make_node("Reshape", ["sum", "frame"], ["levels"]),
        helper.make_node("Cast", ["levels"], ["image"], to=dtypes.UINT8),
    ]

    def value(tensor: Tensor) -> object:
        kind = dtypes.UINT8 if tensor.dtype == "uint8" else dtypes.FLOAT
        return helper.make_tensor_value_info(tensor.name, kind, tensor.shape)

    body = helper.make_graph(
        nodes,
        "book",
        [value(tensor) for tensor in graph.inputs],
        [value(graph.output)],
        [onnx.numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    )
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    helper.set_model_props(model, {METADATA_KEY: json.dumps(manifest.interface_json())})
    return bytes(model.SerializeToString())


def faces(pairs: Sequence[tuple[str, str]], side: int = SIDE) -> NDArray[np.uint8]:
    return np.stack([np.asarray(draw_face(900 + k, *p, side)) for k, p in enumerate(pairs)])


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("books") / "honest.onnx"
    path.write_bytes(picture_book(faces(PAIRS), FACES))
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(eval_gan, ["colours", *arguments, "--device", "cpu"])


def test_a_bundle_that_follows_scores_high(honest: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    result = run(str(honest), "--seeds", "2", "--drawn", "60", "--report", str(out))
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines() == [
        "1/2 drawing and measuring 240 pictures of honest.onnx",
        "2/2 drawing and measuring 60 fresh faces to compare with",
    ]
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["colour", "as", "asked", "hair", "eyes", "pictures"]
    assert lines[1].split()[0] == "generated" and lines[1].split()[-1] == "240"
    assert lines[2].split()[:2] == ["freshly", "drawn"] and lines[2].split()[-1] == "60"
    assert lines[3].startswith("worst hair: ") and lines[4].startswith("worst eyes: ")
    report = json.loads(out.read_text())
    assert report["generated"]["hair"]["share"] >= 0.99
    assert report["generated"]["eyes"]["share"] >= 0.97
    assert report["freshly_drawn"]["eyes"]["share"] >= 0.97
    assert (report["bundle"], report["size"], report["seeds"]) == ("honest.onnx", SIDE, 2)
    assert set(report["generated"]["hair"]["labels"]) == set(HAIR)


def test_a_bundle_that_swaps_two_colours_is_found_out(tmp_path: Path) -> None:
    swap = {"red": "blue", "blue": "red"}
    pairs = [(swap.get(hair, hair), eyes) for hair, eyes in PAIRS]
    (tmp_path / "swaps.onnx").write_bytes(picture_book(faces(pairs), FACES))
    result = run(str(tmp_path / "swaps.onnx"), "--seeds", "1", "--drawn", "1")
    assert result.exit_code == 0, result.output
    assert "generated          83.3%" in result.output
    worst = result.stdout.splitlines()[3]
    assert "red 0.0% (else blue)" in worst and "blue 0.0% (else red)" in worst


@pytest.mark.parametrize(
    ("labels", "side", "message"),
    [
        ({"hair": ["pink", "blue"], "eyes": list(EYES)}, 16, "kind one_hot, labels pink, blue"),
        ({"hair": list(HAIR), "mood": ["glad"]}, 16, "found the groups hair, mood"),
        (FACES, 8, "expected square pictures of 16 to 512 pixels; found 8 x 8"),
    ],
)
def test_bundles_that_cannot_be_measured(
    tmp_path: Path, labels: dict[str, list[str]], side: int, message: str
) -> None:
    count = int(np.prod([len(names) for names in labels.values()]))
    blank = np.zeros((count, side, side, 3), np.uint8)
    (tmp_path / "x.onnx").write_bytes(picture_book(blank, labels))
    result = run(str(tmp_path / "x.onnx"))
    assert isinstance(result.exception, BundleError)
    assert message in str(result.exception)


def test_a_report_that_cannot_be_written_is_refused_first(honest: Path, tmp_path: Path) -> None:
    result = run(str(honest), "--report", str(tmp_path / "report.txt"))
    assert isinstance(result.exception, RequestError)
    assert result.output == ""


def test_agreement_counts_labels_and_confusions() -> None:
    pairs = Counter({("red", "red"): 3, ("red", "pink"): 1, ("blue", "blue"): 4})
    part = Agreement(pairs)
    assert part.share == 7 / 8
    assert list(part.labels().items()) == [("red", 0.75), ("blue", 1.0)]
    assert (part.mistaken_for("red"), part.mistaken_for("blue")) == ("pink", "blue")
    assert part.to_json()["confusions"] == [{"asked": "red", "measured": "pink", "pictures": 1}]


def test_every_picture_is_counted_once() -> None:
    parts = agreement(drawn(125, 32))
    assert {name: part.pairs.total() for name, part in parts.items()} == {"hair": 125, "eyes": 125}
