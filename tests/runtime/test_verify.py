from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from safetensors.numpy import load, save

from ganport_runtime import verify as module
from ganport_runtime.bundle import Bundle
from ganport_runtime.bundle.manifest import GraphFile, Image
from ganport_runtime.child_process import python_module
from ganport_runtime.errors import BundleError, MissingExtraError
from ganport_runtime.files import sha256_of
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.verify import Check, check_graphs, compare, verify

FP32, FP16 = GraphFile("a.onnx", "onnx", "fp32"), GraphFile("b.onnx", "onnx", "fp16")


def failed(path: Path) -> dict[str, str]:
    return {check.name: check.detail for check in verify(Bundle.open(path)) if not check.passed}


def test_valid_bundle_passes_every_check(tiny: Any) -> None:
    checks = list(verify(Bundle.open(tiny.path)))
    assert [check.name for check in checks if check.passed] == [
        "digest of MODEL_CARD.md",
        "digest of fixtures.safetensors",
        "digest of generator.onnx",
        "listed files",
        "SHA256SUMS",
        "graph generator.onnx",
        "metadata of generator.onnx",
        "fixtures of generator.onnx",
    ]
    assert len(checks) == 8
    assert not failed(tiny.zipped())


@pytest.mark.parametrize("name", ["tiny-float.ganport", "tiny.onnx", "tiny-unconditional.onnx"])
def test_other_containers_pass_every_check(data: Path, name: str) -> None:
    assert not failed(data / name)


def test_changed_file_fails_its_digest(tiny: Any) -> None:
    (tiny.path / "MODEL_CARD.md").write_text(
        "another card, as long as the old one was, to a letter\n"
    )
    assert set(failed(tiny.path)) == {"digest of MODEL_CARD.md"}


def test_missing_file_fails_its_digest(tiny: Any) -> None:
    (tiny.path / "generator.onnx").unlink()
    assert set(failed(tiny.path)) == {"digest of generator.onnx", "graph generator.onnx"}


def test_unlisted_file_fails(tiny: Any) -> None:
    (tiny.path / "virus\x1b.exe").touch()
    assert "virus\\x1b.exe" in failed(tiny.path)["listed files"]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("generator.onnx", "generator2.onnx"),
        lambda text: text.replace("a", "b"),
        lambda text: text[: len(text) // 2],
        lambda text: "",
    ],
)
def test_incomplete_sums_fail(tiny: Any, change: Any) -> None:
    sums = tiny.path / "SHA256SUMS"
    sums.write_text(change(sums.read_text()))
    assert set(failed(tiny.path)) == {"SHA256SUMS"}


def test_sums_are_sanitized_in_messages(tiny: Any) -> None:
    (tiny.path / "SHA256SUMS").write_text("\x1b[2J  \x1b[1A\n")
    assert failed(tiny.path)["SHA256SUMS"].isprintable()


def test_changed_manifest_fails_the_sums(tiny: Any) -> None:
    stated = sha256_of(tiny.path / "manifest.json")
    tiny.edit(
        lambda value: value["conditions"][0].update(labels=["pink", "dark", "red"], default="red")
    )
    problems = failed(tiny.path)
    assert set(problems) == {"SHA256SUMS", "metadata of generator.onnx"}
    found = sha256_of(tiny.path / "manifest.json")
    assert f"manifest.json: expected SHA-256 {stated}; found {found}." in problems["SHA256SUMS"]


def test_graph_with_another_embedded_interface_fails(tiny: Any) -> None:
    tiny.rewrite("generator.onnx", lambda data: data.replace(b"condition", b"conditiox"))
    problems = failed(tiny.path)
    assert "inputs: expected z" in problems["graph generator.onnx"]


def change_fixtures(tiny: Any, change: Any) -> None:
    def rewritten(data: bytes) -> bytes:
        tensors = load(data)
        change(tensors)
        return save(tensors)

    tiny.rewrite("fixtures.safetensors", rewritten)


