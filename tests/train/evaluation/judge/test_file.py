"""A judge is read whole and checked, or refused with the file at fault named."""

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
from ganport_train.evaluation.judge import file
from ganport_train.evaluation.judge.file import CARD, WEIGHTS, JudgeError
from ganport_train.evaluation.judge.network import JudgeNetwork

CONDITIONS = Conditions.one_hots({"hair": ["red", "blue"], "eyes": ["black", "green", "aqua"]})
FACTS = {
    "conditions": CONDITIONS.to_json(),
    "resolution": 32,
    "width": 4,
    "settings": {"held_out": 0.1},
    "accuracy": {"hair": {"value": 0.96}, "eyes": {"value": 0.97}},
}
Fields = dict[str, Any]


@pytest.fixture
def judge(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    file.save(tmp_path, JudgeNetwork(CONDITIONS.size, 4), FACTS)
    return tmp_path


def change(judge: Path, **fields: object) -> None:
    card = json.loads((judge / CARD).read_text())
    (judge / CARD).write_text(json.dumps(card | fields))


def put(judge: Path, data: bytes) -> None:
    """Other weights, with a card that vouches for them."""
    (judge / WEIGHTS).write_bytes(data)
    change(judge, weights={"size": len(data), "sha256": sha256_of(data)})


def load(judge: Path) -> JudgeNetwork:
    return file.load_network(judge, file.read_card(judge))


def test_round_trip(judge: Path) -> None:
    card = file.read_card(judge)
    assert (card.conditions, card.resolution, card.width) == (CONDITIONS, 32, 4)
    assert card.real == {"hair": 0.96, "eyes": 0.97}
    assert card.digest == sha256_of(judge / CARD)
    assert card.sha256 == sha256_of(judge / WEIGHTS)
    torch.manual_seed(0)
    expected = JudgeNetwork(CONDITIONS.size, 4).state_dict()
    found = load(judge).state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_the_same_judge_has_the_same_bytes(judge: Path, tmp_path_factory: Any) -> None:
    again = tmp_path_factory.mktemp("again")
    network = load(judge).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    file.save(again, network, FACTS)
    for name in (CARD, WEIGHTS):
        assert (again / name).read_bytes() == (judge / name).read_bytes()


def test_a_missing_judge_is_named(tmp_path: Path) -> None:
    with pytest.raises(JudgeError, match=r"judge\.json: .*No such file.* eval-gan judge --out"):
        file.read_card(tmp_path / "nowhere")


def test_a_file_is_no_judge(judge: Path) -> None:
    with pytest.raises(JudgeError, match="Not a directory"):
        file.read_card(judge / WEIGHTS)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / CARD)
    with pytest.raises(JudgeError, match="expected a judge's file; found something else"):
        file.read_card(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", "[" * 100_000, '{"a": "\\ud800"}'])
def test_a_damaged_card_is_an_error(judge: Path, text: str) -> None:
    (judge / CARD).write_text(text)
    with pytest.raises(JudgeError, match=CARD):
        file.read_card(judge)


def test_a_card_beyond_all_bounds_is_not_read(judge: Path) -> None:
    with (judge / CARD).open("wb") as huge:
        huge.truncate(1 << 30)
    with pytest.raises(JudgeError, match=r"expected at most 16,777,216 bytes"):
        file.read_card(judge)


NOT_A_NUMBER = '{"hair": {"value": NaN}, "eyes": {"value": 0}}'
GROUP = {"name": "hair", "kind": "one_hot", "labels": ["red"], "default": "red", "slice": [0, 1]}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"schema_version": 2}, "expected schema version 1 or lower; found version 2. Use a newer"),
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
        ({"accuracy": {"hair": {"value": 2}, "eyes": {"value": 1}}}, "a share from 0 to 1"),
        ({"accuracy": {"hair": {"value": "1"}, "eyes": {"value": 1}}}, "value: expected a number"),
        ({"accuracy": {"hair": {"value": 10**400}}}, "value: expected a number"),
        ({"settings": {}}, "settings: expected the required key 'held_out'"),
        ({"settings": {"held_out": "a tenth"}}, "held_out: expected a number"),
        ({"weights": {"size": 1 << 40, "sha256": "0"}}, "size: expected an integer from 0"),
        ({"weights": {"size": 1}}, "weights: expected the required key 'sha256'"),
        ({"weights": "../../secret"}, "weights: expected a JSON object"),
    ],
)
def test_every_field_of_a_card_is_checked(judge: Path, fields: Fields, words: str) -> None:
    change(judge, **fields)
    with pytest.raises(JudgeError) as caught:
        file.read_card(judge)
    message = str(caught.value)
    assert words in message
    assert CARD in message
    assert message.isprintable()


