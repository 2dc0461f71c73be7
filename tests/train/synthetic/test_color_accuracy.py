"""`eval-gan colors` on bundles with known images; color measurement on drawn faces."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from random import Random

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import ImageFilter

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
from ganport_runtime.errors import BundleError, GanportError, RequestError
from ganport_runtime.images.format import ImageFormat
from ganport_train.cli.eval import eval_gan
from ganport_train.synthetic import faces as faces_module
from ganport_train.synthetic.color_accuracy import (
    ColorAccuracy,
    draw_unseen_faces,
    measure_accuracy,
    measure_colors,
)
from ganport_train.synthetic.faces import draw_face
from ganport_train.synthetic.palette import EYES, HAIR

onnx = pytest.importorskip("onnx")

SIDE = 48
PAIRS = list(product(HAIR, EYES))
FACES = {"hair": list(HAIR), "eyes": list(EYES)}


def image_book(images: NDArray[np.uint8], labels: dict[str, list[str]]) -> bytes:
    """Return a single .onnx file that answers hair i and eyes j with image i * len(eyes) + j."""
    height, width = images.shape[1:3]
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
        image=Image(ImageFormat((height, width))),
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
        "book": images.reshape(len(images), -1).astype(np.float32),
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
    path.write_bytes(image_book(faces(PAIRS), FACES))
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(eval_gan, ["colors", *arguments, "--device", "cpu"])


def test_colors_command_correct_bundle_scores_high(honest: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    result = run(str(honest), "--seeds", "2", "--drawn", "60", "--report", str(out))
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[1].split()[0] == "generated" and lines[1].split()[-1] == "240"
    assert lines[2].split()[-1] == "60"
    assert lines[3].startswith("lowest hair: ") and lines[4].startswith("lowest eyes: ")
    report = json.loads(out.read_text())
    assert report["generated"]["hair"]["accuracy"] >= 0.99
    assert report["generated"]["eyes"]["accuracy"] >= 0.97
    assert report["reference"]["eyes"]["accuracy"] >= 0.97
    assert (report["bundle"], report["size"], report["seeds"]) == ("honest.onnx", SIDE, 2)
    assert set(report["generated"]["hair"]["labels"]) == set(HAIR)


def test_colors_command_finds_swapped_colors(tmp_path: Path) -> None:
    swap = {"red": "blue", "blue": "red"}
    pairs = [(swap.get(hair, hair), eyes) for hair, eyes in PAIRS]
    (tmp_path / "swaps.onnx").write_bytes(image_book(faces(pairs), FACES))
    result = run(str(tmp_path / "swaps.onnx"), "--seeds", "1", "--drawn", "1")
    assert result.exit_code == 0, result.output
    assert "generated          83.3%" in result.output
    lowest = result.stdout.splitlines()[3]
    assert "red 0.0% (mostly blue instead)" in lowest and "blue 0.0% (mostly red instead)" in lowest


@pytest.mark.parametrize(
    ("labels", "side", "message"),
    [
        ({"hair": ["pink", "blue"], "eyes": list(EYES)}, 16, "kind one_hot, labels pink, blue"),
        ({"hair": list(HAIR), "mood": ["glad"]}, 16, "found the groups hair, mood"),
        (FACES, 8, "found 8 x 8, rgb"),
    ],
)
def test_colors_command_unsupported_bundle_raises(
    tmp_path: Path, labels: dict[str, list[str]], side: int, message: str
) -> None:
    count = int(np.prod([len(names) for names in labels.values()]))
    blank = np.zeros((count, side, side, 3), np.uint8)
    (tmp_path / "x.onnx").write_bytes(image_book(blank, labels))
    result = run(str(tmp_path / "x.onnx"))
    assert isinstance(result.exception, BundleError)
    assert message in str(result.exception)


def test_colors_command_checks_report_path_first(honest: Path, tmp_path: Path) -> None:
    result = run(str(honest), "--report", str(tmp_path / "report.txt"))
    assert isinstance(result.exception, RequestError)
    assert result.output == ""


def test_color_accuracy_counts_labels_and_confusions() -> None:
    pairs = Counter({("red", "red"): 3, ("red", "pink"): 1, ("blue", "blue"): 4})
    part = ColorAccuracy(pairs)
    assert part.accuracy == 7 / 8
    assert list(part.by_label().items()) == [("red", 0.75), ("blue", 1.0)]
    assert (part.most_confused_with("red"), part.most_confused_with("blue")) == ("pink", "blue")
    assert part.to_json()["confusions"] == [{"requested": "red", "measured": "pink", "images": 1}]


def test_measure_accuracy_counts_every_image() -> None:
    parts = measure_accuracy(draw_unseen_faces(125, 32))
    assert {name: part.pairs.total() for name, part in parts.items()} == {"hair": 125, "eyes": 125}


Labels = dict[str, list[str]]


def draw_batch(count: int, size: int) -> tuple[NDArray[np.uint8], Labels]:
    batches = list(draw_unseen_faces(count, size))
    requests = [request for _, part in batches for request in part]
    labels = {name: [request[name] for request in requests] for name in ("hair", "eyes")}
    return np.concatenate([images for images, _ in batches]), labels


def shares(images: NDArray[np.uint8], asked: Labels) -> tuple[float, float]:
    measured = measure_colors(images)
    hair, eyes = (np.mean(np.array(measured[k]) == asked[k]) for k in ("hair", "eyes"))
    return float(hair), float(eyes)


@pytest.fixture(scope="module")
def fresh() -> tuple[NDArray[np.uint8], Labels]:
    return draw_batch(360, 64)


def test_measure_colors_drawn_faces(fresh: tuple[NDArray[np.uint8], Labels]) -> None:
    hair, eyes = shares(*fresh)
    assert hair >= 0.99
    assert eyes >= 0.99


@pytest.mark.parametrize(("size", "least"), [(32, 0.97), (48, 0.98), (96, 0.99), (128, 0.99)])
def test_measure_colors_other_sizes(size: int, least: float) -> None:
    hair, eyes = shares(*draw_batch(120, size))
    assert hair >= 0.99
    assert eyes >= least


def test_measure_colors_blurred_faces(fresh: tuple[NDArray[np.uint8], Labels]) -> None:
    images, asked = fresh
    soft = ImageFilter.GaussianBlur(0.7)
    blurred = np.stack([np.asarray(PilImage.fromarray(image).filter(soft)) for image in images])
    hair, eyes = shares(blurred, asked)
    assert hair >= 0.98
    assert eyes >= 0.97


def test_measure_colors_noisy_faces(fresh: tuple[NDArray[np.uint8], Labels]) -> None:
    images, asked = fresh
    noise = np.random.default_rng(1).normal(0, 8, images.shape)
    hair, eyes = shares(np.clip(images + noise, 0, 255).astype(np.uint8), asked)
    assert hair >= 0.98
    assert eyes >= 0.97


@pytest.mark.parametrize("background", sorted({*HAIR.values(), *EYES.values()}))
def test_measure_colors_ignores_background(
    background: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def plain(rng: Random) -> PilImage.Image:
        return PilImage.new("RGB", (8, 8), background)

    monkeypatch.setattr(faces_module, "sample_background", plain)
    asked = {"hair": list(HAIR), "eyes": [list(EYES)[k % 10] for k in range(12)]}
    pairs = zip(asked["hair"], asked["eyes"], strict=True)
    images = np.stack([np.asarray(draw_face(70 + k, *pair, 64)) for k, pair in enumerate(pairs)])
    assert measure_colors(images) == asked


def test_measure_colors_follows_pixels() -> None:
    images = np.stack(
        [np.asarray(draw_face(4, h, e, 64)) for h, e in (("pink", "green"), ("green", "pink"))]
    )
    assert measure_colors(images) == {"hair": ["pink", "green"], "eyes": ["green", "pink"]}


def test_measure_colors_does_not_depend_on_batch(fresh: tuple[NDArray[np.uint8], Labels]) -> None:
    images = fresh[0][:130]  # more than one batch
    whole = measure_colors(images)
    parts = [measure_colors(images[k : k + 1]) for k in (0, 64, 129)]
    assert [part["eyes"][0] for part in parts] == [whole["eyes"][k] for k in (0, 64, 129)]
    assert [part["hair"][0] for part in parts] == [whole["hair"][k] for k in (0, 64, 129)]


@pytest.mark.parametrize("level", [0, 128, 247, 255])
def test_measure_colors_without_face_returns_labels(level: int) -> None:
    measured = measure_colors(np.full((1, 64, 64, 3), level, np.uint8))
    assert measured["hair"][0] in HAIR
    assert measured["eyes"][0] in EYES


def test_measure_colors_empty_batch() -> None:
    assert measure_colors(np.empty((0, 64, 64, 3), np.uint8)) == {"hair": [], "eyes": []}


WRONG = [
    np.zeros((2, 64, 64, 3), np.float32),
    np.zeros((64, 64, 3), np.uint8),
    np.zeros((2, 3, 64, 64), np.uint8),
    np.zeros((2, 64, 32, 3), np.uint8),
    np.zeros((2, 8, 8, 3), np.uint8),
]


@pytest.mark.parametrize("images", WRONG, ids=lambda images: f"{images.dtype}{images.shape}")
def test_measure_colors_invalid_array_raises(images: NDArray[np.uint8]) -> None:
    with pytest.raises(GanportError, match=r"images: expected uint8 images \(N, S, S, 3\)"):
        measure_colors(images)
