import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganport_runtime.conditions import Conditions
from ganport_runtime.files import sha256_of
from ganport_runtime.images.format import ImageFormat
from ganport_train.evaluation.judge.network import JudgeNetwork
from ganport_train.evaluation.judge.storage import (
    METADATA,
    WEIGHTS,
    JudgeError,
    load_network,
    read_metadata,
    save_judge,
)

CONDITIONS = Conditions.one_hots({"hair": ["red", "blue"], "eyes": ["black", "green", "aqua"]})
FIELDS = {
    "conditions": CONDITIONS.to_json(),
    "resolution": 32,
    "width": 4,
    "settings": {"val_fraction": 0.1},
    "accuracy": {"hair": {"value": 0.96}, "eyes": {"value": 0.97}},
}
Fields = dict[str, Any]


@pytest.fixture
def judge(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_judge(tmp_path, JudgeNetwork(CONDITIONS.size, 4), FIELDS)
    return tmp_path


def change(judge: Path, **fields: object) -> None:
    """Replace fields of the metadata."""
    metadata = json.loads((judge / METADATA).read_text())
    (judge / METADATA).write_text(json.dumps(metadata | fields))


def replace_weights(judge: Path, data: bytes) -> None:
    """Write other weights, and metadata with their digest."""
    (judge / WEIGHTS).write_bytes(data)
    change(judge, weights={"size": len(data), "sha256": sha256_of(data)})


def load(judge: Path) -> JudgeNetwork:
    return load_network(judge, read_metadata(judge))


def test_save_judge_then_load_network_restores_the_weights(judge: Path) -> None:
    metadata = read_metadata(judge)
    assert (metadata.conditions, metadata.image, metadata.width) == (
        CONDITIONS,
        ImageFormat((32, 32)),
        4,
    )
    assert metadata.accuracy == {"hair": 0.96, "eyes": 0.97}
    assert metadata.val_fraction == 0.1
    assert metadata.digest == sha256_of(judge / METADATA)
    assert metadata.weights_sha256 == sha256_of(judge / WEIGHTS)
    torch.manual_seed(0)
    expected = JudgeNetwork(CONDITIONS.size, 4).state_dict()
    restored = load(judge).state_dict()
    assert restored.keys() == expected.keys()
    assert all(torch.equal(restored[name], expected[name]) for name in expected)


def test_read_metadata_of_schema_1_renames_the_settings(judge: Path) -> None:
    settings = {"held_out": 0.2, "batch": 64, "rate": 3e-3, "shift": 2, "seed": 7}
    change(judge, schema_version=1, settings=settings)
    metadata = read_metadata(judge)
    assert metadata.val_fraction == 0.2
    assert metadata.fields["settings"] == {
        "val_fraction": 0.2,
        "batch_size": 64,
        "learning_rate": 3e-3,
        "max_shift": 2,
        "seed": 7,
        "architecture": "residual",
    }


def test_judge_of_plain_blocks_is_restored(tmp_path: Path) -> None:
    network = JudgeNetwork(CONDITIONS.size, 4, architecture="plain")
    settings = {"val_fraction": 0.1, "architecture": "plain"}
    save_judge(tmp_path, network, FIELDS | {"settings": settings})
    restored = load(tmp_path).state_dict()
    expected = network.state_dict()
    assert restored.keys() == expected.keys()
    assert all(torch.equal(restored[name], expected[name]) for name in expected)


def test_unknown_architecture_is_a_judge_error(judge: Path) -> None:
    change(judge, settings={"val_fraction": 0.1, "architecture": "deep"})
    with pytest.raises(JudgeError, match=r"architecture: .*deep"):
        read_metadata(judge)


def test_save_judge_of_equal_networks_writes_equal_bytes(
    judge: Path, tmp_path_factory: Any
) -> None:
    again = tmp_path_factory.mktemp("again")
    network = load(judge).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    save_judge(again, network, FIELDS)
    for name in (METADATA, WEIGHTS):
        assert (again / name).read_bytes() == (judge / name).read_bytes()


def test_read_metadata_of_a_missing_judge_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(JudgeError, match=r"judge\.json: .*No such file"):
        read_metadata(tmp_path / "nowhere")


def test_read_metadata_of_a_file_raises(judge: Path) -> None:
    with pytest.raises(JudgeError, match="Not a directory"):
        read_metadata(judge / WEIGHTS)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_read_metadata_of_a_folder_or_pipe_raises(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / METADATA)
    with pytest.raises(JudgeError, match="pipe"):
        read_metadata(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", "[" * 100_000, '{"a": "\\ud800"}'])
def test_read_metadata_of_corrupt_json_raises(judge: Path, text: str) -> None:
    (judge / METADATA).write_text(text)
    with pytest.raises(JudgeError, match=METADATA):
        read_metadata(judge)


def test_read_metadata_of_a_huge_file_raises(judge: Path) -> None:
    with (judge / METADATA).open("wb") as huge:
        huge.truncate(1 << 30)
    with pytest.raises(JudgeError, match="16,777,216 bytes"):
        read_metadata(judge)


NOT_A_NUMBER = '{"hair": {"value": NaN}, "eyes": {"value": 0}}'
GROUP = {"name": "hair", "kind": "one_hot", "labels": ["red"], "default": "red", "slice": [0, 1]}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"schema_version": 5}, "found version 5"),
        ({"schema_version": True}, "schema_version: expected an integer"),
        ({"kind": "checkpoint"}, "kind: expected one of judge"),
        ({"kind": "\x1b[2J"}, "kind: expected printable text"),
        ({"resolution": 8}, "resolution: expected an integer from 16 to 1024"),
        ({"resolution": 10**40}, "resolution: expected an integer"),
        ({"width": 1}, "width: expected an integer from 4 to 128"),
        ({"conditions": {}}, "conditions: expected a list"),
        ({"conditions": [GROUP | {"slice": [3, 4]}]}, "expected [0, 1]"),
        ({"conditions": [GROUP | {"default": "pink"}]}, "found 'pink'"),
        ({"accuracy": {"hair": {"value": 0.5}}}, "accuracy: expected the required key 'eyes'"),
        ({"accuracy": {"hair": {"value": 2}, "eyes": {"value": 1}}}, "a fraction from 0 to 1"),
        ({"accuracy": {"hair": {"value": "1"}, "eyes": {"value": 1}}}, "value: expected a number"),
        ({"accuracy": {"hair": {"value": 10**400}}}, "value: expected a number"),
        ({"settings": {}}, "settings: expected the required key 'val_fraction'"),
        ({"settings": {"val_fraction": "a tenth"}}, "val_fraction: expected a number"),
        ({"weights": {"size": 1 << 40, "sha256": "0"}}, "size: expected an integer from 0"),
        ({"weights": {"size": 1}}, "weights: expected the required key 'sha256'"),
        ({"weights": "../../secret"}, "weights: expected a JSON object"),
    ],
)
def test_read_metadata_checks_every_field(judge: Path, fields: Fields, message: str) -> None:
    change(judge, **fields)
    with pytest.raises(JudgeError) as caught:
        read_metadata(judge)
    assert message in str(caught.value)
    assert METADATA in caught.value.place
    assert str(caught.value).isprintable()


