"""Checks of the files, graphs and fixtures of a bundle."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from safetensors.numpy import load, save

from ganport_runtime import verify as module
from ganport_runtime.bundle import Bundle
from ganport_runtime.files import sha256_of
from ganport_runtime.verify import verify


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


def test_graph_that_is_forbidden_fails_with_the_node(tiny: Any) -> None:
    def add_loop(data: bytes) -> bytes:
        model = onnx.load_from_string(data)
        model.graph.node.append(helper.make_node("Loop", ["z"], ["never"]))
        result: bytes = model.SerializeToString()
        return result

    tiny.rewrite("generator.onnx", add_loop)
    assert "the node Loop" in failed(tiny.path)["graph generator.onnx"]


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