def test_an_accuracy_that_is_no_number_is_refused(judge: Path) -> None:
    text = json.dumps(json.loads((judge / CARD).read_text()) | {"accuracy": 0})
    (judge / CARD).write_text(text.replace('"accuracy": 0', f'"accuracy": {NOT_A_NUMBER}'))
    with pytest.raises(JudgeError, match="NaN is not a JSON number"):
        file.read_card(judge)


@pytest.mark.parametrize("alter", ["torn", "longer", "flipped", "gone"])
def test_weights_other_than_stated_are_refused(judge: Path, alter: str) -> None:
    weights = judge / WEIGHTS
    data = weights.read_bytes()
    if alter == "gone":
        weights.unlink()
    else:
        altered = {"torn": data[:-1], "longer": data + b"0", "flipped": data[:-1] + b"\x7f"}
        weights.write_bytes(altered[alter])
    with pytest.raises(JudgeError, match=WEIGHTS):
        load(judge)


@pytest.mark.parametrize(
    "fields", [{"width": 5}, {"conditions": [GROUP], "accuracy": {"hair": {"value": 1}}}]
)
def test_weights_of_another_shape_are_refused(judge: Path, fields: Fields) -> None:
    change(judge, **fields)
    with pytest.raises(
        JudgeError, match=r"expected the weights of a judge of [15] outputs and width"
    ):
        load(judge)


def test_a_card_of_huge_sizes_takes_no_memory(judge: Path) -> None:
    labels = [f"label {number}" for number in range(16_384)]
    group = GROUP | {"labels": labels, "default": labels[0], "slice": [0, 16_384]}
    change(judge, width=128, conditions=[group], accuracy={"hair": {"value": 1}})
    with pytest.raises(JudgeError, match="a judge of 16384 outputs and width 128"):
        load(judge)


def weights(judge: Path) -> dict[str, torch.Tensor]:
    return dict(safetensors.torch.load((judge / WEIGHTS).read_bytes()))


@pytest.mark.parametrize(
    ("tensor", "words"),
    [
        (torch.full((CONDITIONS.size,), torch.nan), "NaN or infinity in head.bias"),
        (torch.full((CONDITIONS.size,), -torch.inf), "NaN or infinity in head.bias"),
        (torch.zeros(CONDITIONS.size, dtype=torch.float16), "torch.float16 for head.bias"),
        (torch.zeros(2), "size mismatch for head.bias"),
    ],
)
def test_a_tensor_that_does_not_fit_is_named(judge: Path, tensor: torch.Tensor, words: str) -> None:
    put(judge, safetensors.torch.save(weights(judge) | {"head.bias": tensor}))
    with pytest.raises(JudgeError, match=words):
        load(judge)


def test_one_tensor_more_or_less_is_named(judge: Path) -> None:
    found = weights(judge)
    put(judge, safetensors.torch.save(found | {"extra\x1b[2J": torch.zeros(1)}))
    with pytest.raises(JudgeError, match=r"Unexpected key.*extra\\x1b"):
        load(judge)
    del found["head.weight"]
    put(judge, safetensors.torch.save(found))
    with pytest.raises(JudgeError, match=r"Missing key.*head\.weight"):
        load(judge)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 4000), st.binary(min_size=1, max_size=8))
def test_no_header_of_weights_ends_in_another_error(judge: Path, place: int, other: bytes) -> None:
    torch.manual_seed(0)
    data = safetensors.torch.save(JudgeNetwork(CONDITIONS.size, 4).state_dict())
    put(judge, data[:place] + other + data[place + len(other) :])
    try:
        load(judge)
    except JudgeError as error:
        assert str(error).isprintable()