def test_changed_output_fails_the_fixtures(tiny: Any) -> None:
    def move(tensors: dict[str, Any]) -> None:
        image = tensors["generator.onnx/n3/image"].copy()
        image[0, 0, 0, 0] = 255 - image[0, 0, 0, 0]
        tensors["generator.onnx/n3/image"] = image

    change_fixtures(tiny, move)
    problems = failed(tiny.path)
    assert set(problems) == {"fixtures of generator.onnx"}
    assert "within 1 level" in problems["fixtures of generator.onnx"]


@pytest.mark.parametrize("name", ["generator.onnx/n3/z", "generator.onnx/n1/image"])
def test_missing_fixture_fails(tiny: Any, name: str) -> None:
    change_fixtures(tiny, lambda tensors: tensors.pop(name))
    assert f"the tensor {name}; found none" in failed(tiny.path)["fixtures of generator.onnx"]


def test_fixture_of_another_shape_fails(tiny: Any) -> None:
    name = "generator.onnx/n1/z"
    change_fixtures(tiny, lambda tensors: tensors.update({name: tensors[name].astype(np.float64)}))
    assert "one of F32, U8; found 'F64'" in failed(tiny.path)["fixtures of generator.onnx"]


@pytest.mark.parametrize("data", [b"", b"garbage!", b"\xff" * 8, b'\x08\0\0\0\0\0\0\0{"a":1}x'])
def test_damaged_fixtures_fail(tiny: Any, data: bytes) -> None:
    tiny.rewrite("fixtures.safetensors", lambda _: data)
    assert "fixtures.safetensors: expected" in failed(tiny.path)["fixtures of generator.onnx"]


def test_fixture_of_another_count_fails(tiny: Any) -> None:
    name = "generator.onnx/n1/z"
    change_fixtures(tiny, lambda tensors: tensors.update({name: tensors[name][:, :3].copy()}))
    assert "float32 (1, 4); found float32 (1, 3)" in failed(tiny.path)["fixtures of generator.onnx"]


def test_translator_passes_every_check(tiny_translator: Any) -> None:
    assert not failed(tiny_translator.path)


def test_flow_passes_with_encoder_and_directions(tiny_flow: Any) -> None:
    names = [check.name for check in verify(Bundle.open(tiny_flow.path)) if check.passed]
    assert names[-4:] == [
        "graph encoder.onnx",
        "metadata of encoder.onnx",
        "fixtures of encoder.onnx",
        "content of directions.safetensors",
    ]
    assert not failed(tiny_flow.path)


def test_changed_noise_fails_the_fixtures(tiny_flow: Any) -> None:
    def move(tensors: dict[str, Any]) -> None:
        tensors["encoder.onnx/n3/z"] = tensors["encoder.onnx/n3/z"] + np.float32(0.01)

    change_fixtures(tiny_flow, move)
    problems = failed(tiny_flow.path)
    assert set(problems) == {"fixtures of encoder.onnx"}
    assert "within 1.0e-05; found 1.00e-02 away" in problems["fixtures of encoder.onnx"]


def test_directions_of_another_shape_fail(tiny_flow: Any) -> None:
    tiny_flow.rewrite(
        "directions.safetensors", lambda _: save({"face/young": np.zeros((3, 8), np.float32)})
    )
    problems = failed(tiny_flow.path)
    assert set(problems) == {"content of directions.safetensors"}
    assert "expected float32 (3, 8, 8)" in problems["content of directions.safetensors"]


def images(*levels: float, dtype: str = "uint8") -> Any:
    return np.array(levels, dtype)