def test_read_metadata_with_an_accuracy_of_nan_raises(judge: Path) -> None:
    text = json.dumps(json.loads((judge / METADATA).read_text()) | {"accuracy": 0})
    (judge / METADATA).write_text(text.replace('"accuracy": 0', f'"accuracy": {NOT_A_NUMBER}'))
    with pytest.raises(JudgeError, match="NaN"):
        read_metadata(judge)


@pytest.mark.parametrize("alter", ["truncated", "longer", "flipped", "missing"])
def test_load_network_with_altered_weights_raises(judge: Path, alter: str) -> None:
    weights = judge / WEIGHTS
    data = weights.read_bytes()
    if alter == "missing":
        weights.unlink()
    else:
        altered = {"truncated": data[:-1], "longer": data + b"0", "flipped": data[:-1] + b"\x7f"}
        weights.write_bytes(altered[alter])
    with pytest.raises(JudgeError, match=WEIGHTS):
        load(judge)


@pytest.mark.parametrize(
    "fields", [{"width": 5}, {"conditions": [GROUP], "accuracy": {"hair": {"value": 1}}}]
)
def test_load_network_with_weights_of_another_shape_raises(judge: Path, fields: Fields) -> None:
    change(judge, **fields)
    with pytest.raises(JudgeError, match=r"[15] outputs and width"):
        load(judge)


def test_load_network_of_a_huge_size_allocates_nothing(judge: Path) -> None:
    labels = [f"label {number}" for number in range(16_384)]
    group = GROUP | {"labels": labels, "default": labels[0], "slice": [0, 16_384]}
    change(judge, width=128, conditions=[group], accuracy={"hair": {"value": 1}})
    with pytest.raises(JudgeError, match="16384 outputs and width 128"):
        load(judge)


def weights(judge: Path) -> dict[str, torch.Tensor]:
    return dict(safetensors.torch.load((judge / WEIGHTS).read_bytes()))


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (torch.full((CONDITIONS.size,), torch.nan), "NaN or infinity in head.bias"),
        (torch.full((CONDITIONS.size,), -torch.inf), "NaN or infinity in head.bias"),
        (torch.zeros(CONDITIONS.size, dtype=torch.float16), "torch.float16 for head.bias"),
        (torch.zeros(2), "size mismatch for head.bias"),
    ],
)
def test_load_network_names_the_wrong_tensor(
    judge: Path, tensor: torch.Tensor, message: str
) -> None:
    replace_weights(judge, safetensors.torch.save(weights(judge) | {"head.bias": tensor}))
    with pytest.raises(JudgeError, match=message):
        load(judge)


def test_load_network_names_an_extra_or_missing_tensor(judge: Path) -> None:
    tensors = weights(judge)
    replace_weights(judge, safetensors.torch.save(tensors | {"extra\x1b[2J": torch.zeros(1)}))
    with pytest.raises(JudgeError, match=r"Unexpected key.*extra\\x1b"):
        load(judge)
    del tensors["head.weight"]
    replace_weights(judge, safetensors.torch.save(tensors))
    with pytest.raises(JudgeError, match=r"Missing key.*head\.weight"):
        load(judge)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 4000), st.binary(min_size=1, max_size=8))
def test_load_network_with_a_damaged_header_raises_only_judge_error(
    judge: Path, offset: int, other: bytes
) -> None:
    torch.manual_seed(0)
    data = safetensors.torch.save(JudgeNetwork(CONDITIONS.size, 4).state_dict())
    replace_weights(judge, data[:offset] + other + data[offset + len(other) :])
    try:
        load(judge)
    except JudgeError as error:
        assert str(error).isprintable()