@pytest.mark.parametrize(
    ("found", "expected", "file", "good"),
    [
        (images(10, 20), images(11, 19), FP32, True),
        (images(10, 20), images(12, 20), FP32, False),
        (images(0), images(255), FP32, False),
        (images(*[10] * 1000), images(*[10] * 999, 12), FP16, True),
        (images(*[10] * 1000), images(*[10] * 998, 12, 12), FP16, False),
        (images(10), images(13), FP16, False),
        (images(0.5, dtype="float32"), images(0.5005, dtype="float32"), FP32, True),
        (images(0.5, dtype="float32"), images(0.502, dtype="float32"), FP32, False),
        (images(np.nan, dtype="float32"), images(0.5, dtype="float32"), FP32, False),
        (images(0.5, dtype="float32"), images(0.505, dtype="float32"), FP16, True),
        (images(1, 2), images(1), FP32, False),
    ],
)
def test_compare_accepts_only_outputs_within_the_limit(
    found: Any, expected: Any, file: GraphFile, good: bool
) -> None:
    if good:
        compare(found, expected, file, {})
    else:
        with pytest.raises(BundleError):
            compare(found, expected, file, {})


@pytest.mark.parametrize("limit", [1e-4, 1, True, "1", None])
def test_parity_limit_can_only_tighten_the_limit(limit: object) -> None:
    near, far = images(0.5, dtype="float32"), images(0.5005, dtype="float32")
    if limit == 1e-4:
        with pytest.raises(BundleError, match=r"within 1\.0e-04"):
            compare(near, far, FP32, {"limit": limit})
    else:
        compare(near, far, FP32, {"limit": limit})
        with pytest.raises(BundleError, match=r"within 1\.0e-03"):
            compare(near, far + np.float32(0.01), FP32, {"limit": limit})


SPRITE = Image(ImageFormat((20, 50), "rgba", palette=("#000000",)))


@pytest.mark.parametrize(
    ("file", "wrong", "image", "good"),
    [
        (FP32, 2, SPRITE, True),  # 0.1 % of 2000 pixels
        (FP32, 3, SPRITE, False),
        (FP16, 20, SPRITE, True),
        (FP16, 21, SPRITE, False),
        (FP32, 1, Image(ImageFormat((20, 50), "rgba"), "signed"), False),
        (FP32, 1, None, False),
    ],
)
def test_compare_accepts_few_pixels_of_a_discrete_image(
    file: GraphFile, wrong: int, image: Image | None, good: bool
) -> None:
    expected = np.zeros((2, 20, 50, 4), np.uint8)
    found = expected.copy()
    found.reshape(-1, 4)[:wrong] = 255
    if good:
        assert compare(found, expected, file, {}, image)
    else:
        with pytest.raises(BundleError):
            compare(found, expected, file, {}, image)


@pytest.mark.parametrize(("levels", "good"), [(0.9, True), (1.1, False)])
@pytest.mark.parametrize("file", [FP32, FP16])
def test_compare_allows_a_level_of_divided_colors(
    file: GraphFile, levels: float, good: bool
) -> None:
    image = Image(ImageFormat((20, 50), "rgba"), "unit")
    expected = np.zeros((2, 4, 20, 50), np.float32)
    found = expected + np.float32(levels / 255)
    if good:
        assert "levels" in compare(found, expected, file, {"limit": 1e-5}, image)
    else:
        with pytest.raises(BundleError):
            compare(found, expected, file, {"limit": 1e-5}, image)


def test_compare_of_a_discrete_image_refuses_nan() -> None:
    expected = np.zeros((2, 4, 20, 50), np.float32)
    found = expected.copy()
    found[0, 0, 0, 0] = np.nan
    with pytest.raises(BundleError):
        compare(found, expected, FP32, {}, Image(SPRITE.format, "unit"))


def test_graph_that_is_forbidden_fails_with_the_node(tiny: Any) -> None:
    def add_loop(data: bytes) -> bytes:
        model = onnx.load_from_string(data)
        model.graph.node.append(helper.make_node("Loop", ["z"], ["never"]))
        result: bytes = model.SerializeToString()
        return result

    tiny.rewrite("generator.onnx", add_loop)
    assert "the node Loop" in failed(tiny.path)["graph generator.onnx"]


def test_graph_that_runs_too_long_is_ended(tiny: Any) -> None:
    """Each of these products is allowed, and together they take longer than the test allows."""

    def add_products(data: bytes) -> bytes:
        model = onnx.load_from_string(data)
        name = next(tensor.name for tensor in model.graph.input)
        model.graph.initializer.append(numpy_helper.from_array(np.ones((4, 4096), "f4"), "wide"))
        model.graph.initializer.append(numpy_helper.from_array(np.ones((4096, 4), "f4"), "high"))
        nodes = [helper.make_node("MatMul", [name, "wide"], ["t0"])]
        nodes += [helper.make_node("Tanh", [f"t{i}"], [f"t{i + 1}"]) for i in range(40_000)]
        nodes += [helper.make_node("MatMul", ["t40000", "high"], ["unused"])]
        model.graph.node.extend(nodes)
        result: bytes = model.SerializeToString()
        return result

    tiny.rewrite("generator.onnx", add_products)
    checks = list(verify(Bundle.open(tiny.path), timeout=0.5))
    (last,) = [check for check in checks if check.name == "graphs"]
    assert last.passed is False
    assert "no answer in 0.5 seconds" in last.detail


def test_graph_that_needs_more_memory_than_allowed_fails(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add_large_tensor(data: bytes) -> bytes:
        model = onnx.load_from_string(data)
        wanted = numpy_helper.from_array(np.array([2**27], np.int64), "wanted")
        model.graph.initializer.append(wanted)
        model.graph.node.append(helper.make_node("ConstantOfShape", ["wanted"], ["large"]))
        model.graph.node.append(helper.make_node("Exp", ["large"], ["never"]))
        result: bytes = model.SerializeToString()
        return result

    tiny.rewrite("generator.onnx", add_large_tensor)
    monkeypatch.setattr(module, "MEMORY", 2**28)
    assert failed(tiny.path)


def test_child_without_onnxruntime_raises_with_the_package(
    tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "onnxruntime.py").write_text("raise ImportError('not here')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtraError, match="onnxruntime"):
        list(verify(Bundle.open(tiny.path)))


def test_answers_of_a_child_that_are_no_checks_are_ignored(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trusted code may print anything."""
    command = (*python_module("json.tool")[:-2], "-c", "print('{\"name\": 1}\\n[1]\\n{}')")
    monkeypatch.setattr(module, "python_module", lambda name: command)
    assert "graphs" not in {check.name for check in verify(Bundle.open(tiny.path))}


def refuses(bundle: Bundle) -> Iterable[Check]:
    raise BundleError("here", expected="one", found="another", fix="Export again.")


def lacks(bundle: Bundle) -> Iterable[Check]:
    raise MissingExtraError("extra", expected="torch", found="none", fix="Install it.")


@pytest.mark.parametrize(
    ("name", "passed"), [("refuses", False), ("lacks", None), ("missing", None)]
)
def test_checks_of_other_packages_run_only_with_trust(
    tiny: Any, monkeypatch: pytest.MonkeyPatch, name: str, passed: bool | None
) -> None:
    class Entry:
        module = "ganport_export.formats.torchscript"

        @property
        def name(self) -> str:
            return name

        def load(self) -> Any:
            if name == "missing":
                raise ModuleNotFoundError("No module named 'torch'", name="torch")
            return globals()[name]

    def entries(group: str) -> Iterator[Entry]:
        yield Entry()

    monkeypatch.setattr(module, "entry_points", entries)
    bundle = Bundle.open(tiny.path)
    assert name not in {check.name for check in check_graphs(bundle, trust_code=False)}
    last = list(check_graphs(bundle, trust_code=True))[-1]
    assert (last.name, last.passed) == (name, passed)
    if name == "missing":
        assert "pip install 'ganport[export]'" in last.detail


def test_exported_program_is_not_read(tiny: Any) -> None:
    def add_program(manifest: dict[str, Any]) -> None:
        entry = {"path": "MODEL_CARD.md", "role": "pt2", "precision": "fp32"}
        manifest["graphs"][0]["files"].append(entry)

    tiny.edit(add_program)
    tiny.sign()
    checks = {check.name: check for check in verify(Bundle.open(tiny.path))}
    assert checks["code of MODEL_CARD.md"].passed is None
    assert "--trust-code" in checks["code of MODEL_CARD.md"].detail
    assert not [check for check in checks.values() if check.passed is False]
